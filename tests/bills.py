# ruff: noqa: E501
"""Bills as the channels write them: the formats are public, all data is invented."""

from collections.abc import Iterable, Mapping
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

WECHAT_HEAD = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
    "货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,"
    "商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
WECHAT_TOTALS = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)
PAYER = "oInventedPayer0001"


def wechat_line(
    number: str, amount: str, *, refund: str = "", at: str = "2026-11-22 10:00:00", **more: str
) -> str:
    cells = [
        at, "wx0000000000000000", "1900000000", "0", "", more.get("transaction_no", f"42000{number}"),
        number, PAYER, "JSAPI", "REFUND" if refund else "SUCCESS", "OTHERS", "CNY",
        "0.00" if refund else amount, "0.00", more.get("refund_no", f"50000{number}") if refund else "0",
        f"R{number}" if refund else "0", refund or "0.00", "0.00", "ORIGINAL" if refund else "",
        more.get("refund_status", "SUCCESS") if refund else "", "茶叶, 一盒", "", more.get("fee", "0.00"),
        "0.60%", "0.00" if refund else amount, refund or "0.00", "",
    ]  # fmt: skip
    return ",".join(f"`{cell}" for cell in cells).replace("茶叶, 一盒", "茶叶一盒")


def wechat(lines: Iterable[str], *, count: int | None = None) -> str:
    listed = list(lines)
    number = len(listed) if count is None else count
    totals = ",".join(f"`{cell}" for cell in (number, *["0.00"] * 6))
    return "\r\n".join(["\ufeff" + WECHAT_HEAD, *listed, WECHAT_TOTALS, totals, ""])


YEEPAY_TITLES = (
    '"账单日期","2026-11-22","商户编号","10000000001"\n'
    '"交易总金额","2300.00","退款总金额","8.00","撤销总金额","0.00"\n'
    '"交易总笔数","2","退款总笔数","1","撤销总笔数","0"\n'
    '"交易手续费金额","4.94","退款退回手续费金额","0.00","撤销退回手续费金额","0.00"\n'
    '"交易时间","记账时间","商户订单号","业务类型","订单金额","手续费","产品类型","支付方式","对账备注","易宝流水号"'
)


def yeepay_line(
    number: str, amount: str, *, fee: str = "0.00", at: str = "2026-11-22 10:00:00"
) -> str:
    kind = "退款" if amount.startswith("-") else "交易"
    cells = (
        at,
        "2026-11-22 10:02:30",
        number,
        kind,
        amount,
        fee,
        "聚合支付",
        "公众号",
        "",
        f"1001{number}",
    )
    return ",".join(f'"{cell}"' for cell in cells)


def yeepay(lines: Iterable[str]) -> str:
    return "\n".join([YEEPAY_TITLES, *lines, ""])


ALIPAY_HEAD = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,"
    "订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,"
    "券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)


def alipay_line(
    number: str,
    amount: str,
    *,
    refund: str = "",
    at: str = "2026-11-22 10:00:00",
    fee: str = "0.00",
) -> str:
    cells = [
        f"2026112222001{number}\t", f"{number}\t", "退款" if refund else "交易", '"茶叶, 一盒"', at, at, "",
        "", "", "", "*某(inv***@example.invalid)", amount, amount, "0.00", "0.00", "0.00", "0.00", "0.00",
        "", "0.00", "0.00", f"{refund}\t", fee, "0.00", "",
    ]  # fmt: skip
    return ",".join(cells)


def alipay(lines: Iterable[str]) -> str:
    head = [
        "#支付宝业务明细查询",
        "#账号：[20880000000000000156]",
        "#起始日期：[2026年11月22日 00:00:00]   终止日期：[2026年11月23日 00:00:00]",
        "#-----------------------------------------业务明细列表----------------------------------------",
        ALIPAY_HEAD,
    ]
    tail = [
        "#-----------------------------------------业务明细列表结束------------------------------------",
        "#交易合计：1笔，商家实收共88.88元，商家优惠共0.00元",
        "#导出时间：[2026年11月23日 09:00:00]",
    ]
    return "\r\n".join([*head, *lines, *tail, ""])


_TYPES = '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
_BOOK = (
    '<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    ' xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="账单" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
_LINKS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
)


def xlsx(
    path: Any, rows: str, *, texts: Iterable[str] = (), parts: Mapping[str, str] | None = None
) -> None:
    """Write a spreadsheet whose sheet holds `rows` as they are given, in its own XML."""
    shared = "".join(f"<si><t>{text}</t></si>" for text in texts)
    sheet = f'<?xml version="1.0"?><worksheet><sheetData>{rows}</sheetData></worksheet>'
    members = {
        "[Content_Types].xml": _TYPES,
        "xl/workbook.xml": _BOOK,
        "xl/_rels/workbook.xml.rels": _LINKS,
        "xl/sharedStrings.xml": f'<?xml version="1.0"?><sst>{shared}</sst>',
        "xl/worksheets/sheet1.xml": sheet,
    } | dict(parts or {})
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
