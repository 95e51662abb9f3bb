"""What can be read of the provider's other products, whose events may come here (facts §2, 4.6).

They are not in the document; their retrieval and, where its paging is known, their lists are.
"""

from service.pingpp.endpoints.operation import (
    PAGES_A,
    PAGES_B,
    READING,
    Operation,
    Param,
    Takes,
    Title,
    asked,
    in_path,
)

_APP = "/v1/apps/{app_id}"
_OF_APP = (in_path("app_id", 0),)


def _retrieve(answers: str, path: str, en: str, zh: str) -> Operation:
    """One object by its id; with the app where the path has it."""
    params = _OF_APP if "{app_id}" in path else ()
    return Operation(
        f"{answers}.retrieve",
        "GET",
        (f"{path}/{{id}}",),
        Title(f"Look up {en}", f"查询{zh}"),
        0,
        answers,
        (*params, in_path("id", 0)),
        READING,
    )


def _list(answers: str, path: str, en: str, zh: str, paging: str, *more: Param) -> Operation:
    params = _OF_APP if "{app_id}" in path else ()
    pages = PAGES_A if paging == "A" else PAGES_B
    return Operation(
        f"{answers}.list",
        "GET",
        (path,),
        Title(f"List {en}", f"{zh}列表"),
        0,
        answers,
        (*params, *more, *pages),
        READING,
        paging=paging,
    )


OPERATIONS = (
    _retrieve("recharge", _APP + "/recharges", "a recharge", "余额充值"),
    _list("recharge", _APP + "/recharges", "recharges", "余额充值", "B"),
    _retrieve("transfer", "/v1/transfers", "a transfer", "企业付款"),
    _list("transfer", "/v1/transfers", "transfers", "企业付款", "A", asked("app.id", Takes.ID)),
    _retrieve("batch_transfer", "/v1/batch_transfers", "a batch of transfers", "批量付款"),
    _retrieve("batch_refund", "/v1/batch_refunds", "a batch of refunds", "批量退款"),
    _retrieve(
        "batch_withdrawal", _APP + "/batch_withdrawals", "a batch of withdrawals", "批量提现"
    ),
    _retrieve("royalty", "/v1/royalties", "a royalty", "分润"),
    _list("royalty", "/v1/royalties", "royalties", "分润", "B"),
    _retrieve("royalty_settlement", "/v1/royalty_settlements", "a settlement", "分润结算"),
    _retrieve("red_envelope", "/v1/red_envelopes", "a red envelope", "红包"),
    _retrieve("customs", "/v1/customs", "a customs declaration", "报关"),
    _retrieve("agreement", "/v1/agreements", "an agreement", "签约"),
)
