"""Where do the demo's people read? A DingTalk, a Feishu and a mail server, in this process.

They check what the real ones check, by the services' own documents: a wrong signature is refused.
"""

import base64
import hashlib
import hmac
import json
import secrets
import socketserver
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from rich.console import Console

BODY_LIMIT = 64 * 1024
WAIT_SECONDS = 15.0
SHOWN_LINES = 8

_CONFIG = """
[people.ding]
url = "https://oapi.dingtalk.com/robot/send?access_token={token}"
secret = "{ding}"
base = "{base}"
remind_minutes = 600

[people.feishu]
url = "https://open.feishu.cn/open-apis/bot/v2/hook/{token}"
secret = "{feishu}"
base = "{base}"
severities = ["critical"]

[people.mail]
url = "mailto://127.0.0.1:{port}?from=ledger@example.com&to=finance@example.com&mode=insecure"
language = "en"
"""


@dataclass
class Arrived:
    """What was read, by where; and what was refused."""

    token: str = field(default_factory=lambda: secrets.token_hex(16))
    ding: str = field(default_factory=lambda: f"SEC{secrets.token_hex(16)}")
    feishu: str = field(default_factory=lambda: secrets.token_hex(8))
    texts: dict[str, list[str]] = field(
        default_factory=lambda: {"钉钉 DingTalk": [], "飞书 Feishu": [], "邮件 Mail": []}
    )
    refused: int = 0

    def take(self, target: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """One POST to a bot; gives the answer."""
        parts = urlsplit(target)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/robot/send":
            stamp = asked.get("timestamp", "")
            good = _mac(self.ding, f"{stamp}\n{self.ding}") == asked.get("sign")
            return self._answer("errcode", 310000, good, "钉钉 DingTalk", body["text"]["content"])
        key = f"{body.get('timestamp', '')}\n{self.feishu}"
        good = _mac(key, "") == body.get("sign")
        return self._answer("code", 19021, good, "飞书 Feishu", body["content"]["text"])

    def _answer(self, code: str, refusal: int, good: bool, place: str, text: str) -> dict[str, Any]:
        if not good:
            self.refused += 1
            return {code: refusal}
        self.texts[place].append(text)
        return {code: 0}

    def read_mail(self, data: bytes) -> None:
        """One mail."""
        mail = message_from_bytes(data, policy=default)
        body = mail.get_body(("plain",))
        text = body.get_content() if body is not None else ""
        self.texts["邮件 Mail"].append(f"{mail['subject']}\n{text}")

    def wait(self) -> None:
        """Until each has got something."""
        ends_at = time.monotonic() + WAIT_SECONDS
        while not all(self.texts.values()) and time.monotonic() < ends_at:
            time.sleep(0.2)


def _mac(key: str, text: str) -> str:
    return base64.b64encode(hmac.digest(key.encode(), text.encode(), hashlib.sha256)).decode()


@contextmanager
def reading() -> Generator[tuple[Arrived, str, int]]:
    """All three up; gives what arrives, the bots' base and the mail server's port."""
    arrived = Arrived()
    bots = ThreadingHTTPServer(("127.0.0.1", 0), _bot_handler(arrived))
    mails = _Mails(("127.0.0.1", 0), _mail_handler(arrived))
    for server in (bots, mails):
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield arrived, f"http://127.0.0.1:{bots.server_address[1]}", int(mails.server_address[1])
    finally:
        for server in (bots, mails):
            server.shutdown()
            server.server_close()


def add_config(config: Path, arrived: Arrived, base: str, port: int) -> None:
    """Name the three to the daemon, behind what its configuration says already."""
    text = _CONFIG.format(
        token=arrived.token, ding=arrived.ding, feishu=arrived.feishu, base=base, port=port
    )
    with config.open("a", encoding="utf-8") as file:
        file.write(text)


def show(console: Console, arrived: Arrived) -> None:
    """Print the newest news that each has got, as it is read there; the rest is counted."""
    for place, texts in arrived.texts.items():
        console.print(f"{place}: {len(texts)} 条消息 / messages", style="bold", highlight=False)
        lines = texts[0].splitlines() if texts else []
        for line in lines[:SHOWN_LINES]:
            console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
        if len(lines) > SHOWN_LINES:
            console.print("  …", highlight=False)


def _bot_handler(arrived: Arrived) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """Read, check and answer."""
            size = min(int(self.headers.get("content-length", "0")), BODY_LIMIT)
            answer = json.dumps(arrived.take(self.path, json.loads(self.rfile.read(size)))).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


class _Mails(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


def _mail_handler(arrived: Arrived) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        """As much of RFC 5321 as a mail needs."""

        timeout = 30.0

        def handle(self) -> None:
            self._say("220 demo")
            while line := self.rfile.readline(4_096):
                verb = line[:4].upper()
                if verb == b"DATA":
                    self._say("354 go on")
                    arrived.read_mail(self._data())
                self._say("221 bye" if verb == b"QUIT" else "250 ok")
                if verb == b"QUIT":
                    return

        def _data(self) -> bytes:
            lines: list[bytes] = []
            while (line := self.rfile.readline(BODY_LIMIT)) not in (b".\r\n", b""):
                lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
            return b"".join(lines)

        def _say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    return Handler
