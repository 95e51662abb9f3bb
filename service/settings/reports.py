"""Which reports are filed by themselves, and how is mail sent?"""

import re
from datetime import time
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from service.settings.table import Secret, Table, wrong
from service.settings.values import FilePath, Name, Real, Words

CLOSING = "closing"
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
# One mailbox, without a name: what servers and people agree on.
_MAILBOX = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,8}")
ADDRESSES_LIMIT = 20
_PORTS = {"smtp": 587, "smtps": 465}


def _check_at(text: str) -> str:
    if text != CLOSING and not _CLOCK.fullmatch(text):
        raise ValueError("should be closing, or a time such as 08:30")
    return text


def _check_mailbox(text: str) -> str:
    if text and not _MAILBOX.fullmatch(text):
        raise ValueError("should be an address such as finance@shop.example")
    return text


def _check_mailboxes(words: tuple[str, ...]) -> tuple[str, ...]:
    if len(words) > ADDRESSES_LIMIT:
        raise ValueError(f"should list at most {ADDRESSES_LIMIT} addresses")
    for word in words:
        _check_mailbox(word)
        if not word:
            raise ValueError("holds an empty address")
    return words


def _check_server(secret: SecretStr) -> SecretStr:
    """smtp://user:password@host:port; says what is wrong without quoting it."""
    try:
        parts = urlsplit(secret.get_secret_value())
        port = parts.port
    except ValueError:
        raise ValueError("is not a URL: @:/% in a password are written as %40") from None
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise ValueError("should be smtp://user:password@host:587 or smtps://…:465")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("should end after the port")
    return secret


class Report(Table):
    """One report that is filed by itself.

    at: `closing`, once a day is closed, or a time of the business zone's clock. every: day; week,
    on Mondays; month, on the first. It is of the last whole one. folder, mail: where it goes.
    """

    report: Annotated[str, Field(min_length=1, max_length=40)]
    at: Annotated[str, AfterValidator(_check_at)] = CLOSING
    every: Literal["day", "week", "month"] = "day"
    format: Literal["csv", "xlsx", "html", "parquet", "jsonl", "beancount"] = "xlsx"
    language: Literal["zh", "en"] = "zh"
    account: Name | None = None
    folder: FilePath | None = None
    mail: Annotated[Words, AfterValidator(_check_mailboxes)] = ()

    @model_validator(mode="after")
    def _check_ways(self) -> "Report":
        if self.folder is None and not self.mail:
            raise wrong("folder", "is missing, and so is mail: where should it go?")
        if self.at == CLOSING and self.every != "day":
            raise wrong("at", f"should be a time such as 08:30 for a report of each {self.every}")
        return self

    @property
    def clock(self) -> time | None:
        """The time of day; None: once the day is closed."""
        return None if self.at == CLOSING else time.fromisoformat(self.at)


class Mail(Table):
    """The server that mails go to, and in whose name.

    url: smtp://user:password@host:587, where TLS is asked for and must be had (but on this machine
    itself), or smtps://…:465.
    """

    url: Annotated[Secret, AfterValidator(_check_server)] | None = None
    url_file: FilePath | None = None
    sender: Annotated[str, AfterValidator(_check_mailbox)] = ""
    ca_file: FilePath | None = None
    timeout_seconds: Real = Field(default=30.0, ge=1, le=300)

    @model_validator(mode="after")
    def _check_sender(self) -> "Mail":
        if self.url is not None and not self.sender:
            raise wrong("sender", "is missing: in whose name are mails sent?")
        return self

    def server(self) -> tuple[str, str, int, str, str]:
        """Scheme, host, port, user, password; only with a url."""
        assert self.url is not None  # noqa: S101  whoever asks has looked
        parts = urlsplit(self.url.get_secret_value())
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return (
            parts.scheme,
            parts.hostname or "",
            parts.port or _PORTS[parts.scheme],
            user,
            password,
        )
