"""What the two operations without an object answer: a picture's address, a card's bank (L10-80)."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.sandbox.refusal import Refusal, text
from service.sandbox.truth import Truth
from service.sandbox.wire import Shown

_STORE = "http://staticres.yeepay.com/jcptb-merchant-netinj05"
# The document's own example (L26) is cut off, so the length is not looked at.
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_CARD = re.compile(r"[0-9]{12,19}")

# By a card's first six digits, as their banks publish them; the first one is the document's.
_BANKS: Mapping[str, tuple[str, str, str]] = {
    "621485": ("DEBIT", "招商银行", "CMBCHINA"),
    "622202": ("DEBIT", "中国工商银行", "ICBC"),
    "621226": ("DEBIT", "中国工商银行", "ICBC"),
    "621700": ("DEBIT", "中国建设银行", "CCB"),
    "622848": ("DEBIT", "中国农业银行", "ABC"),
    "621661": ("DEBIT", "中国银行", "BOC"),
    "622262": ("DEBIT", "交通银行", "BOCO"),
    "625965": ("CREDIT", "中国建设银行", "CCB"),
}


def upload_picture(truth: Truth, app: str, fields: Mapping[str, Any], now: datetime) -> Shown:
    """L39-44; the picture itself is not kept."""
    if not _BASE64.fullmatch(text(fields, "pic")):
        raise Refusal(400, "图片不是有效的 base64", param="pic")
    name = f"merchant-{int(now.timestamp() * 1000)}-{truth.ids.word()[:9]}"
    return {
        "app": app,
        "livemode": truth.livemode,
        "media_url": f"{_STORE}/{now:%Y/%m/%d}/{name}",
    }


def card_bin(fields: Mapping[str, Any]) -> Shown:
    """L74-79; a card of no bank that is known here is refused."""
    account = text(fields, "account")
    if not _CARD.fullmatch(account):
        raise Refusal(400, "银行卡号须为 12~19 位数字", param="account")
    bank = _BANKS.get(account[:6])
    if bank is None:
        raise Refusal(400, "未能识别的银行卡号", code="card_bin_not_found", param="account")
    kind, name, code = bank
    return {"card_type": kind, "bank_name": name, "bank_code": code}
