"""What do kinds, states and other words of ours mean to a person?"""

from collections.abc import Mapping

from service.core.report.sheet import Words

Labels = Mapping[str, Words]

KINDS: Labels = {
    "order": Words("订单", "order"),
    "charge": Words("支付", "charge"),
    "refund": Words("支付退款", "refund of a charge"),
    "order_refund": Words("订单退款", "refund of an order"),
    "withdrawal": Words("提现", "withdrawal"),
    "allocation": Words("分账", "allocation"),
    "allocation_refund": Words("分账退回", "refund of an allocation"),
    "allocation_complete": Words("分账完结", "completion of allocations"),
    "deposit": Words("充值", "deposit"),
    "recharge": Words("余额充值", "recharge"),
    "transfer": Words("企业付款", "transfer"),
    "batch_transfer": Words("批量付款", "batch of transfers"),
    "batch_refund": Words("批量退款", "batch of refunds"),
    "batch_withdrawal": Words("批量提现", "batch of withdrawals"),
    "royalty": Words("分润", "royalty"),
    "royalty_settlement": Words("分润结算", "settlement of royalties"),
    "red_envelope": Words("红包", "red envelope"),
    "user": Words("用户", "user"),
    "settle_account": Words("结算账户", "settle account"),
    "sub_app": Words("子商户应用", "sub-app"),
    "statement": Words("对账单", "statement"),
}

STATUSES: Labels = {
    "created": Words("已创建", "created"),
    "pending": Words("处理中", "pending"),
    "paid": Words("已支付", "paid"),
    "refunded": Words("有退款", "refunded"),
    "reversed": Words("已撤销", "reversed"),
    "canceled": Words("已取消", "canceled"),
    "succeeded": Words("成功", "succeeded"),
    "failed": Words("失败", "failed"),
    "partially_succeeded": Words("部分成功", "partly succeeded"),
    "expired": Words("已过期", "expired"),
}

# What a side of a mismatch says where it is no amount; statuses have their own words.
SIDES: Labels = {
    "nothing": Words("无", "nothing"),
    "true": Words("是", "yes"),
    "false": Words("否", "no"),
    "done": Words("已完成", "done"),
    "settled": Words("已结算", "settled"),
    "one value": Words("唯一值", "one value"),
    "one end": Words("唯一终态", "one end"),
    "notified": Words("已通知", "notified"),
    "not ended": Words("未到终态", "not ended"),
    "final": Words("终态", "final"),
    "no failure": Words("无失败", "no failure"),
    "never seen": Words("从未见过", "never seen"),
    "customer": Words("用户", "customer"),
    "completed": Words("已完结", "completed"),
    "begun": Words("已开始", "begun"),
    "a time": Words("有时间", "a time"),
    "a known word": Words("已知状态", "a known word"),
    **STATUSES,
}

YES_NO: Labels = {"yes": Words("是", "yes"), "no": Words("否", "no")}
