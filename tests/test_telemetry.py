"""What logs show, what they leave out, and that they never stop the work."""

import io
import json
import logging
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from service import telemetry


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    """A stream that logs are sent to; afterwards everything is as it was."""
    handlers, level = logging.getLogger().handlers, logging.getLogger().level
    stream = io.StringIO()
    yield stream
    structlog.reset_defaults()
    logging.getLogger().handlers = handlers
    logging.getLogger().setLevel(level)


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_pipe_gets_one_json_object_a_line(out: io.StringIO) -> None:
    writer = telemetry.configure(out=out)
    telemetry.logger("inbox").info("inbox.accepted", account="main", rows=3)
    telemetry.logger("inbox").debug("inbox.looked")
    writer.stop()
    (line,) = lines(out)
    assert line["event"] == "inbox.accepted"
    assert (line["room"], line["account"], line["rows"], line["level"]) == (
        "inbox", "main", 3, "info",
    )  # fmt: skip
    assert line["timestamp"].endswith("Z")


def test_secrets_and_personal_values_are_left_out_at_any_depth(out: io.StringIO) -> None:
    writer = telemetry.configure(out=out)
    telemetry.logger("x").info(
        "x.y",
        api_key="sk_live_1",
        sinks=[{"secret": "whsec_1", "url": "https://u:p@h"}],
        seen={"identity": {"id_number": "110101199003070000"}, "email": "a@example.com"},
        body=b"raw",
        bytes_seen=b"raw",
    )
    writer.stop()
    text = out.getvalue()
    for value in ("sk_live_1", "whsec_1", "u:p", "110101", "a@example.com", 'raw"'):
        assert value not in text
    assert "[3 bytes]" in text


def test_what_a_terminal_would_act_upon_is_escaped_and_long_text_is_cut(out: io.StringIO) -> None:
    writer = telemetry.configure(out=out)
    telemetry.logger("x").info("x.y", a="\x1b[31mred\r\nline\u202eturned\ud800", b="x" * 10_000)
    writer.stop()
    (line,) = lines(out)
    assert line["a"] == "\\u001b[31mred\\u000d\\u000aline\\u202eturned\\ud800"
    assert len(line["b"]) == telemetry.TEXT_LIMIT + 1


def test_an_exception_is_told_by_class_and_place_without_its_text(out: io.StringIO) -> None:
    writer = telemetry.configure(out=out)
    try:
        try:
            raise KeyError("110101199003070000")
        except KeyError as error:
            raise RuntimeError("card 6222020200112233445") from error
    except RuntimeError:
        telemetry.logger("x").exception("x.failed")
    writer.stop()
    (line,) = lines(out)
    assert line["error_class"] == "RuntimeError < KeyError"
    assert "test_telemetry.py" in line["trace"][-1]
    assert "110101" not in out.getvalue()
    assert "6222" not in out.getvalue()


def test_libraries_are_heard_without_their_arguments(out: io.StringIO) -> None:
    writer = telemetry.configure(out=out)
    logging.getLogger("some.library").warning("row %s is odd", "110101199003070000")
    logging.getLogger("some.library").info("no news")
    writer.stop()
    (line,) = lines(out)
    assert (line["event"], line["said"]) == ("library.said", "row %s is odd")


def test_a_pipe_that_nobody_reads_costs_lines_and_not_the_work(
    out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "QUEUE_LIMIT", 100)
    reading, writing = os.pipe()
    before = dropped()
    with os.fdopen(writing, "w") as stuck:
        writer = telemetry.configure(out=stuck)
        log = telemetry.logger("x")
        for number in range(2_000):
            log.info("x.y", number=number, text="x" * 400)
        assert dropped() > before
        drained = threading.Thread(target=_drain, args=(reading,), daemon=True)
        drained.start()
        writer.stop()
    drained.join()


def dropped() -> float:
    return telemetry.REGISTRY.get_sample_value("pingledger_logs_dropped_total") or 0.0


def _drain(reading: int) -> None:
    with os.fdopen(reading, "rb") as pipe:
        while pipe.read(65_536):
            pass
