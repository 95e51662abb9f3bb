"""How a list of keys becomes rows that a rule can join: one parameter, whatever their number."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from service.core.observation import Key

# a SELECT of any columns: what the rules are built of
Selection = sa.Select[*tuple[Any, ...]]


def as_parameter(keys: Iterable[Key]) -> str:
    """The keys as the JSON that `listed_keys` reads."""
    return msgspec.json.encode([tuple(key) for key in keys]).decode()


def listed_keys(dialect: str) -> Selection:
    """Rows (account, kind, object_id) out of the parameter `keys`, made by `as_parameter`."""
    keys = sa.bindparam("keys", type_=sa.Text())
    if dialect == "postgresql":
        item = sa.func.jsonb_array_elements(sa.cast(keys, postgresql.JSONB)).column_valued("item")
        parts = [item.op("->>", return_type=sa.Text())(sa.literal_column(str(n))) for n in range(3)]
    else:
        value = sa.func.json_each(keys).table_valued("value").c.value
        parts = [
            sa.func.json_extract(value, sa.literal_column(f"'$[{n}]'"), type_=sa.Text())
            for n in range(3)
        ]
    names = ("account", "kind", "object_id")
    return sa.select(*(part.label(name) for part, name in zip(parts, names, strict=True)))


def of_keys(
    connection: sa.Connection,
    table: sa.Table,
    columns: Sequence[sa.ColumnElement[Any]],
    keys: Iterable[Key],
) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """All rows of some objects, each its key and then `columns`, in no order."""
    asked = listed_keys(connection.dialect.name).subquery("asked")
    key = (table.c.account, table.c.kind, table.c.object_id)
    statement = sa.select(*key, *columns).join_from(asked, table, same_object(asked, table))
    return connection.execute(statement, {"keys": as_parameter(keys)}).all()


def values_as_parameter(values: Iterable[int | str]) -> str:
    """The values as the JSON that `listed_values` reads."""
    return msgspec.json.encode(list(values)).decode()


def listed_values(dialect: str, name: str, kind: sa.types.TypeEngine[Any]) -> Selection:
    """The values out of a parameter made by `values_as_parameter`, for an IN.

    An IN of a parameter each costs the client more than all else that it does for the row.
    """
    given = sa.bindparam(name, type_=sa.Text())
    if dialect == "postgresql":
        listed = sa.cast(given, postgresql.JSONB)
        value = sa.func.jsonb_array_elements_text(listed).column_valued("value")
    else:
        value = sa.func.json_each(given).table_valued("value").c.value
    return sa.select(sa.cast(value, kind))


def same_object(one: Any, other: Any) -> sa.ColumnElement[bool]:
    """Whether two rows are of the same object."""
    return sa.and_(
        one.c.account == other.c.account,
        one.c.kind == other.c.kind,
        one.c.object_id == other.c.object_id,
    )
