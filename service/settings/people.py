"""Which people are told, where, of what, and when not?"""

import re
from collections.abc import Mapping
from datetime import time
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from service.settings.table import Secret, Table, wrong
from service.settings.values import (
    FilePath,
    Name,
    Real,
    Words,
    check_api_base,
    check_severities,
    is_loopback,
)

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{1,30}://.", re.IGNORECASE)
MINUTES_LIMIT = 7 * 24 * 60


def _check_time(text: str) -> str:
    if text and not _TIME.fullmatch(text):
        raise ValueError("should be a time of day such as 09:00")
    return text


def _check_quiet(spans: Mapping[str, str]) -> Mapping[str, str]:
    for severity, span in spans.items():
        check_severities((severity,))
        first, _, last = span.partition("-")
        if not (_TIME.fullmatch(first) and _TIME.fullmatch(last)) or first == last:
            raise ValueError("should be spans of the day such as 22:00-08:00")
    return spans


def check_address(url: SecretStr) -> SecretStr:
    """An address with a scheme; plain http only to this machine."""
    text = url.get_secret_value()
    if not _SCHEME.match(text):
        raise ValueError("should be an address such as https://… or mailtos://…")
    parts = urlsplit(text)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("should begin with https:// (plain http only on loopback)")
    return url


def _check_link(url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme not in ("https", "http") or not parts.hostname or "@" in url):
        raise ValueError("should be the console's address: https://host/console")
    return url.rstrip("/")


class People(Table):
    """One channel to people.

    url: what the service shows for its bot, or an URL of Apprise's. secret: what DingTalk and
    Feishu sign with; of PagerDuty the integration's key. base: asked instead of the service's own
    host. rules: of mismatches, alerts and notices. quiet: by severity, in the business zone.
    """

    url: Annotated[Secret, AfterValidator(check_address)]
    url_file: FilePath | None = None
    secret: Secret | None = None
    secret_file: FilePath | None = None
    base: Annotated[str, AfterValidator(check_api_base)] | None = None
    language: Literal["zh", "en"] = "zh"
    severities: Annotated[Words, AfterValidator(check_severities)] = ()
    rules: Words = ()
    accounts: Words = ()
    quiet: Annotated[Mapping[str, str], AfterValidator(_check_quiet)] = Field(
        default_factory=dict[str, str]
    )
    # 0: none
    remind_minutes: Real = Field(default=0, ge=0, le=MINUTES_LIMIT)
    escalate_to: Name | None = None
    escalate_minutes: Real = Field(default=30, gt=0, le=MINUTES_LIMIT)
    # each morning; empty: none
    digest: Annotated[str, AfterValidator(_check_time)] = ""
    # where the console is; empty: no links
    link: Annotated[str, Field(max_length=500), AfterValidator(_check_link)] = ""
    timeout_seconds: Real = Field(default=15.0, ge=1, le=60)

    @model_validator(mode="after")
    def _check_escalation(self) -> "People":
        if self.escalate_to is None and "escalate_minutes" in self.model_fields_set:
            raise wrong("escalate_to", "is missing: whom to tell after escalate_minutes")
        return self

    @property
    def digest_at(self) -> time | None:
        """The time of the digest."""
        return time.fromisoformat(self.digest) if self.digest else None

    @property
    def quiet_spans(self) -> dict[str, tuple[time, time]]:
        """From when to when nothing is told, by severity; the end may lie on the next day."""
        found: dict[str, tuple[time, time]] = {}
        for severity, span in self.quiet.items():
            first, _, last = span.partition("-")
            found[severity] = (time.fromisoformat(first), time.fromisoformat(last))
        return found
