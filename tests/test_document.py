"""Every operation of the provider's document has a row, a route, a sample and a command."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from service.core.kinds import KINDS
from service.pingpp.endpoints import OPERATIONS
from service.sandbox.api import places
from tests.cli.test_every_operation import CALLS
from tests.pingpp.test_operations import shape
from tests.shapes import SAMPLES

DOCUMENT = Path(__file__).parents[2] / "shared" / "reference" / "pingpp-simple-account-api.txt"
ADDRESS = re.compile(r"(GET|POST|PUT|DELETE) https?://api\.pingxx\.com(/v1/\S+)")
ADDRESS_WORD = "接口地址"


class Heading(NamedTuple):
    """A section of the document that has an address: its line, its title, the rows that are it."""

    line: int
    title: str
    operations: tuple[str, ...]


HEADINGS = (
    Heading(10, "图片资源上传接口", ("upload_pic",)),
    Heading(47, "卡 bin 识别接口", ("card_bin",)),
    Heading(84, "用户创建", ("user.create",)),
    Heading(164, "用户查询", ("user.retrieve",)),
    Heading(192, "个人用户开户", ("cus_application.create",)),
    Heading(255, "个人用户开户查询", ("cus_application.retrieve",)),
    Heading(279, "个人用户绑卡", ("user.settle_accounts",)),
    Heading(322, "子商户创建", ("sub_app.create",)),
    Heading(405, "子商户查询", ("sub_app.retrieve",)),
    Heading(429, "企业开户", ("mch_application.create",)),
    Heading(531, "企业开户查询", ("mch_application.retrieve",)),
    Heading(559, "小微企业开户", ("micro_application.create",)),
    Heading(595, "小微企业开户查询", ("micro_application.retrieve",)),
    Heading(619, "企业/小微企业绑卡", ("settle_account.create",)),
    Heading(682, "个人用户钱包充值", ("deposit.create",)),
    Heading(753, "个人用户钱包余额提现发起", ("withdrawal.create_personal",)),
    # one address and one word decide: confirmed or canceled, by the person or by the audit
    Heading(839, "个人用户钱包余额提现确认", ("withdrawal.confirm", "withdrawal.cancel")),
    Heading(898, "企业用户提现创建", ("withdrawal.create_enterprise",)),
    Heading(976, "提现审核", ("withdrawal.confirm", "withdrawal.cancel")),
    Heading(1005, "提现查询", ("withdrawal.retrieve",)),
    Heading(1029, "提现列表", ("withdrawal.list",)),
    Heading(1096, "消费订单创建", ("order.create",)),
    Heading(1236, "消费订单查询", ("order.retrieve",)),
    Heading(1259, "消费订单支付", ("order.pay",)),
    Heading(1386, "消费订单退款", ("order_refund.create",)),
    Heading(1459, "消费订单退款查询", ("order_refund.retrieve",)),
    Heading(1481, "消费订单退款列表", ("order_refund.list",)),
    Heading(1529, "分账订单创建", ("allocation.create",)),
    Heading(1622, "分账订单查询", ("allocation.retrieve",)),
    Heading(1645, "分账退款", ("allocation_refund.create",)),
    Heading(1739, "分账完成创建", ("allocation_complete.create",)),
    Heading(1800, "分账完成查询", ("allocation_complete.retrieve",)),
)

# What is answered and is no object of any kind: a picture's address, a card's bank, a page's link.
NO_OBJECTS = {"picture", "card", "card_page", "event"}
ROWS = pytest.mark.parametrize("name", OPERATIONS)


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """The document's lines from 1; the folder beside the project that holds it may be absent."""
    if not DOCUMENT.exists():
        pytest.skip(f"the provider's document is not here: {DOCUMENT}")
    return ["", *DOCUMENT.read_text(encoding="utf-8").split("\n")]


@pytest.mark.parametrize("heading", HEADINGS, ids=[str(heading.line) for heading in HEADINGS])
def test_every_heading_is_an_operation_at_its_line(heading: Heading) -> None:
    rows = [OPERATIONS[name] for name in heading.operations]
    assert len({(row.method, row.path) for row in rows}) == 1
    at = {line for line, _, names in HEADINGS if set(names) & set(heading.operations)}
    assert {row.line for row in rows} <= at


def test_every_row_with_a_line_is_at_a_heading() -> None:
    named = {name for heading in HEADINGS for name in heading.operations}
    assert named == {row.name for row in OPERATIONS.values() if row.line}


@ROWS
def test_every_row_has_its_routes_in_the_sandbox(name: str) -> None:
    row, known = OPERATIONS[name], places()
    assert all(row in known[row.method, path] for path in row.paths)


@ROWS
def test_the_answer_of_every_row_is_read_as_a_kind_that_has_a_sample(name: str) -> None:
    answers = OPERATIONS[name].answers
    assert answers in NO_OBJECTS or (answers in KINDS and answers in SAMPLES)


@ROWS
def test_every_row_is_called_by_a_command_in_a_test(name: str) -> None:
    assert name in CALLS


def test_the_headings_are_those_of_the_document(lines: list[str]) -> None:
    assert [lines[heading.line].strip() for heading in HEADINGS] == [h.title for h in HEADINGS]
    addresses = [number for number, text in enumerate(lines) if text.strip() == ADDRESS_WORD]
    assert len(addresses) == len(HEADINGS)
    starts = [heading.line for heading in HEADINGS]
    for start, address, following in zip(starts, addresses, [*starts[1:], len(lines)], strict=True):
        assert start < address < following


@pytest.mark.parametrize("heading", HEADINGS, ids=[str(heading.line) for heading in HEADINGS])
def test_the_rows_ask_what_the_document_says(lines: list[str], heading: Heading) -> None:
    found = next(m for text in lines[heading.line :] if (m := ADDRESS.search(text)))
    for name in heading.operations:
        row = OPERATIONS[name]
        assert row.method == found[1]
        assert shape(row.path) == re.sub(r"\{[A-Za-z_]+\}", "{}", found[2])


@ROWS
def test_the_parameters_stand_at_their_lines(lines: list[str], name: str) -> None:
    for param in OPERATIONS[name].params:
        last = param.name.split(".")[-1].removesuffix("[]")
        assert not param.line or last.lower() in lines[param.line].lower(), param.name


@ROWS
def test_the_needs_are_those_of_the_document(lines: list[str], name: str) -> None:
    """A row of four or five columns with Y is needed, but for what the document contradicts."""
    # facts §7 row 23: required by the table, absent from the example
    doubtful = {"recipients[].description"}
    for param in OPERATIONS[name].params:
        columns = lines[param.line].split("\t") if param.line else []
        if "Y" in columns and param.name not in doubtful:
            assert param.need.value == "yes", param.name
        if "N" in columns:
            assert param.need.value == "no", param.name
