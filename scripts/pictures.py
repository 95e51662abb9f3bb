"""How does the console look? Takes the pictures of the documents from the demo's week.

.venv/bin/python -m scripts.pictures: needs chromium; the same seed gives the same week.
"""

import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from playwright.sync_api import sync_playwright

from service.ledger import reads
from service.ledger.engine import open_ledger
from service.ledger.migrations import migrate
from tests.conftest import VAULT, make_key_pair
from tests.web.console import stage

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
NOW = datetime(2026, 11, 24, 10, 40, tzinfo=UTC)
# The order whose charge says another sum than it does itself.
WRONG = "objects/shop/order/2008000000000000023"
# A name and a page; each is taken in both languages: today.zh.png, today.en.png.
SHOTS: Mapping[str, str] = {
    "today": "today",
    "mismatch": "mismatches/{number}",
    "object": WRONG,
    "reports": "reports?report=orders",
}
# Taken once more on a dark screen.
DARK = "today"
LOCALES = {"zh": "zh-CN", "en": "en-GB"}


def main() -> None:
    """Take them all."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder, pair = Path(name), make_key_pair()
        with closing(open_ledger(f"sqlite:///{folder / 'ledger.db'}", VAULT)) as ledger:
            migrate(ledger)
            settings = stage.settings_in(folder, pair)
            stage.tell_past(ledger, pair, NOW, per_day=60)
            stage.tell_more(ledger, settings, NOW)
            app = stage.console_app(ledger, settings, lambda: NOW, stage.Visitor())
            server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
            thread = threading.Thread(target=server.run)
            thread.start()
            while not server.started:
                thread.join(0.05)
            number = next(reads.mismatch_rows(ledger, rule="paid_sum")).number
            _shoot(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", number)
            server.should_exit = True
            thread.join()


def names() -> Iterator[tuple[str, str, str, str]]:
    """Each picture: its file's name, its page, its language, and how the screen is."""
    for language in LOCALES:
        for name, path in SHOTS.items():
            yield f"{name}.{language}.png", path, language, "light"
        yield f"{DARK}-dark.{language}.png", SHOTS[DARK], language, "dark"


def _shoot(base: str, number: int) -> None:
    flags = ["--no-sandbox", "--headless", "--disable-gpu"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        for name, path, language, scheme in names():
            context = browser.new_context(
                viewport={"width": 1280, "height": 800},
                color_scheme="dark" if scheme == "dark" else "light",
                locale=LOCALES[language],
            )
            cookie = {"name": "pingledger_language", "value": language, "url": f"{base}/console"}
            context.add_cookies([cookie])  # pyright: ignore[reportArgumentType]
            page = context.new_page()
            page.goto(f"{base}/console/{path.format(number=number)}")
            page.screenshot(path=PICTURES / name)
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
