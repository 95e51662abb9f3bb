"""What the public SDKs ask for beside the document: rows of the same table, here only.

They are older than the document: charges without an order, lists and changes of users and of
sub-merchants, bank accounts of a user.
"""

from service.pingpp.endpoints.operation import (
    NOTHING_MADE,
    PAGES_B,
    READING,
    SAME_STATE,
    Operation,
    Param,
    Takes,
    Title,
    in_path,
    may,
    must,
)
from service.pingpp.endpoints.trade import CHANNELS

_APP = "/v1/apps/{app_id}"
_USER = _APP + "/users/{user_id}"
_ACCOUNTS = _USER + "/settle_accounts"
_ACCOUNT = _ACCOUNTS + "/{settle_account_id}"
_SUB_APP = _APP + "/sub_apps/{sub_app_id}"
_TEXT = Takes.TEXT

_OF_APP = in_path("app_id", 0)
_OF_USER = (_OF_APP, in_path("user_id", 0))
_OF_ACCOUNT = (*_OF_USER, in_path("settle_account_id", 0))
_OF_SUB_APP = (_OF_APP, in_path("sub_app_id", 0))

_USER_WORDS = tuple(may(n, _TEXT, 0) for n in ("address", "avatar", "email", "mobile", "name"))


def _row(
    name: str, method: str, path: str, *params: Param, answers: str, paging: str = ""
) -> Operation:
    repeat = {"GET": READING, "POST": NOTHING_MADE}.get(method, SAME_STATE)
    title = Title(name, name)
    return Operation(name, method, (path,), title, 0, answers, params, repeat, paging=paging)


SDK = (
    _row("user.list", "GET", _APP + "/users", _OF_APP, *PAGES_B, answers="user", paging="B"),
    _row(
        "user.update",
        "PUT",
        _USER,
        *_OF_USER,
        *_USER_WORDS,
        may("gender", _TEXT, 0, words=("MALE", "FEMALE")),
        may("disabled", Takes.FLAG, 0),
        may("metadata", Takes.METADATA, 0),
        answers="user",
    ),
    _row(
        "user_account.create",
        "POST",
        _ACCOUNTS,
        *_OF_USER,
        must("channel", _TEXT, 0, words=("bank_account",)),
        must("recipient", Takes.HASH, 0),
        answers="settle_account",
    ),
    _row(
        "user_account.list",
        "GET",
        _ACCOUNTS,
        *_OF_USER,
        *PAGES_B,
        answers="settle_account",
        paging="B",
    ),
    _row("user_account.retrieve", "GET", _ACCOUNT, *_OF_ACCOUNT, answers="settle_account"),
    _row("user_account.delete", "DELETE", _ACCOUNT, *_OF_ACCOUNT, answers="deleted"),
    _row("sub_app.list", "GET", _APP + "/sub_apps", _OF_APP, *PAGES_B, answers="sub_app"),
    _row(
        "sub_app.update",
        "PUT",
        _SUB_APP,
        *_OF_SUB_APP,
        may("display_name", _TEXT, 0, least=2, most=50),
        may("description", _TEXT, 0),
        may("metadata", Takes.METADATA, 0),
        answers="sub_app",
    ),
    _row(
        "charge.create",
        "POST",
        "/v1/charges",
        must("app.id", Takes.ID, 0),
        must("order_no", Takes.WORD, 0, most=64),
        must("channel", _TEXT, 0, words=CHANNELS),
        must("amount", Takes.AMOUNT, 0),
        must("currency", _TEXT, 0, words=("cny",)),
        must("client_ip", Takes.ADDRESS, 0),
        must("subject", _TEXT, 0),
        must("body", _TEXT, 0),
        may("extra", Takes.HASH, 0),
        may("time_expire", Takes.TIME, 0),
        may("metadata", Takes.METADATA, 0),
        may("description", _TEXT, 0),
        answers="charge",
    ),
    _row(
        "refund.create",
        "POST",
        "/v1/charges/{charge_id}/refunds",
        in_path("charge_id", 0),
        must("description", _TEXT, 0),
        may("amount", Takes.AMOUNT, 0),
        may("order_no", _TEXT, 0),
        may("metadata", Takes.METADATA, 0),
        answers="refund",
    ),
)
