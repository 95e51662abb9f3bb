"""What can be wrong with our own running, and what it is called: alerts, which end, and notices.

A mismatch is about the money; these are about us, the way to Ping++, and what it sends. An alert
opens and settles; a notice is told once, and then counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """One code: its severity, and what it means, to a person, in both languages."""

    code: str
    severity: str
    zh: str
    en: str


def _table(*words: Word) -> Mapping[str, Word]:
    return {word.code: word for word in words}


ALERTS = _table(
    Word(
        "silent_account",
        "critical",
        "该账户长时间没有收到任何通知，超出其同一时段的平常间隔。",
        "No delivery has come for longer than this account's rhythm at such an hour.",
    ),
    Word(
        "refused_burst",
        "critical",
        "大量通知的签名校验失败；公钥是否已轮换？",
        "Many deliveries bear no good signature: is the key rotated?",
    ),
    Word(
        "replica_gone",
        "warning",
        "有进程未正常退出，且已停止心跳。",
        "A process has stopped ticking without having signed off.",
    ),
    Word(
        "inbox_stuck",
        "critical",
        "已收到的通知迟迟未被处理。",
        "Deliveries that were taken in have not been read for long.",
    ),
    Word(
        "outbox_stuck",
        "warning",
        "发往某个下游的消息积压过久或过多。",
        "Messages to a sink have waited for long, or there are many.",
    ),
    Word(
        "sink_gone",
        "warning",
        "某个下游表示不再接收任何消息，已停止向其发送。",
        "A sink said that it wants no more, and was switched off.",
    ),
    Word(
        "people_stuck",
        "warning",
        "发往某个通知渠道的消息无法送达。",
        "Notes to people cannot be sent on a channel.",
    ),
    Word(
        "watches_overdue",
        "warning",
        "大量对象到期未查询。",
        "Many objects should have been asked for and were not.",
    ),
    Word(
        "closing_late",
        "critical",
        "某个营业日迟迟未能结账。",
        "A business day should have been closed half a day ago and is not.",
    ),
    Word(
        "disk_low",
        "critical",
        "数据所在磁盘的剩余空间不足。",
        "The disk that the data lies on is nearly full.",
    ),
)

_LOOKS = (
    ("http_404", "查无此对象", "answers that it knows no such object"),
    ("unaskable", "文档中没有查询该对象的接口", "has no documented way to ask for it"),
    ("wrong_object", "返回的是另一个对象", "answers with another object"),
    ("malformed", "返回内容无法解析", "answers what cannot be read"),
    ("too_large", "返回内容过大", "answers too much"),
    ("encoding", "返回内容编码无法识别", "answers in an encoding that is not known"),
    ("http_2xx", "返回了意外的 2xx 状态", "answers an odd 2xx status"),
    ("http_3xx", "返回了重定向", "answers with a redirect"),
    ("http_4xx", "拒绝了查询", "refuses the question"),
    ("failed", "结果无法入账", "answers what could not be recorded"),
)

NOTICES = _table(
    Word(
        "unauthorised",
        "critical",
        "Ping++ 不接受 API 密钥，主动查询已停摆。",
        "Ping++ does not accept the API key: nothing can be asked.",
    ),
    Word(
        "forbidden",
        "critical",
        "Ping++ 拒绝了本账户的查询权限。",
        "Ping++ forbids this account to ask.",
    ),
    Word(
        "tls",
        "critical",
        "与 Ping++ 的 TLS 连接无法建立或不可信。",
        "TLS with Ping++ cannot be agreed on or trusted.",
    ),
    Word(
        "signature",
        "critical",
        "Ping++ 返回内容的签名校验失败。",
        "Ping++'s answers bear no good signature.",
    ),
    Word(
        "api_away",
        "warning",
        "Ping++ 的接口已超过十分钟无法访问。",
        "Ping++'s API has been away for more than ten minutes.",
    ),
    Word(
        "clock_skew",
        "warning",
        "本机时钟与 Ping++ 的时钟相差超过 30 秒。",
        "Our clock and Ping++'s differ by more than 30 seconds.",
    ),
    Word(
        "radar",
        "warning",
        "某一小时内的通知送达率低于目标值。",
        "In one hour fewer notifications were delivered than the target asks for.",
    ),
    Word(
        "closing_refused",
        "critical",
        "某个营业日无法结账。",
        "A business day cannot be closed.",
    ),
    Word(
        "unknown_status",
        "warning",
        "出现未知的状态值。",
        "An object has a status that nobody knows.",
    ),
    Word(
        "differing_retry",
        "critical",
        "同一事件的重发内容与首次不同。",
        "A known event came again with other content.",
    ),
    Word(
        "quarantined",
        "critical",
        "有通知无法解析，已原样隔离。",
        "A delivery could not be understood and is in quarantine.",
    ),
    Word(
        "unknown_event",
        "info",
        "出现未知的事件类型。",
        "An event has a type that nobody knows.",
    ),
    Word(
        "unknown_object",
        "warning",
        "出现未知的对象类型。",
        "An event is about a class of object that nobody knows.",
    ),
    Word(
        "odd_value",
        "info",
        "某个字段的名称或取值超出文档范围。",
        "A field has a name or a value that is not documented.",
    ),
    Word(
        "no_event_list",
        "info",
        "Ping++ 不提供该账户的事件列表。",
        "Ping++ lists no events for this account.",
    ),
    *(
        Word(
            f"look_{word}",
            "warning",
            f"查询某对象时，Ping++ 连续{zh}。",
            f"Asked for an object, Ping++ {en}, again and again.",
        )
        for word, zh, en in _LOOKS
    ),
)  # fmt: skip


def severity_of_notice(cause: str) -> str:
    """How grave a notice is; one that nobody described is a warning."""
    return NOTICES[cause].severity if cause in NOTICES else "warning"
