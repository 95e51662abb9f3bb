"""Is what is asked badly refused on every page, by its field? (W13, W14, W17, W19, W20, W24)"""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from service.core.errors import TryLater
from service.ledger import answers
from service.ledger.engine import Ledger
from service.ledger.schema import acts
from service.settings import Settings
from service.web.api.desk import ENDPOINTS
from service.web.console import show, visit
from service.work.admit import digest_of
from tests.web.console.conftest import NOW
from tests.web.console.places import ODD, ORDER, PAGES
from tests.web.console.stage import ADMIN, CSRF
from tests.web.console.test_pages import number_of, send

Shop = tuple[Ledger, Settings]
ONCE = re.compile(r'name="once" value="([^"]+)"')
# how values are asked for that no form of ours would send
NONSENSE = {
    "book": ["0", "-1", "x", "999999", "１", "9" * 30],
    "channel": ["0", "-1", "x", "999999", "１", "9" * 30],
    "size": ["0", "-1", "1000000", "１", "1.5", "1e3", "9" * 30],
    "after": ["-1", "x", "1~2~3~4~5", "' OR 1=1 --", "9" * 30],
    "since": ["2026-02-30", "20261123", "yesterday", "0000-00-00", "9999-12-31"],
    "until": ["2026-02-30", "2026-1-1", "now()"],
    "state": ["lost", "open' --"], "kind": ["novel"], "severity": ["1"], "rule": ["x;drop table"],
    "status": ["%"], "ends": ["never"], "verdict": ["guilty"], "sink": ["nowhere"],
    "format": ["pdf"], "language": ["fr"], "report": ["novel"],
}  # fmt: skip
EVERYWHERE = ("page=-1", "page=1000000000", "sort=drop", "order=asc", "q[]=1", "__proto__=1")


@pytest.mark.parametrize("path", PAGES)
def test_no_page_takes_a_field_that_it_has_not_or_one_twice(console: TestClient, path: str) -> None:
    for query in EVERYWHERE:
        answer = console.get(f"{path}?{query}")
        assert answer.status_code == 400, query
        assert f"<code>{query.partition('=')[0]}</code>" in answer.text
    assert console.get(f"{path}?{'x' * 9_000}").status_code == 400
    for name in fields_of(console, path):
        answer = console.get(f"{path}?{name}=1&{name}=1")
        assert answer.status_code == 400, name
        assert f"<code>{name}</code>" in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_every_field_of_every_filter_refuses_nonsense_by_its_name(
    console: TestClient, path: str
) -> None:
    for name in fields_of(console, path):
        for value in NONSENSE.get(name, []):
            answer = console.get(path, params={name: value})
            assert answer.status_code == 400, (name, value)
            assert f"<code>{name}</code>" in answer.text
        long = console.get(path, params={name: "x" * 201})
        assert long.status_code in (400, 404), name
        assert console.get(path, params={name: "a\x00b"}).status_code in (400, 404), name


def fields_of(console: TestClient, path: str) -> list[str]:
    """What the page's own form asks for, and what every list takes."""
    text = console.get(path).text
    main = text[text.index("<main") :]
    forms = re.findall(rf'<form[^>]+method="get"[^>]+action="{path}">.*?</form>', main, re.DOTALL)
    names = [name for form in forms for name in re.findall(r'name="(\w+)"', form)]
    is_list = forms and path not in ("/console/provider", "/console/letters")
    return sorted({*names, *(["size", "after"] if is_list else [])})


def test_the_forms_that_filter_are_found(console: TestClient) -> None:
    found = {path: fields_of(console, path) for path in PAGES}
    assert {path for path, names in found.items() if names} == {
        "/console/mismatches", "/console/objects", "/console/deliveries", "/console/letters",
        "/console/provider", "/console/statements/three-way",
    }  # fmt: skip
    asked = {name for names in found.values() for name in names}
    assert asked - set(NONSENSE) == {"account", "owner", "type", "reason"}


@pytest.mark.parametrize("path", [*PAGES, *ODD])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_is_made_in_both_languages(
    console: TestClient, path: str, language: str
) -> None:
    console.cookies["pingledger_language"] = language
    answer = console.get(path)
    assert answer.status_code in (200, 400, 404)
    assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in answer.text


@pytest.mark.parametrize(
    "cookies",
    [
        {"pingledger_language": "xx"},
        {"pingledger_language": "../../etc", "timezone": "Mars/Olympus", "tz": "\x7f"},
        {"pingledger_language": "", "timezone": "UTC"},
    ],
    ids=["unknown", "paths", "empty"],
)
def test_nonsense_of_language_and_zone_reads_chinese_in_shanghai(
    console: TestClient, cookies: dict[str, str]
) -> None:
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    asked = {"cookie": header, "accept-language": "zz;q=9,,%00", "x-timezone": "Mars"}
    text = console.get("/console/today", headers=asked).text
    assert '<html lang="zh-CN">' in text
    there = NOW + timedelta(hours=8)
    assert there.strftime("%Y-%m-%d %H:%M:%S") in text


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (1, "¥0.01"), (10**6, "¥10,000.00"), (2**53 + 1, "¥90,071,992,547,409.93"),
        (0, "¥0.00"), (-1, "−¥0.01"), (10**20 + 7, "¥1,000,000,000,000,000,000.07"),
    ],
)  # fmt: skip
def test_money_is_exact_to_the_last_fen(amount: int, shown: str) -> None:
    assert show.money(amount).startswith(f'<span class="money">{shown}<')


def test_a_form_sent_twice_is_done_once_and_led_to_the_same_place(
    console: TestClient, shop: Shop
) -> None:
    number = number_of(shop, "open")
    path = f"/console/mismatches/{number}"
    once = ONCE.findall(console.get("/console/mismatches").text)[0]
    fields = {"act": "comment", "note": "两次点击", "number": number, "once": once}
    first = send(console, "/console/mismatches", **fields)
    assert first == (303, "/console/mismatches?done=1")
    assert send(console, "/console/mismatches", **fields) == first
    # another note under the same token is another form: somebody went back and wrote it anew
    assert send(console, "/console/mismatches", **{**fields, "note": "改过"})[0] == 303
    with shop[0].read() as connection:
        notes = list(connection.scalars(sa.select(acts.c.note).where(acts.c.mismatch_id == number)))
    assert sorted(notes) == sorted(["两次点击", "改过"])
    tokens = ONCE.findall(console.get(path).text)
    assert len(set(tokens)) == len(tokens) > 3


def test_a_form_that_was_refused_may_be_put_right_and_sent_again(
    console: TestClient, shop: Shop
) -> None:
    path = f"/console/mismatches/{number_of(shop, 'open')}"
    once = ONCE.findall(console.get(path).text)[0]
    fields = {"act": "assign", "seen": 0, "once": once}
    assert send(console, path, **fields)[0] == 400
    assert send(console, path, **fields)[0] == 400
    assert send(console, path, **fields, owner="陈会计")[0] == 303


def test_a_form_that_is_being_worked_on_is_not_begun_again(console: TestClient, shop: Shop) -> None:
    token = "A" * 22
    with shop[0].begin() as connection:
        fields = [("csrf", CSRF), ("once", token)]
        digest = digest_of(repr((f"{ORDER}/look", fields)))
        assert answers.claim(connection, ADMIN.id, digest, digest, now=NOW) is None
    status, text = send(console, f"{ORDER}/look", once=token)
    assert status == 409
    assert "正在处理" in text


def test_a_stale_form_is_shown_what_was_done_meanwhile(console: TestClient, shop: Shop) -> None:
    path = f"/console/mismatches/{number_of(shop, 'open')}"
    assert send(console, path, act="comment", note="第一条", seen=0)[0] == 303
    assert "您查看之后" not in console.get(path).text
    assert send(console, path, act="comment", note="别人的", seen=1)[0] == 303
    status, text = send(console, path, act="acknowledge", seen=1)
    assert status == 409
    history = text[text.index('<ol class="history">') :]
    assert history.count("您查看之后") == 1
    assert history.index("第一条") < history.index("您查看之后") < history.index("别人的")


def test_a_search_that_takes_long_is_ended(shop: Shop) -> None:
    ledger = shop[0]
    slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000)"
    with pytest.raises(TryLater), ledger.read(seconds=0.05) as connection:
        connection.scalar(sa.text(f"{slow} SELECT count(*) FROM n"))
    # the connection is as good as before, and bounded no more
    with ledger.read() as connection:
        assert connection.scalar(sa.select(1)) == 1
        if ledger.dialect == "postgresql":
            assert connection.scalar(sa.text("SHOW statement_timeout")) == "1min"
    assert visit.SEARCH_SECONDS == 2.0


def test_the_api_refuses_what_it_does_not_know_too() -> None:
    wholes = [param for one in ENDPOINTS for param in one.params if param.whole]
    assert {param.whole[1] for param in wholes if param.name == "limit" and param.whole} == {200}
