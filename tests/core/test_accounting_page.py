"""Every example of docs/accounting is what the code posts, and every kind that posts has one."""

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from service.core.journal import CURRENCY, Posting, Standing, book
from service.core.kinds import KINDS
from service.core.kinds.kind import no_legs
from service.core.observation import Observation, Source
from service.core.view import view
from service.pingpp.reader import read_object
from tests import bodies, shapes
from tests.bodies import Fields
from tests.core.test_journal import booked
from tests.core.test_merge import BASE, believe

PAGES = ("accounting.md", "accounting.zh-CN.md")
DOCS = Path(__file__).parents[2] / "docs"
ROW = re.compile(r"^\| (?:(\d+) \| )?(\w[\w:-]*) \| (\w[\w:-]*) \| (\d+) \|(?: (\d*) ?\|)?$")

Tables = list[list[tuple[str, ...]]]

WHDR = {"user": "WHDR", "amount": 300, "status": "succeeded"}
FAILED = {"user": "other", "amount": 100, "status": "failed"}
BACK = {"user": "WHDR", "amount": 100, "status": "succeeded"}
OWN = {"app": "app_1"}
WITHDRAWN = {**OWN, "user": "cus_003", "amount": 900, "fee": 20, "user_fee": 5, "channel": "yepay"}
BALANCE = {"channel": "balance", "extra": {"user": "cus_003"}, **OWN}
CHARGE_OF_ORDER = bodies.charge(**BALANCE, amount=500, amount_refunded=100)
# What each table of a kind's section shows, in order.
EXAMPLES: dict[str, Sequence[Fields]] = {
    "charge": (
        bodies.order(app="app_1"),
        bodies.charge(**OWN, channel="alipay_qr", amount=500, amount_refunded=100),
        bodies.order(app="app_1", charges={"object": "list", "data": [CHARGE_OF_ORDER]}),
    ),
    "order": (bodies.order(app="app_1", receipt_app="app_1", amount_refunded=200),),
    "order_refund": (bodies.order_refund(status="success", channel="yepay_wx_pub", amount=200),),
    "allocation": (
        bodies.allocation(**OWN, status="succeeded", amount=400, recipients=[WHDR, FAILED]),
    ),
    "allocation_refund": (
        bodies.allocation_refund(**OWN, status="succeeded", amount=100, senders=[BACK]),
    ),
    "deposit": (shapes.deposit(**OWN, status="succeeded", user="cus_003", amount=10000),),
    "recharge": (
        shapes.recharge(**OWN, user="cus_003", amount=1200, amount_refunded=200, succeeded=True),
    ),
    "transfer": (shapes.payout("transfer", **OWN, status="paid", channel="alipay", amount=500),),
    "withdrawal": (
        bodies.withdrawal(**WITHDRAWN, status="pending"),
        bodies.withdrawal(**WITHDRAWN, status="succeeded"),
    ),
}
ORDER = bodies.order(app="app_1", receipt_app="app_1")
LESS = ORDER | {"amount_paid": 1000}
# What is seen one after the other, in each table of what is taken back.
TAKEN_BACK: Sequence[Sequence[Fields]] = (
    [bodies.withdrawal(**WITHDRAWN, status=word) for word in ("pending", "failed")],
    [ORDER, LESS, LESS],
)


def tables(text: str) -> Tables:
    """The tables of postings, row by row, whatever their language."""
    found: Tables = [[]]
    for line in text.splitlines():
        if row := ROW.match(line):
            found[-1].append(row.groups(""))
        elif not line.startswith("|") and found[-1]:
            found.append([])
    return [one for one in found if one]


def sections(
    page: str,
) -> tuple[dict[str, list[list[tuple[str, ...]]]], list[list[tuple[str, ...]]]]:
    """The tables of each kind, and those of what is taken back."""
    text = (DOCS / page).read_text(encoding="utf-8")
    parts = re.split(r"^## .*$", text, flags=re.MULTILINE)
    kinds = re.split(r"^### (\w+)$", parts[2], flags=re.MULTILINE)
    return dict(zip(kinds[1::2], map(tables, kinds[2::2]), strict=True)), tables(parts[3])


@pytest.mark.parametrize("page", PAGES)
def test_every_kind_that_posts_has_a_section_with_an_example(page: str) -> None:
    found, _ = sections(page)
    posting = {kind.name for kind in KINDS.values() if kind.legs is not no_legs}
    assert found.keys() == posting == EXAMPLES.keys()


@pytest.mark.parametrize("kind", EXAMPLES)
@pytest.mark.parametrize("page", PAGES)
def test_an_example_is_what_the_code_posts(page: str, kind: str) -> None:
    shown = [{(row[1], row[2], int(row[3])) for row in one} for one in sections(page)[0][kind]]
    assert shown == [booked(fields, kind) for fields in EXAMPLES[kind]]


def history(seen: Sequence[Fields]) -> list[Posting]:
    """The postings of one object that was seen so, by our own questions, in this order."""
    standing: tuple[Standing, ...] = ()
    postings: list[Posting] = []
    sighted: list[Observation] = []
    for hour, fields in enumerate(seen):
        at = BASE + timedelta(hours=hour)
        read = read_object(fields, account="shop", source=Source.POLL, seen_at=at)
        sighted.append(read.observations[0])
        kind = KINDS[sighted[0].key.kind]
        known = view(kind, believe(*sighted))
        if not known.conflict:
            standing, made = book(standing, kind.legs(known.known, known.parts), CURRENCY)
            postings += made
    return postings


@pytest.mark.parametrize("place", range(len(TAKEN_BACK)))
@pytest.mark.parametrize("page", PAGES)
def test_what_is_taken_back_names_what_it_corrects(page: str, place: int) -> None:
    _, taken = sections(page)
    assert len(taken) == len(TAKEN_BACK)
    made = history(TAKEN_BACK[place])
    assert taken[place] == [
        (f"{one.entry}", one.debit, one.credit, f"{one.amount}", f"{one.corrects or ''}")
        for one in made
    ]
