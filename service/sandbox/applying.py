"""How accounts are opened: persons and sub-merchants apply, and are reviewed (L192-617).

Ping++ documents neither an enumeration of states nor an event: created, processing, then succeeded
(a person's) or completed (a sub-merchant's), or failed. Whoever wants to know has to ask.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from service.pingpp.endpoints.merchants import PRODUCTS
from service.sandbox.records import Application, PersonApplication, SubApp, User
from service.sandbox.refusal import Refusal, text
from service.sandbox.truth import Truth

_ID_CARD = "1"
_CERT_NUMBER = re.compile(r"[0-9]{17}[0-9Xx]")
_MOBILE = re.compile(r"1[0-9]{10}")

_REFUSED = "来自渠道的信息：MER10002|证件信息核验未通过"


def apply_person(
    truth: Truth, app: str, fields: Mapping[str, Any], now: datetime
) -> PersonApplication:
    """Ask for a wallet; the same order_no with the same words gives the same object (L194)."""
    number = text(fields, "order_no")
    said = {name: text(fields, name) for name in ("user", "cert_name", "cert_number", "mobile")}
    if text(fields, "cert_type") != _ID_CARD:
        raise Refusal(400, "仅支持身份证", param="cert_type")
    for name, form in (("cert_number", _CERT_NUMBER), ("mobile", _MOBILE)):
        if not form.fullmatch(said[name]):
            raise Refusal(400, f"参数格式错误：{name}", param=name)
    digest = hashlib.sha256(repr((app, sorted(said.items()))).encode()).hexdigest()
    user = truth.user(app, said["user"])
    for known in truth.all(PersonApplication):
        if known.order_no == number and known.digest == digest:
            return known
    if user.type != "customer" or user.identified:
        raise Refusal(400, f"用户 {user.id} 不是个人用户或已开户", param="user")
    known = truth.add(
        PersonApplication(
            id=truth.ids.draw("person_application", now),
            app=app,
            user=user.id,
            order_no=truth.reserve("cus_application", number),
            cert_name=said["cert_name"],
            cert_number=said["cert_number"][:6] + "*****" + said["cert_number"][-2:],
            digest=digest,
            transaction_no=truth.ids.token(),
            created=int(now.timestamp()),
            livemode=truth.livemode,
        )
    )
    truth.plan(known, now)
    return known


def apply_sub_merchant(
    truth: Truth, kind: str, app: str, fields: Mapping[str, Any], now: datetime
) -> Application:
    """Ask for an account of a sub-merchant's user; kind is mch_application or micro_application.

    An order_no that was used before is refused, even with the same words (L431, L562).
    """
    number = text(fields, "order_no")
    user = truth.user(app, text(fields, "user"))
    products = _products(fields.get("products"))
    if user.related_app is None:
        raise Refusal(400, "仅支持子商户关联的用户", param="user")
    if user.identified or any(_is_open(a, user) for a in truth.all(Application)):
        raise Refusal(400, f"用户 {user.id} 已开户或正在开户", param="user")
    known = truth.add(
        Application(
            id=truth.ids.draw("application", now),
            object=kind,
            app=app,
            user=user.id,
            order_no=truth.reserve(kind, number),
            transaction_no=f"TYSHRW{now:%Y%m%d%H%M%S}{truth.ids.digits(6)}",
            products=products,
            created=int(now.timestamp()),
            livemode=truth.livemode,
        )
    )
    truth.plan(known, now)
    return known


def _is_open(known: Application, user: User) -> bool:
    return known.user == user.id and known.app == user.app and known.status != "failed"


def _products(given: object) -> list[str]:
    """The products asked for, spelt either way (facts §7 row 3); none asked for means all."""
    if given is None:
        return list(PRODUCTS)
    items = cast("list[object]", given) if isinstance(given, list) else [None]
    asked = [str(item).replace("yepay", "yeepay") for item in items]
    if any(item not in PRODUCTS for item in asked):
        raise Refusal(400, "不支持的支付产品", param="products")
    return asked


def review(
    truth: Truth, known: PersonApplication | Application, now: datetime, *, approved: bool
) -> None:
    """One step of the review: taken up, then decided."""
    if known.status == "created":
        truth.change(known, status="processing")
        truth.plan(known, now)
    elif known.status == "processing" and isinstance(known, PersonApplication):
        truth.change(known, status="succeeded" if approved else "failed")
        if approved:
            truth.change(truth.user(known.app, known.user), identified=True)
    elif known.status == "processing" and isinstance(known, Application):
        _decide(truth, known, approved=approved)


def _decide(truth: Truth, known: Application, *, approved: bool) -> None:
    if not approved:
        truth.change(known, status="failed", failure_msg=_REFUSED)
        return
    truth.change(known, status="completed", mch_id="100" + truth.ids.digits(8))
    user = truth.user(known.app, known.user)
    truth.change(user, identified=True)
    if user.related_app is not None:
        truth.change(truth.get(SubApp, user.related_app), available_methods=list(known.products))
