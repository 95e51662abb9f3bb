"""Every report in every format, taken by a program and by a person, and opened again."""

import io
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import openpyxl
import pytest
import sqlalchemy as sa

from service.core.report.sheet import Language, Sheet
from service.ledger.schema import mismatches
from service.ledger.snapshots import patient
from service.outbound.files.formats import FORMATS, Shape
from service.work.report import make
from service.work.report.parameters import taken_by
from service.work.report.table import REPORTS, Days
from tests import filed
from tests.opened import opened
from tests.web.api_program import Program, program
from tests.web.conftest import Pair
from tests.web.visitor import Answer, Visited, visited

# where a statement says another amount
_LINE = {
    "rule": "statement_amount", "account": "shop", "kind": "statement", "state": "open",
    "object_id": "book/payment/M/9", "severity": "warning", "ours": "130", "theirs": "100",
    "found_at": filed.NOW, "opened_at": filed.NOW, "currency": "cny",
}  # fmt: skip
DAYS = {"since": "2026-11-17", "until": "2026-11-24"}


@pytest.fixture
def desk(database_url: str, tmp_path: Path, key_pair: Pair) -> Iterator[Visited]:
    with visited(database_url, tmp_path, key_pair, filed.NOW) as running:
        filed.busy_shop(running.ledger)
        with running.ledger.begin() as connection:
            connection.execute(sa.insert(mismatches).values(_LINE))
        yield running


def query(name: str, **more: str) -> str:
    days = {} if REPORTS[name].days is Days.NONE else DAYS
    return urlencode({**days, "language": "en", **more})


def take(asks: Program, name: str, **more: str) -> Answer:
    return asks.get(f"/reports/{name}?{query(name, **more)}")


def first_sheet(desk: Visited, name: str) -> Sheet:
    with patient(desk.ledger) as connection:
        return REPORTS[name].build(connection, filed.ask(language=Language.EN)).sheets[0]


def test_each_report_in_each_format_opens_again_and_adds_up(desk: Visited) -> None:
    asks, person = program(desk, "reports"), desk.signed_in("lin", "finance")
    for name, report in REPORTS.items():
        sheet, told = first_sheet(desk, name), set[str]()
        for shape in report.shapes:
            answer = take(asks, name, format=shape)
            assert answer.status == 200, answer.text
            assert answer.headers["content-type"] == FORMATS[shape].media_type
            assert int(answer.headers["content-length"]) == len(answer.body)
            by_hand = person.get(f"/console/reports/file?report={name}&{query(name, format=shape)}")
            disposition = answer.headers["content-disposition"]
            assert by_hand.headers["content-disposition"] == disposition
            assert disposition.endswith(f'.{shape}"')
            for body in (answer.body, by_hand.body):
                found = opened(body, shape, sheet)
                assert found.totals in (None, found.sums), (name, shape)
                told.add(str((found.rows, found.sums)))
        assert len(told) == 1, (name, told)
        assert not next(iter(told)).startswith("(0, "), name


def test_a_sheet_can_be_taken_alone(desk: Visited) -> None:
    asks = program(desk, "reports")
    for name, report in REPORTS.items():
        for sheet in report.sheets:
            lines = take(asks, name, format="jsonl", sheet=sheet)
            book = take(asks, name, format="xlsx", sheet=sheet)
            assert (lines.status, book.status) == (200, 200), (name, sheet)
            assert len(openpyxl.load_workbook(io.BytesIO(book.body)).sheetnames) == 2


def test_a_day_that_is_not_closed_says_so(desk: Visited) -> None:
    asks, sheet = program(desk, "reports"), first_sheet(desk, "closing")
    for shape in (Shape.XLSX, Shape.HTML, Shape.PARQUET):
        remarks = opened(take(asks, "closing", format=shape).body, shape, sheet).remarks
        (said,) = [text for text in remarks if text.endswith("figures may still change")]
        assert "2026-11-22, 2026-11-23, " in said
    text = take(asks, "closing", format="csv").text
    assert text.count("not closed") == text.count("\r\n") - 1


def test_all_sheets_are_of_one_snapshot(desk: Visited) -> None:
    """A shop goes on selling while its days are added up five times."""
    asks, done = program(desk, "reports"), threading.Event()

    def sell() -> None:
        for number in range(100, 400):
            if done.is_set():
                return
            filed.tell(desk.ledger, filed.order(number, 1))

    selling = threading.Thread(target=sell)
    selling.start()
    try:
        sizes = [_check_sheets(take(asks, "closing", format="xlsx").body) for _ in range(8)]
    finally:
        done.set()
        selling.join()
    assert sizes == sorted(sizes)
    assert sizes[-1] > sizes[0]


def _check_sheets(data: bytes) -> float:
    """That each sheet adds up to the same postings; gives how many."""
    pages = openpyxl.load_workbook(io.BytesIO(data)).worksheets[:-1]
    assert len(pages) == len(REPORTS["closing"].sheets)
    counts: set[float] = set()
    for page in pages:
        head, *rows = page.iter_rows(values_only=True)
        place = head.index("postings")
        counts.add(sum(float(str(row[place])) for row in rows if row[0] and row[place]) / 2)
    (count,) = counts
    return count


def test_what_a_report_takes_is_what_it_says(desk: Visited) -> None:
    asks = program(desk, "reports")
    listed = {one["name"]: one for one in program(desk, "read").get("/reports").json()["data"]}
    values = {
        "day": "2026-11-22", "since": "2026-11-22", "until": "2026-11-23", "account": "shop",
        "app": filed.APP, "by": "moved", "book": "fees", "as_known": "2026-11-24",
        "format": "csv", "language": "zh",
    }  # fmt: skip
    assert set(listed) == set(REPORTS)
    for name, report in REPORTS.items():
        parameters = listed[name]["parameters"]
        assert parameters == [one.name for one in taken_by(report)]
        for parameter, value in (values | {"sheet": report.sheets[0]}).items():
            answer = asks.get(f"/reports/{name}?{parameter}={value}")
            until_alone = parameter == "until" and report.days is Days.NEEDED
            if parameter in parameters and not until_alone:
                assert answer.status == 200, (name, parameter, answer.text)
            else:
                field = "since" if until_alone and parameter in parameters else parameter
                assert (answer.status, answer.json()["field"]) == (400, field), name


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ("orders?since=2026-11-24&until=2026-11-23", "since"),
        ("orders?since=2025-01-01", "until"),
        ("orders?until=2026-11-23", "since"),
        ("orders?day=2026-11-23&since=2026-11-23", "day"),
        ("orders?day=2026-02-30", "day"),
        ("orders?day=23.11.2026", "day"),
        ("orders?format=pdf", "format"),
        ("orders?format=beancount", "format"),
        ("orders?sheet=ages", "sheet"),
        ("vouchers?sheet=accounts&format=beancount", "sheet"),
        ("orders?language=fr", "language"),
        ("orders?by=whim", "by"),
        ("orders?account=", "account"),
        ("orders?account=%27--", "account"),
        ("orders?format=csv&format=csv", "format"),
        ("orders?page=1", "page"),
        ("ledger?book=a%00b", "book"),
    ],
)
def test_a_question_without_sense_names_the_field(desk: Visited, asked: str, field: str) -> None:
    answer = program(desk, "reports").get(f"/reports/{asked}")
    assert (answer.status, answer.json()["field"]) == (400, field)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_only_its_own_scope_takes_a_report(desk: Visited) -> None:
    for scope in ("read", "mismatches", "operate"):
        answer = take(program(desk, scope), "orders")
        assert (answer.status, answer.headers["content-type"]) == (403, "application/problem+json")
    reports = program(desk, "reports")
    assert take(reports, "orders").status == 200
    assert reports.post("/mismatches/1/acknowledge", {}).status == 403
    assert reports.get("/reports/novel").status == 404


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_report_is_of_the_accounts_that_the_token_may_see(desk: Visited) -> None:
    filed.tell(desk.ledger, filed.order(50, 0), account="other")
    one = program(desk, "reports", accounts=["other"])
    rows = [line.split(",")[0] for line in take(one, "orders", format="csv").text.splitlines()]
    assert rows[1:] == ["other"]
    assert take(one, "orders", account="shop").status == 404
    two = program(desk, "reports", accounts=["other", "shop"])
    answer = take(two, "orders")
    assert (answer.status, answer.json()["field"]) == (400, "account")
    assert take(two, "orders", account="other").status == 200


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_without_days_it_is_of_yesterday(desk: Visited) -> None:
    answer = program(desk, "reports").get("/reports/orders")
    assert answer.headers["content-disposition"] == 'attachment; filename="orders-2026-11-23.csv"'
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize(("places", "left"), [("_turns", 2), ("_places", 16)])
def test_more_than_there_is_room_for_come_later(desk: Visited, places: str, left: int) -> None:
    asks, room = program(desk, "reports"), getattr(make, places)
    with ExitStack() as held:
        for _ in range(left):
            assert room.acquire(blocking=False)
            held.callback(room.release)
        answer = take(asks, "orders")
        assert (answer.status, answer.headers["retry-after"]) == (503, "2")
        assert answer.headers["content-type"] == "application/problem+json"
        # nothing else waits for them
        assert program(desk, "read").get("/objects").status == 200
    assert take(asks, "orders").status == 200


def test_an_app_has_its_own_figures(desk: Visited) -> None:
    other: Any = filed.order(60, 1) | {"app": "app_other"}
    other["charges"]["data"][0]["app"] = "app_other"
    filed.tell(desk.ledger, other)
    asks = program(desk, "reports")
    taking = [name for name, one in REPORTS.items() if "app" in one.takes]
    for name in taking:
        sheets = {
            app: opened(
                take(asks, name, format="csv", **({"app": app} if app else {})).body,
                Shape.CSV,
                first_sheet(desk, name),
            ).rows
            for app in ("", filed.APP, "app_other")
        }
        if name != "aging":
            assert sheets[""] == sheets[filed.APP] + sheets["app_other"], name
        assert (sheets["app_other"] > 0) is (name in ("orders", "fees")), name
    text = take(asks, "orders", format="html", app="app_other").text
    assert "<dt>app</dt><dd>app_other</dd>" in text
