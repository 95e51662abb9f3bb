"""Do people hear of each cause once: grouped, at their hours, in their language, and of its end?"""

from datetime import UTC, datetime, time, timedelta

from service.ledger.desk import Act
from service.ledger.engine import Ledger
from service.ledger.people import Scope
from service.ledger.rules import BY_CODE
from service.ledger.schema import mismatches, notices
from service.work.people.listener import Listener
from service.work.reconcile import after_batch
from service.work.respond import respond
from tests import books
from tests.work.telling import MINUTE, OPS, REFUNDED, TERMS, mend, only, over_refunded, sent


def test_a_cause_is_told_once_when_it_opens_and_once_when_it_ends(
    ledger: Ledger, now: datetime
) -> None:
    keys = over_refunded(ledger, now, 3)
    (note,) = sent(ledger, REFUNDED, now + MINUTE)
    assert note.title == "[pingledger] 对账提醒：新增 3"
    assert note.severity == "critical"
    assert note.text.splitlines() == [
        "— 新增 —",
        "[严重] shop · refunded_over_paid: 已退金额大于已付金额。",
        "  3 笔，涉及 ¥0.90，例 order shop0",
    ]
    assert sent(ledger, REFUNDED, now + 30 * MINUTE) == []
    mend(ledger, keys[:1], now + 31 * MINUTE)
    (part,) = sent(ledger, REFUNDED, now + 32 * MINUTE)
    assert part.text.splitlines()[1:] == [
        "[严重] shop · refunded_over_paid: 已退金额大于已付金额。",
        "  1 笔，未平共 2",
    ]
    mend(ledger, keys[1:], now + 60 * MINUTE)
    (rest,) = sent(ledger, REFUNDED, now + 61 * MINUTE)
    assert rest.title == "[pingledger] 对账提醒：已恢复 2"
    assert sent(ledger, REFUNDED, now + timedelta(days=1)) == []


def test_it_is_said_in_english_with_a_link(ledger: Ledger, now: datetime) -> None:
    listener = only("refunded_over_paid", language="en", link="https://pay.example.com/console")
    over_refunded(ledger, now)
    (note,) = sent(ledger, listener, now + MINUTE)
    number = next(
        row["id"]
        for row in books.rows_of(ledger, mismatches)
        if row["rule"] == "refunded_over_paid"
    )
    assert note.text.splitlines() == [
        "— Opened —",
        "[CRITICAL] shop · refunded_over_paid: More was refunded than was paid.",
        "  1 case, at stake ¥0.30, order shop0",
        f"  https://pay.example.com/console/mismatches/{number}",
    ]


def test_a_storm_is_gathered_and_then_paced(ledger: Ledger, now: datetime) -> None:
    over_refunded(ledger, now, 2)
    assert sent(ledger, REFUNDED, now + timedelta(seconds=9)) == []
    assert len(sent(ledger, REFUNDED, now + timedelta(seconds=10))) == 1
    over_refunded(ledger, now + MINUTE, 5, "other")
    over_refunded(ledger, now + MINUTE, 0)
    # another cause at once, after the channel's pause; the same one after a quarter of an hour
    (second,) = sent(ledger, REFUNDED, now + 2 * MINUTE)
    assert "other" in second.text
    with ledger.begin() as connection:
        more = books.put(connection, [books.order("x", amount_paid=1, amount_refunded=9)])
        after_batch(connection, more, terms=TERMS, now=now + 3 * MINUTE)
    assert sent(ledger, REFUNDED, now + 14 * MINUTE) == []
    (third,) = sent(ledger, REFUNDED, now + 16 * MINUTE)
    assert "1 笔，涉及 ¥0.08，未平共 3，order x" in third.text


def test_nothing_is_told_at_quiet_hours_and_all_of_it_after(ledger: Ledger, now: datetime) -> None:
    # now is 20:00 in Shanghai
    listener = only("refunded_over_paid", quiet={"critical": (time(19), time(8, 30))})
    over_refunded(ledger, now, 2)
    keys = over_refunded(ledger, now, 1, "gone")
    for hours in range(1, 12):
        assert sent(ledger, listener, now + timedelta(hours=hours)) == []
    mend(ledger, keys, now + timedelta(hours=12))
    assert sent(ledger, listener, now + timedelta(hours=12, minutes=29)) == []
    (note,) = sent(ledger, listener, now + timedelta(hours=12, minutes=30))
    assert note.title.endswith("新增 2")


def test_what_is_waived_is_told_and_what_opens_again_too(ledger: Ledger, now: datetime) -> None:
    over_refunded(ledger, now)
    sent(ledger, REFUNDED, now + MINUTE)
    number = next(r["id"] for r in books.rows_of(ledger, mismatches) if r["severity"] == "critical"
                  and r["rule"] == "refunded_over_paid")  # fmt: skip
    act = Act("waive", "li", "known", until=now + timedelta(days=2))
    list(respond(ledger, [(act, [number])], terms=TERMS, now=now + MINUTE))
    (waived,) = sent(ledger, REFUNDED, now + 3 * MINUTE)
    assert waived.title.endswith("已豁免 1")
    list(respond(ledger, [(Act("reopen", "li"), [number])], terms=TERMS, now=now + 4 * MINUTE))
    (again,) = sent(ledger, REFUNDED, now + 30 * MINUTE)
    assert again.title.endswith("重新打开 1")


def test_the_link_of_what_has_settled_leads_to_what_has_settled(
    ledger: Ledger, now: datetime
) -> None:
    listener = only("refunded_over_paid", link="https://pay.example.com/console")
    keys = over_refunded(ledger, now, 2)
    (opened,) = sent(ledger, listener, now + MINUTE)
    mend(ledger, keys, now + 20 * MINUTE)
    (end,) = sent(ledger, listener, now + 21 * MINUTE)
    links = [note.text.splitlines()[-1].strip() for note in (opened, end)]
    stem = "https://pay.example.com/console/mismatches?rule=refunded_over_paid&account=shop"
    assert links == [stem, f"{stem}&state=settled"]


def test_a_digest_comes_each_morning_and_says_when_all_is_well(
    ledger: Ledger, now: datetime
) -> None:
    listener = only("refunded_over_paid", digest_at=time(9))
    nine = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
    assert sent(ledger, listener, nine - MINUTE) == []
    (calm,) = sent(ledger, listener, nine)
    assert (calm.what, calm.title) == ("digest", "[pingledger] 每日摘要")
    assert calm.text.splitlines() == [
        "2026-11-24，过去 24 小时：收到通知 0 条，新增不一致 0 笔，恢复 0 笔。",
        "当前没有未平的不一致，也没有告警。",
    ]
    assert sent(ledger, listener, nine + MINUTE) == []
    over_refunded(ledger, nine + MINUTE, 4)
    sent(ledger, listener, nine + 5 * MINUTE)
    (busy,) = sent(ledger, listener, nine + timedelta(days=1))
    assert "新增不一致 4 笔" in busy.text
    assert "4 笔，涉及 ¥1.20" in busy.text
    # a process that was away all day makes no digest at night
    assert sent(ledger, listener, nine + timedelta(days=2, hours=3)) == []


def test_notices_are_told_once_and_old_ones_never(ledger: Ledger, now: datetime) -> None:
    def notice(subject: str, at: datetime) -> None:
        row = {"account": "shop", "cause": "unauthorised", "subject": subject,
               "first_at": at, "last_at": at, "count": 1}  # fmt: skip
        with ledger.begin() as connection:
            connection.execute(notices.insert(), row)

    notice("before", now - MINUTE)
    assert sent(ledger, OPS, now) == []
    notice("2026-11-23", now + MINUTE)
    (note,) = sent(ledger, OPS, now + 2 * MINUTE)
    assert "[严重] shop · unauthorised: Ping++ 不接受 API 密钥" in note.text
    assert sent(ledger, OPS, now + timedelta(hours=3)) == []


def test_a_channel_hears_only_of_what_it_is_for(ledger: Ledger, now: datetime) -> None:
    over_refunded(ledger, now, 1, "shop")
    over_refunded(ledger, now, 1, "other")
    mine = Listener("mine", Scope(accounts=frozenset({"other"})))
    (note,) = sent(ledger, mine, now + MINUTE)
    assert "other ·" in note.text
    assert "shop ·" not in note.text
    calm = Listener("calm", Scope(severities=frozenset({"info"})))
    assert sent(ledger, calm, now + MINUTE) == []
    assert BY_CODE["refunded_over_paid"].severity == "critical"
