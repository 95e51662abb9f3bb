"""How does a dossier look to somebody who reads or prints it?"""

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_WORDS = {
    "delivery": "通知 notification",
    "evidence": "旁证 evidence",
    "look": "查询 question",
    "observation": "观测 sighting",
    "change": "变更 change",
    "suspected": "疑似差异 suspected",
    "opened": "差异 opened",
    "settled": "了结 settled",
    "message": "消息 message",
    "watch": "下次查询 next look",
}


def page(document: dict[str, Any], zone: str) -> str:
    """One page that needs nothing else; Chinese first."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def moment(at: datetime | None) -> str:
        return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S") if at else ""

    def money(amount: int | None) -> str:
        return "" if amount is None else f"{amount // 100:,}.{amount % 100:02}"

    def word(what: str) -> str:
        return _WORDS.get(what, what)

    made.filters.update(moment=moment, money=money, word=word)
    return made.get_template("page.html").render(**document, zone=zone)
