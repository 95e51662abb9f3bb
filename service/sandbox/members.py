"""Who the merchant deals with: users, and sub-merchants with an app of their own (L82-427)."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.sandbox.records import SubApp, User, user_key
from service.sandbox.refusal import Refusal, inner, metadata, one_of, optional_text, text
from service.sandbox.truth import Truth

_USER_ID = re.compile(r"[0-9A-Za-z_]{1,64}")
_NAME_LEAST, _NAME_MOST = 2, 50
_GENDERS = ("MALE", "FEMALE")
_WORDS = ("address", "avatar", "email", "mobile", "name")


def create_user(truth: Truth, app: str, fields: Mapping[str, Any], now: datetime) -> User:
    """A new user under the merchant's own id for it, which can be taken once (L94)."""
    user_id = text(fields, "id")
    if not _USER_ID.fullmatch(user_id):
        raise Refusal(400, "用户 ID 仅支持 64 位以内的字母数字下划线", param="id")
    if user_key(app, user_id) in truth.records:
        raise Refusal(400, f"用户已存在：{user_id}", code="user_exists", param="id")
    user = User(id=user_id, app=app, created=int(now.timestamp()), livemode=truth.livemode)
    for name, value in _said(fields).items():
        setattr(user, name, value)
    return truth.add(user)


def update_user(truth: Truth, user: User, fields: Mapping[str, Any]) -> User:
    """Change what the merchant says of a user; the id and the balances stay."""
    disabled = fields.get("disabled", user.disabled)
    if not isinstance(disabled, bool):
        raise Refusal(400, "参数格式错误：disabled", param="disabled")
    truth.change(user, **_said(fields), disabled=disabled)
    return user


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {n: optional_text(fields, n) for n in _WORDS if n in fields}
    if fields.get("gender") is not None:
        said["gender"] = one_of(fields, "gender", _GENDERS)
    if "metadata" in fields:
        said["metadata"] = metadata(fields)
    return said


def create_sub_app(truth: Truth, app: str, fields: Mapping[str, Any], now: datetime) -> SubApp:
    """A new sub-merchant; its user is made on the way when there is none yet (L376, L385)."""
    name = _name(fields)
    description = optional_text(fields, "description")
    pairs = metadata(fields)
    sub_app = truth.add(
        SubApp(
            id="app_" + truth.ids.word(),
            parent_app=app,
            account=truth.account,
            display_name=name,
            description=description,
            metadata=pairs,
            user=_business(truth, app, fields.get("user"), now),
            created=int(now.timestamp()),
            livemode=truth.livemode,
        )
    )
    if sub_app.user is not None:
        truth.change(sub_app.user, type="business", related_app=sub_app.id)
    return sub_app


def update_sub_app(truth: Truth, known: SubApp, fields: Mapping[str, Any]) -> SubApp:
    """Change what a sub-merchant is called."""
    said: dict[str, Any] = {}
    if "display_name" in fields:
        said["display_name"] = _name(fields)
    if "description" in fields:
        said["description"] = optional_text(fields, "description")
    if "metadata" in fields:
        said["metadata"] = metadata(fields)
    truth.change(known, **said)
    return known


def _name(fields: Mapping[str, Any]) -> str:
    name = text(fields, "display_name")
    if not _NAME_LEAST <= len(name) <= _NAME_MOST:
        raise Refusal(400, "应用名称为 2~50 位", param="display_name")
    return name


def _business(truth: Truth, app: str, given: object, now: datetime) -> User | None:
    """The user that is named, as an id or as an object with one (facts §7 row 44)."""
    if given is None:
        return None
    user_id = text(inner({"user": given}, "user"), "id") if isinstance(given, dict) else given
    known = truth.records.get(user_key(app, str(user_id)))
    if known is None:
        return create_user(truth, app, {"id": user_id}, now)
    user = truth.user(app, user_id)
    if user.related_app is not None or user.identified:
        raise Refusal(400, f"用户 {user.id} 已开户或已关联子商户", param="user")
    return user


def sub_app_of(truth: Truth, app: str, sub_app_id: str) -> SubApp:
    """The sub-merchant of that app, else a 404."""
    known = truth.get(SubApp, sub_app_id)
    if known.parent_app != app:
        raise Refusal(404, f"未找到 sub_app : {sub_app_id}", param="id")
    return known
