"""What one request is to the operation that it asks for, and what answers it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.sandbox.box import Box
from service.sandbox.wire import Shown


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, read and found good: its target, path parameters, query, JSON body."""

    target: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    fields: Mapping[str, Any]
    now: datetime


Handler = Callable[[Box, Asked], Shown]
