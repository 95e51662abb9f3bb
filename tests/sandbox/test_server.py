"""Does a served sandbox keep its own time, and do its events arrive over real sockets?"""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest

from service.sandbox.app import Terms
from service.sandbox.server import serving
from service.sandbox.truth import Pace
from tests.sandbox.conftest import API_KEY, KEY, verify

HASTE = Pace(shortest=0.1, longest=0.2, declined=0.0)


class Receiver(ThreadingHTTPServer):
    """Keeps (signature, body) of every POST; refuses the first."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[tuple[str, bytes]] = []
        self.posts = 0


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver = self.server
        assert isinstance(receiver, Receiver)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver.posts += 1
        if receiver.posts == 1:
            self.send_error(500)
            return
        receiver.heard.append((self.headers["X-Pingplusplus-Signature"], body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_order_is_paid_by_itself_and_its_events_arrive(receiver: Receiver) -> None:
    url = f"http://127.0.0.1:{receiver.server_port}/webhooks/main"
    terms = Terms(KEY, API_KEY, webhook_url=url, pace=HASTE)
    headers = {"Authorization": f"Bearer {API_KEY}"}
    order = {
        "app": "app_1",
        "merchant_order_no": "n1",
        "amount": 5,
        "currency": "cny",
        "client_ip": "127.0.0.1",
        "subject": "旺仔牛奶",
        "body": "旺仔商城",
    }
    with serving(terms) as base, httpx2.Client(base_url=base, headers=headers) as client:
        made = client.post("/v1/orders", json=order).json()
        client.post(
            f"/v1/orders/{made['id']}/pay", json={"charge_amount": 5, "channel": "yeepay_wx_pub"}
        )
        for _ in range(200):
            if client.get("/sandbox/stats").json()["events"] == 2:
                break
            threading.Event().wait(0.02)
        assert client.post("/sandbox/flush", json={"seconds": 10}).json()["done"]
        sent = client.get("/sandbox/stats").json()["sends"]
    assert sent == {"tried": 3, "retried": 1, "accepted": 2}
    for signature, body in receiver.heard:
        verify(KEY.public_key(), signature, body)
