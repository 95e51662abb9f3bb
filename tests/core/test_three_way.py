"""Who stands alone when a book, Ping++ and a channel speak of one number?"""

import pytest

from service.core.statement.three_way import BOOK, CHANNEL, PINGPP, Said, compare

DAY = (20_779, 20_779)
CNY = ("cny", "cny")


def said(amount: int = 100, **more: object) -> Said:
    given = {"count": 1, "amount": amount, "least": amount, "days": DAY, "currencies": CNY}
    return Said(**{**given, **more})  # type: ignore[arg-type]


Sides = tuple[Said | None, Said | None, Said | None]
UNPAID = Said(0, status="unpaid")
CASES: dict[str, tuple[Sides, dict[str, tuple[str, ...]]]] = {
    "all agree": ((said(), said(), said()), {}),
    "the book's amount": ((said(101), said(), said()), {"amount": (BOOK,)}),
    "Ping++'s amount": ((said(), said(99), said()), {"amount": (PINGPP,)}),
    "the channel's amount": ((said(), said(), said(99)), {"amount": (CHANNEL,)}),
    "three amounts": ((said(1), said(2), said(3)), {"amount": (BOOK, PINGPP, CHANNEL)}),
    "only the channel has it": ((None, None, said()), {"missing": (BOOK, PINGPP)}),
    "the channel lacks it": ((said(), said(), None), {"missing": (CHANNEL,)}),
    "the book lacks it, and two amounts": (
        (None, said(), said(99)),
        {"missing": (BOOK,), "amount": (PINGPP, CHANNEL)},
    ),
    "the book says it is unpaid": ((UNPAID, said(), said()), {"status": (BOOK,)}),
    "the channel has it twice": (
        (said(), said(), said(200, count=2, is_one=True)),
        {"duplicate": (CHANNEL,)},
    ),
    "the book has two payments of it": (
        (said(200, count=2), said(), said()),
        {"amount": (BOOK,)},
    ),
    "the channel's fee": ((said(), said(fee=1), said(fee=2)), {"fee": (PINGPP, CHANNEL)}),
    "the fee of one is no difference": ((said(), said(), said(fee=2)), {}),
    "the book's day": ((said(days=(20_780, 20_780)), said(), said()), {"date": (BOOK,)}),
    "a day of Ping++ around midnight": (
        (said(days=(20_780, 20_780)), said(days=(20_779, 20_780)), said(days=(20_780, 20_780))),
        {},
    ),
    "the book's currency": (
        (said(currencies=("usd", "usd")), said(), said()),
        {"currency": (BOOK,)},
    ),
    "Ping++ near the edge, nobody else yet": ((None, said(unsure=1, least=0), None), {}),
    "Ping++ near the edge counts for either amount": (
        (said(), said(150, count=2, unsure=1, least=100), said()),
        {},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_who_stands_alone_is_named(case: str) -> None:
    sides, expected = CASES[case]
    given = {side: one for side, one in zip((BOOK, PINGPP, CHANNEL), sides, strict=True) if one}
    assert compare("payment", "M1", given).alone == expected
