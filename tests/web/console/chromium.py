"""Chromium as the tests start it, and what it finds that hinders people."""

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import (  # pyright: ignore[reportMissingTypeStubs]
    Axe,
)
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
FLAGS = [
    f"--{flag}"
    for flag in (
        "no-sandbox", "headless", "disable-gpu", "disable-quic", "no-first-run",
        "disable-background-networking", "disable-component-update", "disable-sync",
    )
]  # fmt: skip


@contextmanager
def chromium() -> Generator[Browser]:
    """Chromium, once; a machine without it says so, and fails where it was promised."""
    if CHROMIUM is None:
        told = "there is no chromium: the browser tests were NOT run (apt install chromium)"
        if os.environ.get("CI"):
            pytest.fail(told, False)
        pytest.skip(told)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


def assert_nothing_serious(page: Page, only: str = "") -> None:
    """only: the rules of a tag of axe's, such as cat.color."""
    asked: dict[str, Any] = {"resultTypes": ["violations"]}
    if only:
        asked["runOnly"] = {"type": "tag", "values": [only]}
    answer: Any = Axe().run(page, options=asked)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    found: list[dict[str, Any]] = answer.response["violations"]
    told = [
        (page.url, one["id"], one["nodes"][0]["html"])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert told == []
