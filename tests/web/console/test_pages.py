"""Pages as a browser without JavaScript gets them: what is asked badly is refused, by its field."""

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from service.ledger.engine import Ledger
from service.ledger.schema import acts, mismatches
from service.settings import Settings
from service.web.console import CONSOLE_DOORS
from service.web.console.page import MENU, asset
from service.web.doors import Person, Role
from tests.web.console.stage import CSRF, Visitor

Shop = tuple[Ledger, Settings]
PAGES = [f"/console/{name}" for _, entries in MENU for name, _ in entries]


def send(console: TestClient, path: str, **fields: object) -> tuple[int, str]:
    """Send a form as a page would, and give where it led."""
    answer = console.post(path, data={"csrf": CSRF, **fields}, follow_redirects=False)
    return answer.status_code, answer.headers.get("location", answer.text)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_of_the_menu_has_content_in_both_languages(
    console: TestClient, path: str, language: str
) -> None:
    console.cookies["pingledger_language"] = language
    answer = console.get(path)
    assert answer.status_code == 200, answer.text
    assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in answer.text
    assert 'aria-current="page"' in answer.text
    assert "<main" in answer.text
    assert 'class="empty"' not in answer.text


def test_no_page_has_a_style_or_a_script_inside(console: TestClient) -> None:
    for path in PAGES:
        text = console.get(path).text
        assert " style=" not in text
        assert "<style" not in text
        assert " onclick" not in text
        assert text.count("<script") == text.count("<script src=")


def test_every_door_has_a_role_but_the_static_files() -> None:
    assert [door.name for door in CONSOLE_DOORS if door.role is None] == ["console.static"]
    assert len({(door.path, door.method) for door in CONSOLE_DOORS}) == len(CONSOLE_DOORS)
    acting = [door for door in CONSOLE_DOORS if door.method == "POST"]
    lenient = {door.name for door in acting if door.role is Role.VIEWER}
    assert lenient == {"console.language"}


def test_static_files_are_kept_for_ever_under_their_own_digest(console: TestClient) -> None:
    answer = console.get(asset("console.css"))
    assert "immutable" in answer.headers["cache-control"]
    assert console.get("/console/static/000000000000/console.css").status_code == 404
    assert console.get("/console/static/../pyproject.toml").status_code == 404


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/console/mismatches?state=odd", "state"),
        ("/console/mismatches?size=100000", "size"),
        ("/console/mismatches?size=-1", "size"),
        ("/console/mismatches?after=x", "after"),
        ("/console/mismatches?after=99999999999999999999", "after"),
        ("/console/mismatches?state=open&state=open", "state"),
        ("/console/mismatches?sort=1;drop", "sort"),
        ("/console/mismatches?rule=%00", "rule"),
        ("/console/mismatches?owner=" + "x" * 300, "owner"),
        ("/console/objects?since=2026-13-01", "since"),
        ("/console/objects?since=2026-11-02&until=2026-11-01", "since"),
        ("/console/objects?since=1990-01-01&until=2026-11-01", "until"),
        ("/console/objects?kind=novel", "kind"),
        ("/console/objects?after=1~2", "after"),
        ("/console/deliveries?state=lost", "state"),
        ("/console/deliveries?q[]=1", "q[]"),
    ],
)
def test_what_is_asked_badly_is_refused_by_its_field(
    console: TestClient, path: str, field: str
) -> None:
    answer = console.get(path)
    assert answer.status_code == 400
    assert f"<code>{field}</code>" in answer.text


def test_a_query_of_8_kb_is_too_long(console: TestClient) -> None:
    assert console.get("/console/mismatches?owner=" + "x" * 9_000).status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/console/mismatches/999999",
        "/console/mismatches/x",
        "/console/deliveries/999999",
        "/console/objects/shop/order/nothing",
    ],
)
def test_what_is_not_there_is_404(console: TestClient, path: str) -> None:
    assert console.get(path).status_code == 404


def test_another_accounts_mismatch_is_as_good_as_none(
    console: TestClient, visitor: Visitor, shop: Shop
) -> None:
    number = number_of(shop, "open")
    visitor.person = Person("p", "外人", frozenset({Role.FINANCE}), frozenset({"other"}))
    assert console.get(f"/console/mismatches/{number}").status_code == 404
    assert send(console, f"/console/mismatches/{number}", act="acknowledge", seen=0)[0] == 404
    assert send(console, "/console/mismatches", act="acknowledge", number=number)[0] == 404
    assert "paid_sum</code>" not in console.get("/console/mismatches").text
    assert console.get("/console/today?account=shop").status_code == 404


def test_a_mismatch_is_worked_through_and_each_step_is_kept(
    console: TestClient, shop: Shop
) -> None:
    number = number_of(shop, "open")
    path = f"/console/mismatches/{number}"
    steps = (
        {"act": "assign", "owner": "陈会计"},
        {"act": "acknowledge"},
        {"act": "comment", "note": "渠道账单明日到。"},
        {"act": "waive", "note": "已与渠道确认", "until": "2026-12-01"},
        {"act": "reopen"},
    )
    for seen, fields in enumerate(steps):
        assert send(console, path, seen=seen, **fields) == (303, f"{path}?done={fields['act']}")
    text = console.get(path).text
    assert "陈会计" in text
    assert "渠道账单明日到。" in text
    with shop[0].read() as connection:
        who = connection.scalars(sa.select(acts.c.who).where(acts.c.mismatch_id == number)).all()
    assert who == ["林会计"] * len(steps)


def test_the_same_form_twice_acts_once(console: TestClient, shop: Shop) -> None:
    number = number_of(shop, "open")
    path = f"/console/mismatches/{number}"
    fields = {"act": "comment", "note": "一次", "seen": 0}
    assert send(console, path, **fields)[0] == 303
    status, text = send(console, path, **fields)
    assert status == 409
    assert "期间已有人处理过" in text
    with shop[0].read() as connection:
        count = connection.scalar(sa.select(sa.func.count()).where(acts.c.mismatch_id == number))
    assert count == 1


def test_many_are_acknowledged_at_once(console: TestClient, shop: Shop) -> None:
    ledger, _ = shop
    with ledger.read() as connection:
        chosen = connection.scalars(
            sa.select(mismatches.c.id).where(mismatches.c.state == "open").limit(3)
        ).all()
    status, where = send(
        console, "/console/mismatches", act="acknowledge", number=list(chosen), filter_state="open"
    )
    assert (status, where) == (303, "/console/mismatches?done=3&state=open")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"act": "comment", "note": ""}, "note"),
        ({"act": "assign"}, "owner"),
        ({"act": "waive", "note": "x"}, "until"),
        ({"act": "waive", "note": "x", "until": "2031-01-01"}, "until"),
        ({"act": "settle"}, "act"),
        ({"act": "comment", "note": "x" * 2_001}, "note"),
        ({"act": "comment", "note": "a\x00b"}, "note"),
        ({"act": "comment", "note": "x", "seen": "many"}, "seen"),
    ],
)
def test_an_act_that_lacks_something_is_refused_by_its_field(
    console: TestClient, shop: Shop, fields: dict[str, str], field: str
) -> None:
    path = f"/console/mismatches/{number_of(shop, 'open')}"
    status, text = send(console, path, **({"seen": "0"} | fields))
    assert status == 400
    assert f"<code>{field}</code>" in text


def test_a_language_is_chosen_and_leads_back_to_our_own_pages_only(console: TestClient) -> None:
    for back in ("//evil.example", "https://evil.example/console/", "/console/../x\\y", "js:1"):
        status, where = send(console, "/console/language", language="en", back=back)
        assert (status, where) == (303, "/console/today")
    assert send(console, "/console/language", language="en", back="/console/jobs")[1] == (
        "/console/jobs"
    )
    assert "Mismatches" in console.get("/console/mismatches").text
    assert send(console, "/console/language", language="fr", back="/console/jobs")[0] == 400


def number_of(shop: Shop, state: str) -> int:
    """A mismatch of the state that nobody has touched."""
    with shop[0].read() as connection:
        number = connection.scalar(
            sa.select(mismatches.c.id).where(
                mismatches.c.state == state,
                mismatches.c.id.not_in(sa.select(acts.c.mismatch_id)),
            )
        )
    assert number is not None
    return number
