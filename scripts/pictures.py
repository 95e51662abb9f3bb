"""How does the console look? Takes the pictures of the documents from the demo's week.

.venv/bin/python -m scripts.pictures: needs chromium; the same seed gives the same week.
"""

import shutil
import tempfile
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from playwright.sync_api import sync_playwright

from service.ledger.engine import open_ledger
from service.ledger.migrations import migrate
from tests.conftest import VAULT, make_key_pair
from tests.web.console import stage

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
NOW = datetime(2026, 11, 24, 10, 40, tzinfo=UTC)
SHOTS = (
    ("today", "today", "light", "zh"),
    ("today-dark", "today", "dark", "en"),
    ("mismatch", "mismatches/2", "light", "zh"),
    ("object", "objects/shop/order/2008000000000000023", "light", "zh"),
)


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
            _shoot(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}")
            server.should_exit = True
            thread.join()


def _shoot(base: str) -> None:
    flags = ["--no-sandbox", "--headless", "--disable-gpu"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        for name, path, scheme, language in SHOTS:
            context = browser.new_context(
                viewport={"width": 1280, "height": 800},
                color_scheme="dark" if scheme == "dark" else "light",
            )
            cookie = {"name": "pingledger_language", "value": language, "url": f"{base}/console"}
            context.add_cookies([cookie])  # pyright: ignore[reportArgumentType]
            page = context.new_page()
            page.goto(f"{base}/console/{path}")
            page.screenshot(path=PICTURES / f"{name}.png")
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
