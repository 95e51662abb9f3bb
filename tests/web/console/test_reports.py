"""Reports as a person takes them away, and how the provider notifies: whose, or why not."""

import csv
import io
import re
import threading
from urllib.parse import urlencode

import openpyxl
import pytest
from starlette.testclient import TestClient

from service.core.report.sheet import Language
from service.ledger.people import Cause
from service.web.console import provider
from service.web.doors import Person, Role
from service.work.people.causes import Line
from service.work.people.words import shown
from service.work.report import make
from service.work.report.parameters import taken_by
from service.work.report.table import REPORTS, Days, Report
from tests.web.console.stage import ACCOUNT, Visitor

FILE = "/console/reports/file"
SPAN = {"since": "2026-11-17", "until": "2026-11-24"}
OTHERS = Person("p", "外人", frozenset({Role.FINANCE}), frozenset({"other"}))


def asked(report: str, **more: str) -> str:
    days = {} if REPORTS[report].days is Days.NONE else SPAN
    return f"{FILE}?{urlencode({'report': report, **days, **more})}"


@pytest.mark.parametrize("language", list(Language))
def test_the_page_names_every_report_in_the_persons_language(
    console: TestClient, language: Language
) -> None:
    console.cookies["pingledger_language"] = language
    text = console.get("/console/reports?report=orders").text
    assert [one.name for one in REPORTS.values() if one.title.of(language) not in text] == []
    assert 'href="/console/reports?report=orders" aria-current="true"' in text
    assert '<input type="hidden" name="report" value="orders">' in text


@pytest.mark.parametrize("report", list(REPORTS.values()), ids=list(REPORTS))
def test_the_form_asks_what_the_report_takes(console: TestClient, report: Report) -> None:
    text = console.get(f"/console/reports?report={report.name}").text
    asked = re.findall(r'<(?:select|input type="(?:date|text)") name="(\w+)"', text)
    left_out = ["day"] if len(report.sheets) > 1 else ["day", "sheet"]
    assert asked == [one.name for one in taken_by(report) if one.name not in left_out]
    if len(report.sheets) > 1:
        assert all(f'<option value="{sheet}">' in text for sheet in report.sheets)


def test_what_the_form_asks_is_heard(console: TestClient) -> None:
    fees = console.get(asked("ledger", book="fees", as_known="2026-11-24", format="csv"))
    rows = list(csv.DictReader(io.StringIO(fees.content.decode("utf-8-sig"))))
    assert {row["科目"] for row in rows} == {"fees"}
    moved = console.get(asked("orders", by="moved", format="html", app="")).text
    assert "<dt>日期依据</dt><dd>入账时间</dd>" in moved
    one = console.get(asked("closing", sheet="channels"))
    assert openpyxl.load_workbook(io.BytesIO(one.content)).sheetnames == ["按渠道", "说明"]


def test_a_report_is_downloaded_as_csv(console: TestClient) -> None:
    answer = console.get(asked("orders", format="csv", language="en", account=ACCOUNT))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    name = "orders-2026-11-17-2026-11-24.csv"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert int(answer.headers["content-length"]) == len(answer.content)
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) > 100
    assert {row["account"] for row in rows} == {ACCOUNT}


def test_a_workbook_holds_every_sheet_in_the_persons_language(console: TestClient) -> None:
    answer = console.get(asked("fees"))
    book = openpyxl.load_workbook(io.BytesIO(answer.content), read_only=True)
    assert len(book.sheetnames) >= len(REPORTS["fees"].sheets)
    cells = [cell for row in book.worksheets[0].iter_rows(values_only=True) for cell in row]
    assert "账户" in cells
    assert ACCOUNT in cells


@pytest.mark.parametrize("report", sorted(REPORTS))
def test_who_sees_some_accounts_gets_reports_of_those_only(
    console: TestClient, visitor: Visitor, report: str
) -> None:
    whole = console.get(asked(report, format="html")).text
    assert ">shop<" in whole
    visitor.person = OTHERS
    bounded = console.get(asked(report, format="html"))
    assert bounded.status_code == 200
    assert ">shop<" not in bounded.text
    assert bounded.text.count("共 0 行") == len(REPORTS[report].sheets)
    assert console.get(asked(report, account=ACCOUNT)).status_code == 404


def test_who_sees_two_accounts_chooses_one(console: TestClient, visitor: Visitor) -> None:
    both = frozenset({"other", ACCOUNT})
    visitor.person = Person("p", "财务", frozenset({Role.FINANCE}), both)
    answer = console.get(asked("orders"))
    assert answer.status_code == 400
    assert "<code>account</code>" in answer.text
    assert "请选择账户" in answer.text
    assert console.get(asked("orders", account=ACCOUNT)).status_code == 200
    assert '<option value="">全部</option>' not in console.get("/console/reports").text


def test_a_viewer_sees_which_there_are_and_takes_none(
    console: TestClient, visitor: Visitor
) -> None:
    visitor.person = Person("p", "看客", frozenset({Role.VIEWER}))
    assert FILE not in console.get("/console/reports").text
    assert console.get(asked("orders")).status_code == 403


def test_without_days_it_is_of_yesterday(console: TestClient) -> None:
    answer = console.get(f"{FILE}?report=orders&format=csv")
    assert 'filename="orders-2026-11-23.csv"' in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "report"),
        ("report=novel", "report"),
        ("report=orders&format=pdf", "format"),
        ("report=orders&language=fr", "language"),
        ("report=orders&until=2026-11-20", "since"),
        ("report=orders&since=2026-11-21&until=2026-11-20", "since"),
        ("report=orders&since=2020-01-01", "until"),
        ("report=orders&sheet=x", "sheet"),
        ("report=orders&book=fees", "book"),
        ("report=orders&by=whim", "by"),
        ("report=aging&since=2026-11-20", "since"),
        ("report=ledger&as_known=today", "as_known"),
        ("report=orders&page=2", "page"),
    ],
)
def test_a_file_that_is_asked_badly_is_refused_by_its_field(
    console: TestClient, query: str, field: str
) -> None:
    answer = console.get(f"{FILE}?{query}")
    assert answer.status_code == 400
    assert f"<code>{field}</code>" in answer.text


@pytest.mark.parametrize("query", ["report=fees&format=beancount", "report=fees&sheet=days"])
def test_a_question_without_sense_leads_back_to_the_form(console: TestClient, query: str) -> None:
    answer = console.get(f"{FILE}?{query}")
    assert answer.status_code == 400
    assert "无法生成报表" in answer.text
    report = query[7:].partition("&")[0]
    assert f'<input type="hidden" name="report" value="{report}">' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "可选：" in answer.text or "没有这一项" in answer.text


@pytest.mark.parametrize(
    ("day", "status"),
    [("2028-02-29", 200), ("2024-02-29", 200), ("1971-01-01", 200), ("2026-02-29", 400),
     ("2026-11-24", 200)],
)  # fmt: skip
def test_an_odd_day_is_a_day_if_there_is_one(console: TestClient, day: str, status: int) -> None:
    answer = console.get(f"{FILE}?report=orders&format=html&since={day}&until={day}&account=other")
    assert answer.status_code == status
    if status == 200:
        assert answer.text.count("共 0 行") == len(REPORTS["orders"].sheets)
        assert day in answer.text


def test_too_many_at_once_are_told_when_to_come_again(
    console: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = threading.BoundedSemaphore(1)
    busy.acquire()
    monkeypatch.setattr(make, "_turns", busy)
    answer = console.get(asked("orders"))
    busy.release()
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert "text/html" in answer.headers["content-type"]
    assert console.get(asked("orders")).status_code == 200


def test_the_card_has_a_line_per_week_and_group(console: TestClient) -> None:
    text = console.get("/console/provider").text
    assert '<th scope="row">2026-11-23</th>' in text
    assert '<th scope="row">2026-11-16</th>' in text
    assert text.index("2026-11-23</th>") < text.index("2026-11-16</th>")
    old = console.get("/console/provider?since=2026-09-01&until=2026-09-20").text
    assert "该期间没有新建对象" in old


def test_the_card_is_of_the_accounts_that_may_be_seen(
    console: TestClient, visitor: Visitor
) -> None:
    visitor.person = OTHERS
    assert f"<td>{ACCOUNT}</td>" not in console.get("/console/provider").text
    assert console.get(f"/console/provider?account={ACCOUNT}").status_code == 404


@pytest.mark.parametrize(
    "query", ["since=2026-01-01", "since=2026-01-01&until=2026-11-01", "since=2026-11-02&until=x"]
)
def test_the_card_is_of_a_quarter_at_most(console: TestClient, query: str) -> None:
    assert console.get(f"/console/provider?{query}").status_code == 400


def test_the_card_shows_so_many_lines(console: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "ROWS_SHOWN", 2)
    text = console.get("/console/provider").text
    assert text.count('<th scope="row">') == 2
    assert "只显示最新的行" in text


@pytest.mark.parametrize(
    "line",
    [
        Line(Cause("mismatch", "paid_sum", ACCOUNT), "critical", 1, number="1"),
        Line(Cause("mismatch", "paid_sum", ACCOUNT), "critical", 3),
        Line(Cause("mismatch", "paid_sum", ""), "critical", 3, accounts=2),
    ],
)
def test_a_link_of_a_note_leads_to_a_page_of_the_console(console: TestClient, line: Line) -> None:
    note = shown(line, "opened", "zh", "https://pay.example.com/console")
    address = re.search(r"https://pay\.example\.com(\S+)", note)
    assert address is not None
    answer = console.get(address[1])
    assert answer.status_code == 200
    shows = 'action="/console/mismatches/1"' if line.number else 'value="paid_sum" selected'
    assert shows in answer.text
