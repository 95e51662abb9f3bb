"""The provider's card is shown to people, to programs and to spreadsheets."""

import csv
import io
import json
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from service.ledger.engine import open_ledger
from tests.cli.conftest import Call
from tests.ledger.test_provider_card import belief, put


@pytest.fixture
def at(database_url: str, monkeypatch: pytest.MonkeyPatch) -> datetime:
    """When two orders were made, one of which was never notified of; the ledger has no other."""
    monkeypatch.setenv("PINGLEDGER_DATABASE__URL", database_url)
    at = datetime.now(UTC) - timedelta(days=3)
    made = {
        "created_at": at,
        "since_at": at + timedelta(seconds=90),
        "notified_at": at + timedelta(seconds=90),
    }
    with closing(open_ledger(database_url)) as ledger:
        put(
            ledger,
            [
                belief(1, **made),
                belief(2, **made | {"notified_at": None}, channel="wx_pub"),
                belief(3, **made, account="other", channel="=cmd"),
            ],
        )
    return at


def test_programs_get_a_line_per_group(call: Call, at: datetime) -> None:
    ended = call("report", "provider", "--json", "--account", "shop")
    assert ended.code == 0, ended.err
    first, second = (json.loads(line) for line in ended.out.splitlines())
    monday = datetime.fromisoformat(first["week"]).replace(tzinfo=UTC)
    assert timedelta(0) <= at - monday + timedelta(hours=8) < timedelta(days=7)
    assert (first["channel"], first["due"], first["lost"], first["loss"]) == ("alipay", 1, 0, 0.0)
    assert (second["channel"], second["lost"], second["loss"]) == ("wx_pub", 1, 1.0)
    assert (second["final"], second["to_final_p50"], second["delay_p99"]) == (1, 90.0, None)


def test_spreadsheets_get_chinese_headings_and_nothing_to_run(call: Call, at: datetime) -> None:
    ended = call("report", "provider", "--csv")
    found = list(csv.DictReader(io.StringIO(ended.out.removeprefix("\ufeff"))))
    assert ended.out.startswith("\ufeff周,账户,类型,渠道,")
    assert [row["渠道"] for row in found] == ["'=cmd", "alipay", "wx_pub"]
    assert (found[2]["丢失率"], found[2]["延迟p50秒"]) == ("1.0", "")


def test_people_get_a_table_in_either_language(call: Call, at: datetime) -> None:
    ended = call("report", "provider", "--language", "en", "--account", "other")
    assert ended.code == 0, ended.err
    head, row = ended.out.splitlines()
    assert head.split()[:5] == ["WEEK", "ACCOUNT", "KIND", "CHANNEL", "OBJECTS"]
    assert row.split()[1:4] == ["other", "order", "=cmd"]
    assert call("report", "provider").out.startswith("周          账户")


def test_outside_of_the_span_there_is_nothing(call: Call, at: datetime) -> None:
    ended = call("report", "provider", "--until", (at - timedelta(hours=1)).isoformat())
    assert (ended.code, ended.out) == (0, "")
    assert "nothing was created" in ended.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--json", "--csv"), "one is enough"),
        (("--since", "monday"), "a time with its zone"),
        (("--since", "1990-01-01T00:00:00+08:00"), "is the limit"),
    ],
)
def test_a_wrong_question_is_64(
    call: Call, at: datetime, arguments: tuple[str, ...], sentence: str
) -> None:
    ended = call("report", "provider", *arguments)
    assert (ended.code, sentence in ended.err) == (64, True)
