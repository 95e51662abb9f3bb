"""`pingledger api` sends what was checked, once, and says what became of it."""

import json
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Call
from tests.document import APP, REQUESTS

KEY = "sk_live_canary000000000000"
GOOD: dict[str, dict[str, Any]] = {example.operation: example.values for example in REQUESTS}


class Provider:
    """Answers with one status and body, or not at all; keeps what it was asked."""

    def __init__(self) -> None:
        self.status, self.body, self.hangs_up = 200, b'{"id": "2001", "object": "order"}', False
        self.asked: list[tuple[str, str, bytes]] = []
        self.base = ""

    def says(self, fields: dict[str, Any], status: int = 200) -> None:
        self.status, self.body, self.hangs_up = status, json.dumps(fields).encode(), False


@contextmanager
def listening(provider: Provider) -> Generator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("content-length", "0"))
            provider.asked.append((self.command, self.path, self.rfile.read(length)))
            if provider.hangs_up:
                self.close_connection = True
                return
            self.send_response(provider.status)
            self.send_header("content-length", str(len(provider.body)))
            self.end_headers()
            self.wfile.write(provider.body)

        do_POST = do_PUT = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    provider.base = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    with listening(provider):
        yield provider


@pytest.fixture
def configure(
    folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """One account at the provider, and a ledger."""

    def configuring(base: str, *, more: str = "", apps: str = f'["{APP}"]') -> None:
        monkeypatch.setenv("PINGLEDGER_DATABASE__URL", database_url)
        monkeypatch.setenv("PINGLEDGER_CONFIG", str(folder / "c.toml"))
        (folder / "c.toml").write_text(
            f'[accounts.shop]\napi_key = "{KEY}"\napi_base = "{base}"\napps = {apps}\n'
            f'private_key = "own.pem"\n{more}',
            encoding="utf-8",
        )

    return configuring


@pytest.fixture
def ready(provider: Provider, configure: Callable[..., None]) -> Provider:
    configure(provider.base)
    return provider


def words(operation: str, **more: Any) -> list[str]:
    """The document's example as it is written on a command line."""
    values = {**GOOD[operation], **more}
    return [operation, *(f"{k}:={json.dumps(v, ensure_ascii=False)}" for k, v in values.items())]


def test_the_operations_are_listed_without_anything_being_configured(call: Call) -> None:
    done = call("api", "--json")
    assert done.code == 0
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert {"operation": "order.pay", "money": True}.items() <= rows_by(rows)["order.pay"].items()
    assert call("api").out.startswith("OPERATION")


def rows_by(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["operation"]: row for row in rows}


def test_an_operation_is_described(call: Call) -> None:
    done = call("api", "mch_application.create", "--describe", "--json")
    rows = [json.loads(line) for line in done.out.splitlines()]
    (number,) = [row for row in rows if row["param"] == "business_license.number"]
    assert (number["limits"], number["line"]) == ("15-18", 444)
    assert "L431" in done.err


def test_an_answer_is_shown_masked_or_revealed(call: Call, ready: Provider) -> None:
    ready.says({"id": "u1", "object": "user", "mobile": "13000000000", "name": "张三丰", "n": 1.5})
    shown = call("api", "user.retrieve", "user_id=u1")
    assert shown.code == 0
    assert ready.asked == [("GET", f"/v1/apps/{APP}/users/u1", b"")]
    assert "13000000000" not in shown.out
    assert "三丰" not in shown.out
    assert json.loads(shown.out)["n"] == 1.5
    revealed = call("api", "user.retrieve", "user_id=u1", "--reveal", "--json")
    assert json.loads(revealed.out)["mobile"] == "13000000000"
    assert revealed.out.count("\n") == 1


def test_a_terminal_is_given_nothing_to_act_upon(call: Call, ready: Provider) -> None:
    ready.says({"id": "u1", "description": "\u202e\x9b2J\x1b[2J"})
    assert call("api", "user.retrieve", "user_id=u1", "--reveal").out.isascii()


def test_a_dry_run_sends_nothing_and_shows_no_secret(call: Call, ready: Provider) -> None:
    done = call("api", *words("cus_application.create"), "--dry-run")
    assert done.code == 0
    assert ready.asked == []
    assert done.out.startswith(f"curl -X POST {ready.base}/v1/apps/{APP}/cus_applications \\\n")
    assert "Authorization: Bearer ***" in done.out
    assert "Pingplusplus-Signature: " in done.out
    for secret in (KEY, "420381199206062220", "13000000000", "张三"):
        assert secret not in done.out


def test_a_dry_run_of_what_moves_money_asks_nobody(call: Call, ready: Provider) -> None:
    assert call("api", *words("order.pay"), "--dry-run").code == 0
    assert ready.asked == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("order.pey",), 64, "order.pay"),
        (("nonsense",), 64, "lists them"),
        (("order.retrieve",), 64, "order_id: it is needed"),
        (("order.retrieve", "order_id=../x"), 64, "order_id: only letters"),
        (("order.retrieve", "order_id=1", "more=2"), 64, "more: there is no such one"),
        (("user.retrieve", "app_id=app_other", "user_id=1"), 64, "accounts.shop.apps"),
        (("charge.list", "app.id=app_other"), 64, "accounts.shop.apps"),
        (("order.retrieve", "order_id"), 64, "key=text"),
        (("order.retrieve", "order_id=1", "--account", "nobody"), 64, "known are: shop"),
        (("order.retrieve", "order_id=1", "--all"), 64, "--all is for lists"),
        ((*words("order.pay"),), 64, "say --yes"),
        ((*words("order.create", amount="1.5"), "--yes"), 64, "amount: a whole number"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_sent(
    call: Call, ready: Provider, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = call("api", *arguments)
    assert (done.code, said in done.err) == (code, True), done.err
    assert done.out == ""
    assert ready.asked == []


def test_which_account_is_meant_must_be_known(
    call: Call, provider: Provider, configure: Callable[..., None]
) -> None:
    other = f'[accounts.other]\napi_key = "{KEY}"\n[accounts.mute]\n'
    configure(provider.base, more=other)
    done = call("api", "order.retrieve", "order_id=1")
    assert (done.code, "shop, other" in done.err) == (64, True)
    assert call("api", "order.retrieve", "order_id=1", "--account", "mute").code == 78
    assert call("api", "order.retrieve", "order_id=1", "--account", "shop").code == 0


def test_the_accounts_only_app_need_not_be_said(call: Call, ready: Provider) -> None:
    ready.says({"object": "list", "has_more": False, "data": []})
    assert call("api", "withdrawal.list").code == 0
    assert call("api", "charge.list").code == 0
    assert [path for _, path, _ in ready.asked] == [
        f"/v1/apps/{APP}/withdrawals",
        f"/v1/charges?app%5Bid%5D={APP}",
    ]


def test_all_pages_of_a_list_are_shown(call: Call, ready: Provider) -> None:
    ready.says({"object": "list", "has_more": True, "data": [{"id": "1"}]})
    done = call("api", "order.list", "--all", "--json")
    assert done.code == 0
    assert [path.partition("?")[2] for _, path, _ in ready.asked] == [
        f"app={APP}&page=1&per_page=20",
        f"app={APP}&page=2&per_page=20",
    ]
    assert len(done.out.splitlines()) == 2


def test_a_no_is_told_masked_with_its_code(call: Call, ready: Provider) -> None:
    text = "来自渠道的信息：OPR21040|卡号 6214850213609784 余额不足"
    ready.says({"error": {"type": "channel_error", "code": "channel_x", "message": text}}, 402)
    done = call("api", *words("order.pay"), "--yes")
    assert done.code == 1
    assert "channel_error, code channel_x" in done.err
    assert "OPR21040" in done.err
    assert "6214850213609784" not in done.err


def test_what_was_sent_is_not_repeated_by_a_no(call: Call, ready: Provider) -> None:
    person = {"cert_name": "欧阳娜娜", "cert_number": "11010119900307803X"}
    text = f"{'无' * 280}，欧阳娜娜的证件 11010119900307803X 不符"
    ready.says({"error": {"type": "invalid_request_error", "message": text}}, 400)
    done = call("api", *words("cus_application.create", **person))
    assert done.code == 1
    assert "无无，***的证件 *** 不符" in done.err
    assert not [one for one in ("娜娜", "1101011", "803X") if one in done.err]


def test_a_failures_text_does_not_repeat_another_field(call: Call, ready: Provider) -> None:
    text = "来自渠道的信息：OPR21040|欧阳娜娜未实名"
    ready.says({"id": "11", "cert_name": "欧阳娜娜", "failure_msg": text})
    done = call("api", "user.retrieve", "user_id=u1")
    assert (done.code, "娜娜" in done.out + done.err) == (0, False)
    assert "OPR21040: ***未实名" in done.err


def test_a_refused_key_has_a_code_of_its_own(call: Call, ready: Provider) -> None:
    ready.says({"error": {"type": "invalid_request_error", "message": "no"}}, 401)
    assert call("api", "order.retrieve", "order_id=1").code == 77


def test_a_failure_in_an_answer_is_pointed_at(call: Call, ready: Provider) -> None:
    text = "来自渠道的信息：OPR21040|可分账金额为0，不能进行完结分账"
    ready.says({"id": "68", "object": "allocation_complete", "failure_msg": text})
    done = call("api", *words("allocation_complete.create"), "--yes")
    assert done.code == 0
    assert "it tells of a failure: OPR21040: 可分账金额为0" in done.err


def test_what_has_no_answer_is_not_sent_a_second_time(call: Call, ready: Provider) -> None:
    ready.hangs_up = True
    first = call("api", *words("order_refund.create"), "--yes")
    assert first.code == 74
    assert "order_refund.list" in first.err
    ready.says({"id": "21", "object": "order_refund"})
    second = call("api", *words("order_refund.create"), "--yes")
    assert second.code == 1
    assert "order_refund.list" in second.err
    assert len(ready.asked) == 1
    doubts = call("api", "--doubts", "--json")
    assert json.loads(doubts.out)["operation"] == "order_refund.create"
    # another number is another refund
    other = call("api", *words("order_refund.create", order_no="TK2"), "--yes")
    assert other.code == 0
    third = call("api", *words("order_refund.create"), "--yes", "--again")
    assert third.code == 0
    assert call("api", "--doubts", "--json").out == ""
    assert len(ready.asked) == 3


@pytest.mark.parametrize("status", [400, 402, 404, 429])
def test_a_plain_no_leaves_no_doubt(call: Call, ready: Provider, status: int) -> None:
    ready.says({"error": {"type": "invalid_request_error", "message": "no"}}, status)
    assert call("api", *words("deposit.create"), "--yes").code in (1, 75)
    assert call("api", "--doubts", "--json").out == ""


def test_a_persons_application_is_sent_again_with_its_number(call: Call, ready: Provider) -> None:
    ready.hangs_up = True
    first = call("api", *words("cus_application.create"))
    assert first.code == 74
    assert "L194" in first.err
    ready.says({"id": "11", "object": "cus_application", "status": "succeeded"})
    assert call("api", *words("cus_application.create")).code == 0
    assert len(ready.asked) == 2


def test_what_was_created_is_looked_at_by_the_daemon(call: Call, ready: Provider) -> None:
    ready.says({"id": "2012209207315353603", "object": "order", "app": APP})
    assert call("api", *words("order.create")).code == 0
    ready.says({"error": {"type": "invalid_request_error", "message": "no"}}, 404)
    call("poll")
    assert ready.asked[-1][:2] == ("GET", "/v1/orders/2012209207315353603")


def test_nothing_is_connected_is_no_doubt(
    call: Call, configure: Callable[..., None], port: int
) -> None:
    configure(f"http://127.0.0.1:{port}")
    assert call("api", *words("order.pay"), "--yes").code == 75
    assert call("api", "--doubts", "--json").out == ""


@pytest.mark.parametrize(("answer", "sent"), [("y\n", 1), ("n\n", 0), ("", 0)])
def test_a_person_at_a_terminal_is_asked(
    call: Call,
    ready: Provider,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    sent: int,
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return answer

    monkeypatch.setattr("sys.stdin", Terminal())
    done = call("api", *words("order.pay"))
    assert (done.code, len(ready.asked)) == (0 if sent else 1, sent)
    assert "order.pay moves money of shop (LIVE)" in done.err
