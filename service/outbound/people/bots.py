"""How is a group told by its bot: DingTalk, Feishu, Lark, WeCom, Slack?

Each answers 200 with a code of its own for what it refuses, which a library that looks at the
status alone takes for success; so the answer's code decides here. Two sign, each its own way.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from service.outbound.people.note import Note
from service.outbound.people.post import Poster, Said
from service.outbound.sink import Answer, Later, Sent

Clock = Callable[[], datetime]

# What one text may hold, with room for what surrounds it. DingTalk and Feishu take 20 kB, which
# nobody reads; WeCom cuts at 2,048 bytes; Slack at 4,000 characters.
READABLE_BYTES = 6_000
WECOM_BYTES = 1_900
SLACK_BYTES = 3_600


@dataclass(frozen=True, slots=True)
class Style:
    """What differs between bots. code: where the answer says how it went; 0 or absent is good."""

    service: str
    limit_bytes: int
    code: str | None
    payload: Callable[[str], dict[str, Any]]
    signs: Callable[[str, datetime], Mapping[str, str]] | None = None
    signs_query: bool = False


def dingtalk_sign(secret: str, at: datetime) -> dict[str, str]:
    """Milliseconds and secret, keyed with the secret; both go into the query."""
    stamp = str(int(at.timestamp() * 1000))
    mac = hmac.digest(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256)
    return {"timestamp": stamp, "sign": base64.b64encode(mac).decode()}


def feishu_sign(secret: str, at: datetime) -> dict[str, str]:
    """Seconds and secret are the key, and nothing is signed with it; both go into the body."""
    stamp = str(int(at.timestamp()))
    mac = hmac.digest(f"{stamp}\n{secret}".encode(), b"", hashlib.sha256)
    return {"timestamp": stamp, "sign": base64.b64encode(mac).decode()}


def _dingtalk(text: str) -> dict[str, Any]:
    return {"msgtype": "text", "text": {"content": text}}


def _feishu(text: str) -> dict[str, Any]:
    return {"msg_type": "text", "content": {"text": text}}


STYLES: Mapping[str, Style] = {
    "dingtalk": Style(
        "dingtalk", READABLE_BYTES, "errcode", _dingtalk, dingtalk_sign, signs_query=True
    ),
    "feishu": Style("feishu", READABLE_BYTES, "code", _feishu, feishu_sign),
    "lark": Style("lark", READABLE_BYTES, "code", _feishu, feishu_sign),
    "wecom": Style("wecom", WECOM_BYTES, "errcode", _dingtalk),
    "slack": Style("slack", SLACK_BYTES, None, lambda text: {"text": text}),
}


class Bot:
    """One bot of one group. path: what follows the host, with the token in it."""

    has_incidents = False

    def __init__(
        self,
        name: str,
        style: Style,
        poster: Poster,
        path: str,
        *,
        clock: Clock,
        secret: str | None = None,
    ) -> None:
        self.name = name
        self.service = style.service
        self.limit_bytes = style.limit_bytes
        self._style, self._poster, self._path = style, poster, path
        self._clock, self._secret = clock, secret

    def tell(self, note: Note) -> Answer:
        """Post title and text as one."""
        body = self._style.payload(f"{note.title}\n{note.text}")
        path = self._path
        if self._secret is not None and self._style.signs is not None:
            signed = self._style.signs(self._secret, self._clock())
            if self._style.signs_query:
                path += "".join(f"&{key}={quote_plus(value)}" for key, value in signed.items())
            else:
                body = {**signed, **body}
        said = self._poster.post(path, body)
        return said if isinstance(said, Later) else _judge(said, self._style.code)

    def close(self) -> None:
        """Close the connection."""
        self._poster.close()


def _judge(said: Said, code: str | None) -> Answer:
    """A code of theirs is a number; it says which limit or check it was, and nothing private."""
    if not 200 <= said.status < 300:
        return Later(f"status {said.status}")
    if code is None:
        return Sent()
    found = said.body.get(code)
    if found is None and code == "code":
        found = said.body.get("StatusCode")
    if found == 0:
        return Sent()
    known = isinstance(found, int) and 0 < found < 10**9
    return Later(f"{code} {found}" if known else "no code")
