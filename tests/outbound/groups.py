"""DingTalk, Feishu, WeCom, Slack and PagerDuty on loopback: they check what the real ones check.

Written from what the services document, apart from the code that is tested.
"""

import base64
import hashlib
import hmac
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.outbound.receiver import Receiver, Taken

TOKEN = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
DING_SECRET = "SEC0a1b2c3d4e5f6071829300112233445566778899aabbccddeeff0011223344ab"
FEISHU_SECRET = "s3cretOfFeishuBot01234"
SLACK_PATH = "/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7fQ"
ROUTING_KEY = "e93facc04764012d7bfb002500d5d1a6"
HOUR = 3600


@dataclass
class Groups:
    """One server that is all of them, by path; `at` is its time in seconds."""

    at: float
    texts: list[str] = field(default_factory=list[str])
    incidents: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    documents: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    refuses: dict[str, Any] | None = None
    status: int = 200
    server: Receiver = field(default_factory=Receiver)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def start(self) -> None:
        self.server.answer = self._answer
        self.server.start()

    def stop(self) -> None:
        self.server.stop()

    def _answer(self, taken: Taken, peer: socket.socket) -> bool:
        if self.status != 200:
            return _say(peer, {}, self.status)
        if self.refuses is not None:
            return _say(peer, self.refuses)
        parts = urlsplit(taken.target)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body: dict[str, Any] = json.loads(taken.body)
        assert taken.headers["content-type"] == "application/json; charset=utf-8"
        match parts.path.split("/")[1:3]:
            case ["robot", "send"]:
                return _say(peer, self._dingtalk(asked, body))
            case ["open-apis", "bot"]:
                return _say(peer, self._feishu(body))
            case ["cgi-bin", "webhook"]:
                return _say(peer, self._wecom(asked, taken.body, body))
            case ["services", _]:
                return self._slack(parts.path, body, peer)
            case ["v2", "enqueue"]:
                return self._pagerduty(body, peer)
            case _:
                self.documents.append(body)
                return _say(peer, {})

    def _dingtalk(self, asked: Mapping[str, str], body: Mapping[str, Any]) -> dict[str, Any]:
        if asked["access_token"] != TOKEN:
            return {"errcode": 300001, "errmsg": "token is not exist"}
        stamp = asked.get("timestamp", "0")
        mac = hmac.new(DING_SECRET.encode(), f"{stamp}\n{DING_SECRET}".encode(), hashlib.sha256)
        if asked.get("sign") != base64.b64encode(mac.digest()).decode():
            return {"errcode": 310000, "errmsg": "sign not match"}
        if abs(int(stamp) / 1000 - self.at) > HOUR:
            return {"errcode": 310000, "errmsg": "timestamp expired"}
        self.texts.append(body["text"]["content"])
        return {"errcode": 0, "errmsg": "ok"}

    def _feishu(self, body: Mapping[str, Any]) -> dict[str, Any]:
        stamp = body.get("timestamp", "0")
        mac = hmac.new(f"{stamp}\n{FEISHU_SECRET}".encode(), digestmod=hashlib.sha256)
        fresh = abs(int(stamp) - self.at) <= HOUR
        if body.get("sign") != base64.b64encode(mac.digest()).decode() or not fresh:
            return {"code": 19021, "msg": "sign match fail or timestamp is not within one hour"}
        assert body["msg_type"] == "text"
        self.texts.append(body["content"]["text"])
        return {"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": ""}

    def _wecom(
        self, asked: Mapping[str, str], raw: bytes, body: Mapping[str, Any]
    ) -> dict[str, Any]:
        if asked["key"] != TOKEN:
            return {"errcode": 93000, "errmsg": "invalid webhook url"}
        text = body["text"]["content"]
        if len(text.encode()) > 2048:
            return {"errcode": 40058, "errmsg": "text.content exceed max length 2048"}
        self.texts.append(text)
        return {"errcode": 0, "errmsg": "ok"}

    def _slack(self, path: str, body: Mapping[str, Any], peer: socket.socket) -> bool:
        if path != SLACK_PATH:
            return _raw(peer, b"no_service", 404)
        self.texts.append(body["text"])
        return _raw(peer, b"ok", 200)

    def _pagerduty(self, body: Mapping[str, Any], peer: socket.socket) -> bool:
        if body["routing_key"] != ROUTING_KEY:
            return _say(peer, {"status": "invalid event"}, 400)
        if body["event_action"] == "trigger":
            assert set(body["payload"]) == {"summary", "source", "severity"}
            assert body["payload"]["severity"] in ("critical", "error", "warning", "info")
        self.incidents.setdefault(body["dedup_key"], []).append(body["event_action"])
        return _say(peer, {"status": "success", "dedup_key": body["dedup_key"]}, 202)


def _say(peer: socket.socket, document: Mapping[str, Any], status: int = 200) -> bool:
    return _raw(peer, json.dumps(document).encode(), status)


def _raw(peer: socket.socket, data: bytes, status: int) -> bool:
    head = f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(data)}\r\n\r\n"
    peer.sendall(head.encode() + data)
    return True
