"""How is a constant written, so that the planner sees it?"""

from typing import Any

import sqlalchemy as sa

Expression = sa.ColumnElement[Any]


def word(text: str) -> Expression:
    """A constant that stands in the SQL itself, for the planner to see."""
    return sa.literal_column(f"'{text}'", sa.Text())


def words(*texts: str) -> tuple[Expression, ...]:
    """Constants for an IN."""
    return tuple(word(text) for text in texts)


def number(value: int) -> Expression:
    """A whole number that stands in the SQL itself."""
    return sa.literal_column(str(value), sa.BigInteger())
