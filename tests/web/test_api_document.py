"""Is the API's document true? schemathesis asks what it promises, of a real server."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis import checks as known_checks

from service.web.api.desk import describe
from tests.web.api_program import Program, program
from tests.web.conftest import Pair
from tests.web.test_api import fill
from tests.web.visitor import Visited, visited

EXAMPLES = 8
# random ids find nothing, and a random cursor is none of ours: that is no fault. That a token is
# needed has a test of its own: here every request is given one from outside.
_LEFT_OUT = ("positive_data_acceptance", "ignored_auth")


@pytest.fixture
def desk(database_url: str, tmp_path: Path, key_pair: Pair, now: datetime) -> Iterator[Visited]:
    with visited(database_url, tmp_path, key_pair, now) as running:
        fill(running, now)
        yield running


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_operation_answers_as_documented(desk: Visited, mode: GenerationMode) -> None:
    asks = program(desk, "read", "mismatches", "operate")
    known_checks.load_all_checks()
    # it has no types worth the name
    schema: Any = schemathesis.openapi.from_dict(describe())
    count = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not (operation.query or operation.body):
            continue
        strategy = operation.as_strategy(generation_mode=mode)
        _hold(strategy, asks, desk.port)
        count += 1
    assert count >= 10


def _hold(strategy: Any, asks: Program, port: int) -> None:
    every: Any = vars(known_checks)["CHECKS"]
    left_out = [every.get_one(name) for name in _LEFT_OUT]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(case=strategy)
    def hold(case: Any) -> None:
        case.call_and_validate(
            base_url=f"http://127.0.0.1:{port}",
            headers={"authorization": f"Bearer {asks.secret}"},
            excluded_checks=left_out,
        )

    hold()
