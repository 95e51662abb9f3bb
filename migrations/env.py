"""How a migration reaches a database.

`pingledger migrate` hands over its connection, already in a transaction that holds the lock.
A person at the alembic command gives `-x url=…` instead.
"""

from contextlib import closing
from typing import Any, Literal

import sqlalchemy as sa
from alembic import context

from service.ledger.columns import Instant
from service.ledger.engine import open_ledger
from service.ledger.schema import metadata


def render_item(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:
    """Write instants as the database has them: old migrations must need none of our code."""
    return "sa.BigInteger()" if kind == "type" and isinstance(item, Instant) else False


def run(connection: sa.Connection) -> None:
    """Run the steps that alembic asked for on `connection`."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=render_item,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def main() -> None:
    """Use the caller's connection, or open the database of `-x url=…`."""
    if context.is_offline_mode():
        raise SystemExit("pingledger migrates a live database only: there is no --sql")
    given: sa.Connection | None = context.config.attributes.get("connection")
    if given is not None:
        return run(given)
    url = context.get_x_argument(as_dictionary=True).get("url")
    if not url:
        raise SystemExit("say which database: alembic -x url=sqlite:////absolute/path …")
    with closing(open_ledger(str(url))) as ledger, ledger.begin() as connection:
        return run(connection)


main()
