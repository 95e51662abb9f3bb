"""What one request is to an operation, and what an operation is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.sandbox.box import Box
from service.sandbox.refusal import Refusal
from service.sandbox.wire import Shown


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, read: path parameters, query, JSON body."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    fields: Mapping[str, Any]
    now: datetime

    def wanted(self, name: str) -> str:
        """A required parameter of the query."""
        if not self.query.get(name):
            raise Refusal(400, f"缺少参数：{name}", param=name)
        return self.query[name]


Operation = Callable[[Box, Asked], Shown]
