"""What operators and finance do on the pages, and what they see of one object."""

import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from service.ledger import audit as chain
from service.ledger.engine import Ledger
from service.ledger.schema import audit, deliveries, dispatches, dropped, sinks, watches
from service.settings import Settings
from service.web.doors import Person, Role
from tests.web.console.stage import BOOK, CSRF, Visitor
from tests.web.console.test_pages import send

Shop = tuple[Ledger, Settings]
ORDER = "/console/objects/shop/order/2008000000000000023"


def scalar(shop: Shop, statement: Any) -> Any:
    with shop[0].read() as connection:
        return connection.scalar(statement)


@pytest.mark.parametrize(
    "number",
    [
        "2008000000000000023",
        "SP0000000023",
        "ch_000000000000000000000023",
        "4200002000000000000000000023",
    ],
)
def test_an_object_is_found_by_any_number_that_it_bears(console: TestClient, number: str) -> None:
    answer = console.get("/console/objects", params={"q": number})
    assert answer.status_code == 200
    assert "000000000023" in answer.text


def test_a_user_is_found_with_what_is_theirs(console: TestClient) -> None:
    text = console.get("/console/objects", params={"q": "cus_101"}).text
    assert text.count('<a class="id"') > 10


@pytest.mark.parametrize("odd", ["%", "_", "１２３", "(a+)+$", "' OR 1=1 --", "<script>"])
def test_what_is_searched_is_meant_literally(console: TestClient, odd: str) -> None:
    answer = console.get("/console/objects", params={"q": odd})
    assert answer.status_code == 200
    assert 'class="empty"' in answer.text


def test_the_page_of_an_object_tells_its_whole_story(console: TestClient) -> None:
    text = console.get(ORDER).text
    for step in ("推送", "观测", "变更", "差异告警", "消息", "记账"):
        assert f'<span class="what">{step}</span>' in text
    assert "payable:app_Sh0pSh0pSh0pSh0p" in text
    assert "open_id" not in text


def test_lists_go_on_where_they_stopped_and_show_each_row_once(console: TestClient) -> None:
    seen: list[str] = []
    where: str | None = "/console/objects?kind=order&account=shop&size=60"
    while where:
        text = console.get(where).text
        seen += re.findall(r"/console/objects/shop/order/(\d+)", text)
        found = re.search(r'rel="next" href="([^"]+)"', text)
        where = found[1].replace("&amp;", "&") if found else None
    assert len(seen) == len(set(seen)) > 60


def test_opening_the_bytes_is_noted_with_its_reason_before_they_are_shown(
    console: TestClient, shop: Shop
) -> None:
    answer = console.post(f"{ORDER}/open", data={"csrf": CSRF, "reason": "核对客户投诉"})
    assert answer.status_code == 200
    assert "open_id" in answer.text
    assert "签名有效" in answer.text
    line = scalar(shop, sa.select(audit.c.why).order_by(audit.c.id.desc()).limit(1))
    assert line == "核对客户投诉"
    assert list(chain.broken(shop[0])) == []
    assert "审计链完整" in console.post("/console/audit/verify", data={"csrf": CSRF}).text


def test_nothing_is_opened_without_a_reason_or_the_role(
    console: TestClient, visitor: Visitor, shop: Shop
) -> None:
    count = sa.select(sa.func.count()).select_from(audit)
    before = scalar(shop, count)
    assert send(console, f"{ORDER}/open", reason="no")[0] == 400
    visitor.person = Person("v", "看客", frozenset({Role.VIEWER}))
    assert send(console, f"{ORDER}/open", reason="好奇看看")[0] == 403
    assert "查看签名原文" not in console.get(ORDER).text
    visitor.person = Person("f", "外人", frozenset({Role.FINANCE}), frozenset({"other"}))
    assert send(console, f"{ORDER}/open", reason="好奇看看")[0] == 404
    assert send(console, "/console/deliveries/1/open", reason="好奇看看")[0] == 404
    assert scalar(shop, count) == before


def test_a_quarantined_delivery_is_requeued(console: TestClient, shop: Shop) -> None:
    state = deliveries.c.state
    number = scalar(shop, sa.select(deliveries.c.id).where(state == "quarantined").limit(1))
    where = send(console, "/console/deliveries/requeue", number=number)
    assert where == (303, f"/console/deliveries/{number}?done=1")
    assert scalar(shop, sa.select(state).where(deliveries.c.id == number)) == "waiting"
    assert "已排队" in console.get(where[1]).text


def test_an_object_is_asked_for_again(console: TestClient, shop: Shop) -> None:
    assert send(console, f"{ORDER}/look")[1].endswith("done=look")
    looked = sa.select(watches.c.reason).where(watches.c.object_id == "2008000000000000023")
    assert scalar(shop, looked) is not None
    assert send(console, "/console/objects/shop/order/not%20an%20id/look")[0] == 404


def test_a_sink_is_paused_and_resumed_once(
    console: TestClient, visitor: Visitor, shop: Shop
) -> None:
    paused = sa.select(sinks.c.paused_for).where(sinks.c.name == "erp")
    assert send(console, "/console/sinks/erp", act="pause", reason="月末盘点")[0] == 303
    assert scalar(shop, paused) == "月末盘点"
    assert send(console, "/console/sinks/erp", act="pause")[0] == 409
    assert "月末盘点" in console.get("/console/sinks").text
    assert send(console, "/console/sinks/erp", act="resume")[0] == 303
    assert scalar(shop, paused) is None
    visitor.person = Person("o", "外人", frozenset({Role.OPERATOR}), frozenset({"shop"}))
    assert send(console, "/console/sinks/erp", act="pause")[0] == 403


def test_a_dead_letter_is_sent_again_and_another_is_dropped_with_a_reason(
    console: TestClient, shop: Shop
) -> None:
    waiting = sa.select(sa.func.count()).where(dispatches.c.state == "waiting")
    before = scalar(shop, waiting)
    letters = re.findall(r'name="letter" value="([^"]+)"', console.get("/console/letters").text)
    assert len(letters) > 1
    assert send(console, "/console/letters", act="replay", letter=letters[0])[1].endswith("done=1")
    assert send(console, "/console/letters", act="drop", letter=letters[1])[0] == 400
    gone = send(console, "/console/letters", act="drop", letter=letters[1], reason="已人工补录")
    assert gone[1].endswith("done=1")
    assert scalar(shop, sa.select(dropped.c.reason)) == "已人工补录"
    assert scalar(shop, waiting) == before + 1


def test_a_statement_is_looked_at_then_imported_and_the_same_again_changes_nothing(
    console: TestClient, shop: Shop
) -> None:
    fields = {"csrf": CSRF, "source": "book", "account": "shop"}
    file = {"file": ("../../流水.csv", BOOK.replace("88.00", "77.00").encode(), "text/csv")}
    seen = console.post("/console/statements", data={**fields, "do": "preview"}, files=file)
    assert seen.status_code == 200
    assert "读取预览" in seen.text
    assert "¥77.00" in seen.text
    digest = re.search(r'name="digest" value="(\w+)"', seen.text)
    assert digest
    ours = {**fields, "do": "import", "digest": digest[1]}
    done = console.post("/console/statements", data=ours)
    assert "已导入，编号" in done.text
    assert not list((Path(shop[1].data_dir) / "uploads").glob("*"))
    again = console.post("/console/statements", data={**fields, "do": "import"}, files=file)
    assert "同一文件已存在" in again.text


def test_a_file_that_cannot_be_read_says_so_and_imports_nothing(console: TestClient) -> None:
    fields = {"csrf": CSRF, "source": "book", "account": "shop", "do": "import"}
    wrong = console.post(
        "/console/statements", data=fields, files={"file": ("a.csv", b"\x00\x01", "text/csv")}
    )
    assert wrong.status_code == 422
    bad = BOOK.replace("12.34", "12.345").encode()
    lines = console.post(
        "/console/statements", data=fields, files={"file": ("b.csv", bad, "text/csv")}
    )
    assert lines.status_code == 422
    assert "无法读取的行" in lines.text
    assert console.post("/console/statements", data=fields).status_code == 400


def test_a_statement_is_removed_with_a_reason(console: TestClient) -> None:
    assert send(console, "/console/statements/1/remove")[0] == 400
    assert send(console, "/console/statements/1/remove", reason="导错文件")[0] == 303
    assert send(console, "/console/statements/1/remove", reason="导错文件")[0] == 409
    assert "导错文件" in console.get("/console/statements/1").text


def test_a_closed_day_is_verified_from_its_postings(console: TestClient) -> None:
    day = re.findall(r"/console/closings/([\d-]+)", console.get("/console/closings").text)[0]
    answer = console.post(f"/console/closings/{day}/verify", data={"csrf": CSRF})
    assert "逐字节一致" in answer.text
    assert console.get("/console/closings/1999-01-01").status_code == 404


def test_settings_show_no_secret(console: TestClient) -> None:
    text = console.get("/console/settings").text
    assert "accounts.shop.public_keys" in text
    assert "jobs.drain_seconds" in text


def test_who_sees_one_account_sees_nothing_of_another(
    console: TestClient, visitor: Visitor
) -> None:
    visitor.person = Person("f", "外人", frozenset({Role.ADMIN}), frozenset({"other"}))
    assert console.get(ORDER).status_code == 404
    assert console.get("/console/statements/1").status_code == 404
    assert console.get("/console/deliveries/1").status_code == 404
    for path in ("objects", "deliveries", "letters", "statements", "accounts", "mismatches"):
        text = console.get(f"/console/{path}").text
        assert not re.search(r"/console/(objects/shop|deliveries/\d|statements/\d)", text), path
        assert "app_Sh0p" not in text
    assert "客户投诉" not in console.get("/console/audit").text
    assert "accounts.shop" not in console.get("/console/settings").text
