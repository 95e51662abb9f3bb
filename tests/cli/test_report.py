"""Reports are made from the shell: into a file of their own, a named one, or a pipe."""

import csv
import io
import os
import signal
from pathlib import Path

import pytest

from service.ledger.engine import Ledger, open_ledger
from service.ledger.migrations import migrate
from service.work.report.table import REPORTS
from tests import filed
from tests.cli.conftest import Call
from tests.conftest import VAULT


@pytest.fixture
def shop(folder: Path) -> Ledger:
    ledger = open_ledger(f"sqlite:///{folder / 'pingledger.db'}", VAULT)
    migrate(ledger)
    filed.shop(ledger)
    ledger.close()
    return ledger


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_a_report_goes_into_a_file_of_its_own_name(call: Call, shop: Ledger, folder: Path) -> None:
    ended = call("report", "orders", "--day", "2026-11-22")
    assert (ended.code, ended.out) == (0, "")
    assert "orders: 6 rows" in ended.err
    assert "cny: amount 60.30, amount_paid 60.30" in ended.err
    found = rows((folder / "orders-2026-11-22.csv").read_bytes().decode())
    assert (len(found), found[0][2]) == (7, "订单 ID")


def test_the_output_takes_it_too(call: Call, shop: Ledger) -> None:
    ended = call("report", "orders", "--since", "2026-11-22", "--out", "-", "--language", "en")
    assert ended.code == 0
    assert ended.out.startswith("\ufeffaccount,app,order id,")
    assert len(rows(ended.out)) == 13


def test_without_days_it_is_of_yesterday(call: Call, shop: Ledger) -> None:
    ended = call("report", "orders", "--out", "-")
    assert (ended.code, len(rows(ended.out))) == (0, 1)
    assert "of yesterday, " in ended.err


def test_a_file_is_not_replaced_unasked(call: Call, shop: Ledger, folder: Path) -> None:
    (folder / "a.csv").write_text("old")
    ended = call("report", "orders", "--out", "a.csv")
    assert (ended.code, (folder / "a.csv").read_text()) == (1, "old")
    assert "is there already: --force replaces it" in ended.err
    assert call("report", "orders", "--out", "a.csv", "--force").code == 0
    assert (folder / "a.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_a_full_disk_is_said_and_leaves_nothing(call: Call, shop: Ledger, folder: Path) -> None:
    ended = call("report", "orders", "--out", "no/a.csv")
    assert (ended.code, ended.out) == (74, "")
    assert "no/a.csv cannot be written: No such file or directory" in ended.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--day", "22.11.2026"), "is no day"),
        (("--day", "2026-11-22", "--since", "2026-11-22"), "--day: say the day, or"),
        (("--since", "2026-11-23", "--until", "2026-11-22"), "--since: the first day lies"),
        (("--sheet", "ages"), "--sheet: should be one of orders"),
        (("--by", "whim"), "--by: should be one of created, moved"),
        (("--app", "a b"), "--app: it has not the form that it should"),
        (("--book", "fees"), "No such option: --book"),
        (("--format", "pdf"), "--format"),
        (("--language", "fr"), "--language"),
    ],
)
def test_a_wrong_question_is_said(
    call: Call, shop: Ledger, arguments: tuple[str, ...], sentence: str
) -> None:
    ended = call("report", "orders", *arguments)
    assert ended.code == 64
    assert sentence in ended.err


def test_the_reports_are_listed(call: Call) -> None:
    ended = call("report", "list")
    assert ended.code == 0
    assert "订单明细" in ended.out


def test_every_report_is_a_command(call: Call, shop: Ledger, folder: Path) -> None:
    for name, one in REPORTS.items():
        ended = call("report", name, "--format", "xlsx", "--language", "en")
        assert ended.code == 0, ended.err
        assert f"{one.sheets[0]}: " in ended.err
    assert len(list(folder.glob("*.xlsx"))) == len(REPORTS)


def test_a_workbook_does_not_go_to_a_pipe(call: Call, shop: Ledger) -> None:
    ended = call("report", "orders", "--format", "xlsx", "--out", "-")
    assert (ended.code, ended.out) == (1, "")
    assert "xlsx cannot be written to a pipe: name a file with --out" in ended.err


def test_whoever_is_ended_leaves_no_file(
    call: Call, shop: Ledger, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended_midway(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("service.cli.report.make", ended_midway)
    before = signal.getsignal(signal.SIGTERM)
    before_files = set(folder.iterdir())
    assert call("report", "orders", "--out", "a.csv").code == 130
    assert signal.getsignal(signal.SIGTERM) == before
    assert {path.name for path in set(folder.iterdir()) - before_files} <= {
        "pingledger.db-wal", "pingledger.db-shm",
    }  # fmt: skip
