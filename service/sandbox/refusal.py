"""How the fake provider says no: the document's error shape (facts 4.4)."""

from collections.abc import Collection, Mapping
from typing import Any, cast

METADATA_PAIRS = 20
METADATA_LENGTH = 1000


class Refusal(Exception):
    """An API error: an HTTP status and {"error": {type, message, code, param}}."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        named = {"type": type, "message": message, "code": code, "param": param}
        self.shown = {"error": {name: value for name, value in named.items() if value is not None}}


def missing(kind: str, object_id: str) -> Refusal:
    """No such object."""
    return Refusal(404, f"未找到 {kind} : {object_id}", param="id")


def text(fields: Mapping[str, Any], name: str) -> str:
    """A required text parameter."""
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise Refusal(400, f"缺少参数或格式错误：{name}", param=name)
    return value


def amount(fields: Mapping[str, Any], name: str = "amount") -> int:
    """A required amount: whole minor units over zero; digits as text are taken too (L1397)."""
    value = fields.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if type(value) is not int or value <= 0:
        raise Refusal(400, f"金额必须是正整数，单位为分：{name}", param=name)
    return value


def optional_text(fields: Mapping[str, Any], name: str, longest: int = 255) -> str | None:
    """A text parameter that may be absent or null."""
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > longest:
        raise Refusal(400, f"参数格式错误：{name}", param=name)
    return value


def inner(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A hash parameter; absent is empty."""
    value = fields.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refusal(400, f"参数格式错误：{name}", param=name)
    return cast("dict[str, Any]", value)


def metadata(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The merchant's own pairs, at most twenty and a thousand letters (facts 4.4)."""
    pairs = inner(fields, "metadata")
    if len(pairs) > METADATA_PAIRS or len(str(dict(pairs))) > METADATA_LENGTH:
        raise Refusal(400, "metadata 最多 20 对、1000 字", param="metadata")
    return dict(pairs)


def one_of(fields: Mapping[str, Any], name: str, allowed: Collection[str]) -> str:
    """A required text parameter out of a list."""
    value = text(fields, name)
    if value not in allowed:
        raise Refusal(400, f"参数取值错误：{name}", param=name)
    return value
