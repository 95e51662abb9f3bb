"""How Ping++ says no, and how what it says of a failure is read (facts 4.4)."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from service.core.errors import GiveUp, TryLater, Unreadable
from service.core.masking import mask_told
from service.pingpp.strict import parse

_CHANNEL_CODE = re.compile(r"\b([A-Z]{2,10}[0-9]{2,10})\|")
_WORD = re.compile(r"[A-Za-z0-9_.\[\]-]{1,64}")
_MESSAGE_LENGTH = 300
# so much of it is masked before it is cut: half a number would be nobody's any more
_MESSAGE_READ = 4_000


class Failure(NamedTuple):
    """A failure_msg in its two parts: the channel's code, "" when there is none, and the text."""

    code: str
    text: str


def split_failure(message: str) -> Failure:
    """L1795: 来自渠道的信息：OPR21040|可分账金额为0… is OPR21040 and what follows the bar.

    The text may name people: mask it wherever it is shown.
    """
    found = _CHANNEL_CODE.search(message)
    return Failure(found[1], message[found.end() :].strip()) if found else Failure("", message)


class Declined(GiveUp):
    """A plain no: nothing was done. `type`, `code` and `param` are the provider's words.

    message: the provider's sentence as it came, never to be shown; the error's text is masked.
    asked: what was sent, which the sentence may repeat.
    """

    def __init__(
        self, status: int, type_: str, code: str, param: str, message: str, asked: object = None
    ) -> None:
        named = [f"{name} {word}" for name, word in (("code", code), ("param", param)) if word]
        said = mask_told(message[:_MESSAGE_READ], asked)[:_MESSAGE_LENGTH]
        super().__init__(f"Ping++ said no ({', '.join([type_ or str(status), *named])}): {said}")
        self.status, self.type, self.code, self.param = status, type_, code, param
        self.message, self.failure = message, split_failure(message)


class BadRequest(Declined):
    """invalid_request_error: a parameter, an id or a state is not what it should be."""


class Missing(BadRequest):
    """404: nothing is there; no proof that there never will be (failure F27)."""


class Unauthorised(Declined):
    """401: the key or the signature is not accepted."""


class ChannelDeclined(Declined):
    """channel_error: the payment channel said no."""


class CardDeclined(Declined):
    """card_error: the bank card was refused."""


class ProviderFault(Declined):
    """api_error, or a no of no known type."""


class InDoubt(TryLater):
    """It was sent, and no usable answer came: it may have been done, or not. `word` says why.

    hint: how to find out, from whoever knows.
    """

    def __init__(self, operation: str, word: str) -> None:
        super().__init__(f"{operation} was sent and has no answer ({word}): it may have been done")
        self.operation, self.word, self.hint = operation, word, ""


_TYPES: Mapping[str, type[Declined]] = {
    "invalid_request_error": BadRequest,
    "channel_error": ChannelDeclined,
    "card_error": CardDeclined,
}
_STATUSES: Mapping[int, type[Declined]] = {401: Unauthorised, 404: Missing}


def declined(status: int, body: bytes, asked: object = None) -> Declined:
    """The error that a body tells of; one without words when there are none to be read.

    asked: the values that were sent; what of them is personal is not shown when it is repeated.
    """
    error = _error(body)
    type_, code, param = (_word(error.get(name)) for name in ("type", "code", "param"))
    message = error.get("message")
    choice = _STATUSES.get(status) or _TYPES.get(type_, ProviderFault)
    text = message if isinstance(message, str) else "without a reason"
    return choice(status, type_, code, param, text, asked)


def _error(body: bytes) -> Mapping[str, Any]:
    try:
        error = parse(body).get("error")
    except Unreadable:
        return {}
    return cast("Mapping[str, Any]", error) if isinstance(error, dict) else {}


def _word(value: object) -> str:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""
