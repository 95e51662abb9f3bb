"""A shop's ledger, and what a report of it says."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from service.ledger.engine import Ledger
from service.outbound.files.formats import Shape
from service.work.report.make import make
from tests import filed

Lines = Callable[..., list[dict[str, str]]]


@pytest.fixture
def busy(ledger: Ledger) -> Ledger:
    filed.busy_shop(ledger)
    return ledger


@pytest.fixture
def lines(ledger: Ledger) -> Lines:
    """The rows of a report by their English headings, read again with the csv module."""

    def reading(name: str, sheet: str | None = None, **asked: Any) -> list[dict[str, str]]:
        out = io.BytesIO()
        make(ledger, name, filed.ask(**{"language": "en"} | asked), Shape.CSV, out, sheet=sheet)
        return list(csv.DictReader(io.StringIO(out.getvalue().decode("utf-8-sig"), newline="")))

    return reading


def fen(text: str) -> int:
    """Minor units of what a cell shows; of an empty one none."""
    return round(float(text or 0) * 100)
