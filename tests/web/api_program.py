"""A program that uses the API with a token of its own."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from service.ledger import tokens
from service.ledger.tokens import Token
from service.work.admit import digest_of
from tests.web.visitor import Answer, Visited, Visitor


@dataclass
class Program:
    """What holds a token."""

    visitor: Visitor
    secret: str

    def get(self, path: str, **headers: str) -> Answer:
        bearer = {"authorization": f"Bearer {self.secret}"}
        return self.visitor.ask("GET", f"/api/v1{path}", None, bearer | headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        given = {"authorization": f"Bearer {self.secret}", "content-type": "application/json"}
        sent = b"" if body is None else json.dumps(body).encode()
        return self.visitor.ask("POST", f"/api/v1{path}", sent, given | headers)


def program(desk: Visited, *scopes: str, accounts: list[str] | None = None) -> Program:
    """A new token, good for a day."""
    now = desk.clock()
    secret = f"plt_{'-'.join(scopes)}-{'.'.join(accounts or ['all'])}"
    token = Token(
        id=f"token_{digest_of(secret)[:8]}",
        name="books",
        scopes=frozenset(scopes),
        accounts=None if accounts is None else frozenset(accounts),
        made_by="lin",
        created_at=now,
        expires_at=now + timedelta(days=1),
    )
    with desk.ledger.begin() as connection:
        tokens.add(connection, token, digest_of(secret))
    return Program(desk.visitor(), secret)
