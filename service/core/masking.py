"""How is personal data shown to somebody who may not see it? The one place that masks.

By field for what has a field, by pattern for free text. Where it is unsure it hides: `pingledger
open` shows the rest. Every expression here is linear in the length of its text, whatever the text.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, cast

HIDDEN = "***"
# deeper than this nothing is shown
DEPTH_LIMIT = 32
# a number below is an amount or a count, in whatever field
_SMALL = 100_000
# so many values of a document are looked for in its free text
KNOWN_LIMIT = 64

_ALL_BUT = frozenset((
    "bank_name", "open_bank", "open_bank_code", "bank_code", "sub_bank_name", "prov", "city",
    "channel", "pay_channel", "type", "card_type", "cert_type", "bank_card_status", "object",
    "status", "currency",
))  # fmt: skip
_IDS = frozenset((
    "id", "order", "order_id", "order_no", "merchant_order_no", "charge", "charge_id", "user",
    "user_id", "uid", "parent_user_id", "app", "service_app", "receipt_app", "parent_app",
    "sub_app", "related_app", "refund", "withdrawal", "allocation", "settle_account",
    "balance_transaction", "asset_transaction", "transaction_no", "mch_id",
))  # fmt: skip
_NEVER = re.compile(
    r"credential|operation_?url|card_?url|pay_?url|code_?url|token|secret|password|passwd|sign$"
    r"|signature|media_url|avatar|_copy|^copy$|^national$|^pic|image|address|^detail$|birth|gender"
    r"|open_?id|buyer_(user_|logon_)?id|^ip$|client_ip|证件照|地址|住址",
    re.IGNORECASE,
)
_NAME = re.compile(r"name$|holder$|^(payer|payee|buyer|person)$|姓名|户名|人$", re.IGNORECASE)
_CERT = re.compile(
    r"cert|(^|_)id_?(no|num|number|card)|identity|licen[cs]e|passport|^number$|证件|身份证",
    re.IGNORECASE,
)
_MOBILE = re.compile(r"mobile|phone|(^|_)tel($|_)|手机|电话", re.IGNORECASE)
_MAIL = re.compile(r"e?mail|邮箱", re.IGNORECASE)
_CARD = re.compile(r"card|account|^acc_?no$|iban|卡号|账号", re.IGNORECASE)
# what people write into these is theirs to know
_PRIVATE = frozenset(("metadata", "custom_params", "identity_info", "passback_params"))
# the shape is the channel's: Chinese text in it may be a name
_LOOSE = frozenset(("extra", "recipient", "payer_info", "buyer_info", "user_info"))

_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff·]+")
_URL = re.compile(
    r"(?<![a-z0-9+.-])([a-z0-9+.-]++://)([a-z0-9._~:@%\[\]-]*+)[^\s\"'<>]*+", re.IGNORECASE
)
_ADDRESS = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w.-]++")
_DIGITS = re.compile(r"(?<!\d)\d(?:[ -]?\d)*+[xX]?")
_LABELLED = re.compile(
    r"(姓名|户名|持卡人|开户人|收款人|付款人|联系人|法人|经办人)"
    r"(\s{0,3}[:：为是\[【(（“\"]\s{0,3})"
    r"([\u3400-\u9fff·]{2,20}|[a-z]++(?: [a-z]++){0,2})",
    re.IGNORECASE,
)
# a name that nothing labels: a common family name and little more, beside a long number
_FAMILY = (
    "(?!余额|金额|付款|方式|任务|许可|严重|万元|高风险)(?:欧阳|司马|上官|诸葛|皇甫|令狐|慕容|夏侯|东方"
    "|[王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾萧肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任"
    "沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤])"
)
_CLOSE = r"[\s,，、;；/|(（:：-]{1,3}"
_NAMED = re.compile(
    rf"(?<![\u3400-\u9fff])({_FAMILY}[\u3400-\u9fff]{{1,2}})(?={_CLOSE}\d{{11}})"
    rf"|(?<=\d[\dxX])({_CLOSE})({_FAMILY}[\u3400-\u9fff]{{1,2}})(?![\u3400-\u9fff])"
)
_PAIR = re.compile(
    r"(?<!\w)(\w{2,32})([\\\"']{0,4}\s{0,9}[:=]\s{0,9}[\\\"']{0,4})([^\\\"'&,;{}\[\]\r\n]++)"
)
_PLAIN = re.compile(r"\s*(?:true|false|null|-?[\d.]{1,10})\s*")
_ESCAPED = re.compile(r"(?:%[0-9a-f]{2}|\\+u[0-9a-f]{4}|\\+x[0-9a-f]{2})++", re.IGNORECASE)
_DOCUMENT = ('{"', "{'", "[{", '["')


def mask(value: Any) -> Any:
    """A copy of a JSON value with everything personal masked, its keys too.

    What a field of the document holds is also hidden where its free text repeats it.
    """
    document = _Document()
    masked = document.walk(value, "", loose=False, depth=DEPTH_LIMIT)
    return _without(masked, document.telling())


def mask_body(body: bytes) -> str:
    """The text of raw bytes, masked: compact JSON when they are JSON, else what is left of them."""
    text = body.decode("utf-8", "replace")
    try:
        return _compact(mask(json.loads(text)))
    except (ValueError, RecursionError):
        return _mask_broken(text)


def mask_text(text: str) -> str:
    """Free text without certificate, card and phone numbers, addresses and what links carry."""
    if text.startswith(_DOCUMENT):
        try:
            return _compact(mask(json.loads(text)))
        except (ValueError, RecursionError):
            return _mask_broken(text)
    return _mask_plain(text)


def mask_told(text: str, document: Any) -> str:
    """Free text that was told of a document: what is personal in the one is hidden in the other."""
    known = _Document()
    known.walk(document, "", loose=False, depth=DEPTH_LIMIT)
    return mask_text(_erase(text, known.telling()))


def mask_name(name: str) -> str:
    """张三丰 → 张*: neither the length nor more than the first character."""
    return f"{name[0]}*" if name else ""


def mask_number(number: str) -> str:
    """A certificate's number: first and last stay; what the provider hid stays hidden."""
    return number[0] + "*" * (len(number) - 2) + number[-1] if len(number) > 7 else HIDDEN


def mask_card(number: str) -> str:
    """A card's or a bank account's number: the last four stay."""
    return "*" * (len(number) - 4) + number[-4:] if len(number) > 11 else HIDDEN


def mask_mobile(number: str) -> str:
    """13012340000 → 130****0000; the prefix of the country goes."""
    last = number[-11:]
    return f"{last[:3]}****{last[-4:]}" if len(last) == 11 else HIDDEN


def mask_mail(address: str) -> str:
    """anna@example.com → a***@example.com."""
    person, at, host = address.rpartition("@")
    return f"{person[:1]}{HIDDEN}@{host}" if at and person else HIDDEN


def _mask_account(text: str) -> str:
    """An account is a card, or what somebody logs in with."""
    if "@" in text:
        return mask_mail(text)
    digits = _plain_digits(text)
    return mask_mobile(digits) if _is_mobile(digits) else mask_card(text)


def _hide(_text: str) -> str:
    return HIDDEN


_BY_FIELD: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
    (_NEVER, _hide),
    (_MAIL, mask_mail),
    (_MOBILE, mask_mobile),
    (_NAME, mask_name),
    (_CERT, mask_number),
    (_CARD, _mask_account),
)


def _masker(field: str) -> Callable[[str], str] | None:
    if field in _ALL_BUT or field in _IDS:
        return None
    return next((masker for pattern, masker in _BY_FIELD if pattern.search(field)), None)


class _Document:
    """One document while it is walked, and what its personal fields hold."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def walk(self, value: Any, field: str, *, loose: bool, depth: int) -> Any:
        """The masked copy; loose: inside of something whose shape is the channel's."""
        if value is None or isinstance(value, bool):
            return value
        if depth == 0 or field in _PRIVATE or _NEVER.search(field):
            self._learn(value, depth)
            return HIDDEN if value else value
        if isinstance(value, Mapping):
            members = cast("Mapping[str, Any]", value).items()
            return {
                _mask_plain(name): self.walk(
                    inner, _plain_name(name), loose=loose or field in _LOOSE, depth=depth - 1
                )
                for name, inner in members
            }
        if isinstance(value, list):
            items = cast("list[Any]", value)
            return [self.walk(inner, field, loose=loose, depth=depth - 1) for inner in items]
        return self._leaf(value, field, loose=loose)

    def telling(self) -> list[str]:
        """What is worth looking for elsewhere, the longest first; short values are everywhere."""
        whole = [one for one in self._known if "*" not in one]
        found = [one for one in whole if len(one) > 3 or (one[1:] and _CHINESE.match(one))]
        return sorted(found, key=lambda one: (-len(one), one))[:KNOWN_LIMIT]

    def _leaf(self, value: str | float, field: str, *, loose: bool) -> Any:
        text = str(value)
        if field in _IDS or (field in _ALL_BUT and isinstance(value, str)):
            return value
        masker = _masker(field)
        if masker is not None:
            self._known.add(text)
            return masker(text) if isinstance(value, str) or abs(value) >= _SMALL else value
        masked = mask_text(text)
        if loose and _CHINESE.search(masked):
            self._known.add(text)
            masked = _CHINESE.sub(lambda found: mask_name(found.group()), masked)
        return value if masked == text else masked

    def _learn(self, value: Any, depth: int) -> None:
        """What is under a field that is never shown is shown nowhere else either."""
        if isinstance(value, str):
            self._known.add(value)
        elif depth > 0 and isinstance(value, Mapping):
            for inner in cast("Mapping[str, Any]", value).values():
                self._learn(inner, depth - 1)
        elif depth > 0 and isinstance(value, list):
            for inner in cast("list[Any]", value):
                self._learn(inner, depth - 1)


def _plain_name(name: str) -> str:
    return name.lower().replace("-", "_")


def _without(value: Any, known: list[str]) -> Any:
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value).items()
        return {name: _without(inner, known) for name, inner in members}
    if isinstance(value, list):
        return [_without(inner, known) for inner in cast("list[Any]", value)]
    return _erase(value, known) if isinstance(value, str) else value


def _erase(text: str, known: list[str]) -> str:
    for one in known:
        text = text.replace(one, HIDDEN)
    return text


def _mask_plain(text: str) -> str:
    text = _URL.sub(_mask_url, text)
    text = _ADDRESS.sub(lambda found: mask_mail(found.group()), text)
    text = _LABELLED.sub(
        lambda found: found.group(1) + found.group(2) + mask_name(found.group(3)), text
    )
    text = _NAMED.sub(_mask_named, text)
    return _DIGITS.sub(_mask_run, text)


def _mask_named(found: re.Match[str]) -> str:
    before, between, after = found.groups()
    return mask_name(before) if before else f"{between}{mask_name(after)}"


def _mask_url(found: re.Match[str]) -> str:
    """Where a link leads; what follows the host may open something."""
    return f"{found.group(1)}{found.group(2).rpartition('@')[2]}/{HIDDEN}"


def _mask_broken(text: str) -> str:
    """Text that is no document: only numbers and the ids of its fields are left, and no Chinese."""
    text = _PAIR.sub(_mask_pair, _ESCAPED.sub(HIDDEN, text))
    return _CHINESE.sub(HIDDEN, _mask_plain(text))


def _mask_pair(found: re.Match[str]) -> str:
    name, between, value = found.groups()
    field = _plain_name(name)
    shown = field in _ALL_BUT or field in _IDS
    shown = shown or (_masker(field) is None and _PLAIN.fullmatch(value) is not None)
    return f"{name}{between}{value if shown else HIDDEN}"


def _mask_run(found: re.Match[str]) -> str:
    run = found.group()
    digits = _plain_digits(run)
    if len(digits) > 19 and len(digits) != len(run):
        return HIDDEN
    if _is_mobile(digits):
        return mask_mobile(digits)
    if _is_certificate(digits):
        return mask_number(digits)
    if 12 <= len(digits) <= 19 and _is_luhn(digits):
        return mask_card(digits)
    # a run of several numbers: each by itself
    if len(digits) >= 11 and len(digits) != len(run):
        return re.sub(r"\d+[xX]?", _mask_run, run)
    return run


def _plain_digits(text: str) -> str:
    """The ASCII digits of a number, full-width ones too, and its X at the end."""
    digits = "".join(str(unicodedata.digit(one)) for one in text if one.isdecimal())
    return digits + "X" if text[-1:] in ("x", "X") else digits


def _is_mobile(digits: str) -> bool:
    return re.fullmatch(r"(?:86|0086)?1[3-9]\d{9}", digits) is not None


def _is_certificate(digits: str) -> bool:
    return re.fullmatch(r"\d{15}|\d{17}[\dX]", digits) is not None


def _is_luhn(digits: str) -> bool:
    if not digits.isdecimal():
        return False
    doubled = [int(one) * (1 + place % 2) for place, one in enumerate(reversed(digits))]
    return sum(each - 9 * (each > 9) for each in doubled) % 10 == 0


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
