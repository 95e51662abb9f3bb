"""Is what others write text, and nothing but text, wherever it is shown? (W12, R27)"""

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from markupsafe import escape
from playwright.sync_api import Browser
from sqlalchemy.exc import IntegrityError
from starlette.testclient import TestClient

from service.ledger.engine import Connection, Ledger, open_ledger
from service.ledger.schema import deliveries, metadata, statements
from service.ledger.vault import of_delivery
from service.settings import Settings
from service.web.console.charts import Stack, columns
from service.web.doors import Person
from tests.conftest import VAULT
from tests.web.console.conftest import NOW
from tests.web.console.payloads import CONTROL, MARK, PAYLOADS, SCRIPTS, Form, Forms, Shower
from tests.web.console.payloads import values_of as filled
from tests.web.console.places import ODD, ORDER, PAGES
from tests.web.console.stage import ADMIN, BOOK, CSRF, Visitor, console_app

pytestmark = pytest.mark.slow
lite = pytest.mark.parametrize("shop", ["sqlite"], indirect=True)
# one text that holds them all: whatever lets any of them out of a text lets the first one out
TWENTY = " ".join(SCRIPTS)
# what shows no text that others wrote: closed days are hashed, settings and sinks are our own
NOTHING_KEPT = {
    "/console/closings", "/console/closings/2026-11-17", "/console/reports", "/console/settings",
    "/console/sinks", "/console/mismatches/999999", "/console/objects?kind=novel",
    "/console/objects?q=nothing+bears+this",
}  # fmt: skip
REPORT = "/console/reports/file?report=orders&format=html&since=2026-11-17&until=2026-11-24"
# no divisor of how many places there are: in turn each place is shown with several payloads
TURN = 5
# each place is asked for with every third payload
THIRD = 3
PLACES = [*PAGES, *ODD, REPORT]
# what pages find things by, and what is read as JSON or counted: the rest of every table is planted
KEPT = {
    "account", "kind", "object_id", "id", "stream", "seq", "body", "digest", "hash", "previous",
    "text", "figures", "before", "after", "version_num", "value", "password", "roles", "accounts",
    "scopes", "signature", "severity", "content", "state", "told", "booked", "contested",
}  # fmt: skip
KEPT_WHOLE = {"alembic_version", "meta", "replicas", "answers", "sessions", "users", "tokens"}


@pytest.fixture
def copy(shop: tuple[Ledger, Settings], tmp_path: Path) -> Generator[Ledger]:
    """The shop's ledger to be spoilt."""
    path = tmp_path / "copy.db"
    with shop[0].reader.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        raw: Any = connection.connection.driver_connection
        raw.rollback()
        raw.execute(f"VACUUM INTO '{path}'")
    with closing(open_ledger(f"sqlite:///{path}", VAULT)) as ledger:
        yield ledger


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


@pytest.fixture
def spoilt(copy: Ledger, shop: tuple[Ledger, Settings], visitor: Visitor) -> Generator[TestClient]:
    settings = shop[1].model_copy(update={"data_dir": Path(str(copy.writer.url.database)).parent})
    with TestClient(console_app(copy, settings, lambda: NOW, visitor)) as client:
        client.headers["host"] = "console"
        yield client


@pytest.fixture
def shower(browser: Browser) -> Generator[Shower]:
    context = browser.new_context()
    yield Shower(context.new_page())
    context.close()


def main_of(text: str) -> str:
    """What a page shows besides its frame, in which the person's name stands."""
    return text[max(text.find("<main"), 0) :]


def test_the_browser_tells_what_runs(shower: Shower) -> None:
    """Without this the tests below would prove nothing."""
    for payload in SCRIPTS:
        for page in (
            f"<p>{payload}</p>",
            f'<input value="{payload}">',
            f"<input value='{payload}'>",
        ):
            if shower.odd([("raw", f"<!doctype html><title>x</title>{page}")]):
                break
        else:
            pytest.fail(f"{payload} was not seen to run")
    assert shower.odd([("plain", "<!doctype html><title>x</title><p>x</p>")]) == []


@lite
@pytest.mark.timeout(400)
def test_no_payload_in_any_field_of_any_form_runs(spoilt: TestClient, shower: Shower) -> None:
    """The forms are those found on the pages: a new field is tried as soon as it is there."""
    forms = {
        form.name: form for place in PLACES[:-1] for form in Forms(spoilt.get(place).text).found
    }
    assert len(forms) > 20
    shown: list[tuple[str, str]] = []
    for form in forms.values():
        for payload in [*PAYLOADS, *CONTROL]:
            asked = [filled(form, payload)] if form.free or form.has_file else []
            asked += [filled(form, payload, name) for name in bound(form)]
            shown += [
                (f"{form.name}: {payload}", text)
                for values in asked
                if MARK in (text := send(spoilt, form, values, payload))
            ]
    assert len(shown) > 100
    assert_inert(shower, shown)


def bound(form: Form) -> list[str]:
    """Fields with a choice: they refuse any other word, each in a try of its own."""
    return [name for name in form.fields if name not in (*form.free, "csrf", "once")]


def send(client: TestClient, form: Form, values: dict[str, Any], payload: str) -> str:
    """What comes back; nothing of a form may be our fault."""
    if form.method == "get":
        answer = client.get(form.action, params=values)
    elif form.has_file:
        cells = BOOK.replace("SP0000000001", payload.replace('"', '""').join('""'))
        name = payload.replace('"', "").replace("\r\n", "")
        file = {"file": (f"{name}.csv", cells.encode(), "text/csv")}
        answer = client.post(form.action, data=values | {"do": "preview"}, files=file)
    else:
        answer = client.post(form.action, data=values)
    assert answer.status_code < 500, (form.name, payload, answer.status_code)
    assert "x-evil" not in answer.headers
    return answer.text if answer.headers["content-type"].startswith("text/html") else ""


@lite
@pytest.mark.timeout(400)
def test_no_payload_that_the_ledger_holds_runs(
    spoilt: TestClient, copy: Ledger, visitor: Visitor, shower: Shower
) -> None:
    """In every column of text that is no key, in the person's name, and in the signed bytes."""
    planted = plant(copy, PAYLOADS[0])
    assert {"beliefs.order_no", "mismatches.owner", "acts.note", "deliveries.event_type",
            "audit.why", "sinks.name", "statement_lines.order_no", "postings.debit",
            "dispatches.last_error", "statements.name"} <= set(planted)  # fmt: skip
    shown: list[tuple[str, str]] = []
    seen: set[str] = set()
    for turn, payload in enumerate(PAYLOADS):
        plant(copy, payload)
        visitor.person = replace(ADMIN, name=payload)
        for place in PLACES[turn % THIRD :: THIRD]:
            answer = spoilt.get(place)
            assert answer.status_code in (200, 400, 404), (place, payload)
            seen |= {place} if MARK in answer.text else set()
            shown.append((f"{place}: {payload}", answer.text))
        opened = spoilt.post(f"{ORDER}/open", data={"csrf": CSRF, "reason": payload})
        shown.append((f"opened: {payload}", opened.text))
        assert MARK in opened.text
    assert seen == set(PLACES)
    assert_inert(shower, shown, every=TURN)


@lite
def test_all_twenty_at_once_in_everything_that_is_kept_run_on_no_page(
    spoilt: TestClient, copy: Ledger, visitor: Visitor, shower: Shower
) -> None:
    """In every column of text that is no key: each of them, on each page, in the browser."""
    plant(copy, TWENTY)
    with copy.begin() as connection:
        # by these two files are read: else three sides are not laid beside each other
        for number, source in ((1, "book"), (2, "yeepay")):
            one = statements.c.id == number
            connection.execute(sa.update(statements).where(one).values(source=source))
    visitor.person = replace(ADMIN, name=TWENTY)
    shown = [(place, spoilt.get(place).text) for place in PLACES]
    assert [place for place, text in shown if escape(TWENTY) not in text] == []
    silent = {place for place, text in shown if escape(TWENTY) not in main_of(text)}
    assert silent == NOTHING_KEPT
    assert_inert(shower, shown)


def plant(ledger: Ledger, payload: str) -> list[str]:
    """Put it wherever the database lets it stand; the columns where it stands."""
    done: list[str] = []
    with ledger.begin() as connection:
        names = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        for trigger in connection.scalars(sa.text(names)).all():
            connection.exec_driver_sql(f"DROP TRIGGER {trigger}")
        for table in metadata.sorted_tables:
            for column in () if table.name in KEPT_WHOLE else table.columns:
                if column.name in KEPT or not isinstance(column.type, sa.String):
                    continue
                try:
                    with connection.begin_nested():
                        connection.execute(sa.update(table).values({column.name: payload}))
                    done.append(f"{table.name}.{column.name}")
                except IntegrityError:
                    # a word, or one of its kind: the first row alone, if it may
                    done += plant_one(connection, table, column, payload)
        seal(connection, ledger, payload)
    return done


def plant_one(
    connection: Connection, table: sa.Table, column: sa.Column[Any], payload: str
) -> list[str]:
    first = (
        sa.select(sa.func.min(sa.literal_column("rowid", sa.Integer)))
        .select_from(table)
        .scalar_subquery()
    )
    try:
        with connection.begin_nested():
            here = sa.literal_column("rowid") == first
            connection.execute(sa.update(table).where(here).values({column.name: payload}))
    except IntegrityError:
        return []
    return [f"{table.name}.{column.name}"]


def seal(connection: Connection, ledger: Ledger, payload: str) -> None:
    """In the signed bytes of the deliveries that showed the order."""
    wanted = sa.select(deliveries.c.id, deliveries.c.account, deliveries.c.dedup_key)
    for row in connection.execute(wanted).all():
        body = ledger.vault.seal(payload.encode(), of_delivery(row.account, row.dedup_key))
        here = deliveries.c.id == row.id
        connection.execute(sa.update(deliveries).where(here).values(body=body))


def test_no_payload_in_a_picture_runs(shower: Shower) -> None:
    stacks = [Stack(one, one, [(one, 3)], 2) for one in PAYLOADS]
    shown = [
        (one, str(columns(stacks, name=one, about=one, top_text=[one, one], top=9)))
        for one in PAYLOADS
    ]
    assert_inert(shower, shown)


@lite
def test_real_pages_run_nothing_under_their_policy(
    browser: Browser, base_url: str, shop: tuple[Ledger, Settings]
) -> None:
    context = browser.new_context(base_url=base_url)
    page = context.new_page()
    for payload in PAYLOADS[:20]:
        page.goto("/console/today")
        page.fill("#search", payload)
        page.press("#search", "Enter")
        page.wait_for_url("**/console/objects?q=*")
        assert payload in page.locator("main code").first.inner_text()
        assert page.evaluate("window.pwned") is None, payload
    context.close()


def assert_inert(shower: Shower, shown: list[tuple[str, str]], every: int = 1) -> None:
    """Nothing runs, nothing was worked out, and nothing stands there as it was written.

    every: how many pages are read for each that is shown in a browser too.
    """
    assert [label for label, text in shown if "49pwned" in text] == []
    raw = [one for one in SCRIPTS if "<" in one]
    assert [label for label, text in shown if any(one in text for one in raw)] == []
    unique = {text: label for label, text in shown if MARK in text}
    assert shower.odd([(label, text) for text, label in unique.items()][::every]) == []


@lite
def test_somebody_else_by_name_is_text_too(visitor: Visitor, spoilt: TestClient) -> None:
    visitor.person = Person("p", SCRIPTS[0], ADMIN.roles)
    assert "&lt;script&gt;top.pwned=1" in spoilt.get("/console/today").text
