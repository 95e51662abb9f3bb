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


# what a theme changes
COLOURS = ("color-contrast", "link-in-text-block")


def assert_nothing_serious(page: Page, *only: str) -> None:
    """only: rules of axe's; none named: all that it runs by itself."""
    asked: dict[str, Any] = {"resultTypes": ["violations"]}
    if only:
        asked["runOnly"] = {"type": "rule", "values": list(only)}
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(Axe().axe_script)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    found: list[dict[str, Any]] = page.evaluate(
        "asked => axe.run(document, asked).then((answer) => answer.violations)", asked
    )
    told = [
        (page.url, one["id"], one["nodes"][0]["html"], one["nodes"][0]["failureSummary"])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert told == [], told
