"""What is due is asked for, what comes is applied, what fails waits, and nothing stays silent."""

import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from service.core.observation import Key
from service.ledger import watches
from service.ledger.engine import Ledger
from service.ledger.schema import beliefs, looks, notices
from service.ledger.schema import watches as table
from service.pingpp.access import Host
from service.pingpp.client import Client
from service.work.poll import poll
from service.work.terms import AccountTerms, Terms
from tests import bodies
from tests.provider import Provider, answer

ORDER = bodies.order()
ORDER_ID = str(ORDER["id"])
ORDER_KEY = Key("shop", "order", ORDER_ID)
ORDER_PATH = f"/v1/orders/{ORDER_ID}"
REFUND = bodies.order_refund()
REFUND_KEY = Key("shop", "order_refund", str(REFUND["id"]))
REFUNDED = bodies.order(status="refunded", refunded=True, amount_refunded=300)
TERMS = Terms(accounts={"shop": AccountTerms(apps=frozenset({bodies.APP}))})


@pytest.fixture
def provider(now: datetime) -> Provider:
    return Provider(now)


def ask(ledger: Ledger, *keys: Key, at: datetime, **place: str) -> None:
    with ledger.begin() as connection:
        for key in keys:
            watches.request(connection, key, now=at, place=place)


def run(
    ledger: Ledger, provider: Provider, clients: dict[str, Client] | None = None, **more: Any
) -> Counter[str]:
    clients = clients or {"shop": provider.client()}
    terms = more.pop("terms", TERMS)
    return poll(ledger, clients, terms=terms, clock=provider.clock, chance=lambda: 0.5, **more)


def run_for(
    ledger: Ledger, provider: Provider, clients: dict[str, Client], seconds: float, step: float = 1
) -> Counter[str]:
    """Poll every `step` seconds of fake time."""
    done: Counter[str] = Counter()
    for _ in range(int(seconds / step)):
        done += run(ledger, provider, clients)
        provider.pass_time(step)
    return done


def statuses(ledger: Ledger) -> dict[str, str]:
    with ledger.read() as connection:
        rows = connection.execute(sa.select(beliefs.c.kind, beliefs.c.object_id, beliefs.c.status))
        return {f"{row.kind}/{row.object_id}": row.status for row in rows}


def watch_of(ledger: Ledger, key: Key) -> Any:
    with ledger.read() as connection:
        return connection.execute(
            sa.select(table).where(table.c.kind == key.kind, table.c.object_id == key.object_id)
        ).one()


def told(ledger: Ledger) -> set[tuple[str, str]]:
    with ledger.read() as connection:
        rows = connection.execute(sa.select(notices.c.cause, notices.c.subject))
        return {(row.cause, row.subject) for row in rows}


def logged(ledger: Ledger) -> list[str]:
    with ledger.read() as connection:
        return list(connection.scalars(sa.select(looks.c.answer).order_by(looks.c.id)))


def test_a_due_object_is_asked_for_and_its_answer_believed(
    ledger: Ledger, provider: Provider
) -> None:
    provider.show(ORDER, ORDER_PATH)
    ask(ledger, ORDER_KEY, at=provider.at)
    assert run(ledger, provider) == {"ok": 1}
    assert provider.paths() == [ORDER_PATH]
    assert statuses(ledger)[f"order/{ORDER_ID}"] == "paid"
    watch = watch_of(ledger, ORDER_KEY)
    assert (watch.last_answer, watch.claim_token, watch.failures) == ("ok", None, 0)
    assert watch.next_look_at > provider.at
    assert run(ledger, provider) == {}
    assert logged(ledger) == ["ok"]


def test_an_order_that_says_refunded_is_asked_for_its_refunds(
    ledger: Ledger, provider: Provider
) -> None:
    provider.show(REFUNDED, ORDER_PATH)
    provider.show(bodies.page(REFUND), f"{ORDER_PATH}/refunds")
    ask(ledger, ORDER_KEY, at=provider.at)
    run(ledger, provider)
    assert statuses(ledger)[f"order_refund/{REFUND_KEY.object_id}"] == "succeeded"


def test_the_other_path_of_refunds_is_tried_on_404_and_remembered(
    ledger: Ledger, provider: Provider
) -> None:
    provider.show(REFUNDED, ORDER_PATH)
    provider.show(bodies.page(REFUND), f"{ORDER_PATH}/order_refunds")
    clients = {"shop": provider.client()}
    for _ in range(2):
        ask(ledger, ORDER_KEY, at=provider.at)
        run(ledger, provider, clients)
    tried = [path.rsplit("/", 1)[1] for path in provider.paths()]
    assert tried == [ORDER_ID, "refunds", "order_refunds", ORDER_ID, "order_refunds"]
    assert statuses(ledger)[f"order_refund/{REFUND_KEY.object_id}"] == "succeeded"


def test_a_refund_listed_under_an_order_belongs_to_it_and_to_no_other(
    ledger: Ledger, provider: Provider
) -> None:
    nameless = {name: value for name, value in REFUND.items() if name != "order"}
    other = bodies.order_refund(id="211260101000000000000002", order="2012601010000000099")
    provider.show(REFUNDED, ORDER_PATH)
    provider.show(bodies.page(nameless, other), f"{ORDER_PATH}/refunds")
    ask(ledger, ORDER_KEY, at=provider.at)
    run(ledger, provider)
    assert f"order_refund/{other['id']}" not in statuses(ledger)
    with ledger.read() as connection:
        rows = connection.execute(
            sa.select(beliefs.c.order_id).where(beliefs.c.kind == "order_refund")
        )
        assert [row.order_id for row in rows] == [ORDER_ID]


def test_refunds_that_did_not_come_are_asked_for_again_soon(
    ledger: Ledger, provider: Provider
) -> None:
    provider.show(REFUNDED, ORDER_PATH)
    provider.rules[f"{ORDER_PATH}/refunds"] = lambda _request: answer(503)
    ask(ledger, ORDER_KEY, at=provider.at)
    assert run(ledger, provider) == {"ok": 1}
    assert statuses(ledger)[f"order/{ORDER_ID}"] == "refunded"
    assert watch_of(ledger, ORDER_KEY).next_look_at <= provider.at + timedelta(minutes=5)


@pytest.mark.parametrize("name", ["order_refund", "allocation_refund", "refund", "withdrawal"])
def test_each_kind_is_asked_for_where_its_watch_says(
    ledger: Ledger, provider: Provider, name: str
) -> None:
    body, place, path = {
        "order_refund": (REFUND, {"order_id": ORDER_ID}, f"{ORDER_PATH}/order_refunds"),
        "allocation_refund": (bodies.allocation_refund(), {}, "/v1/allocations"),
        "refund": (bodies.refund(), {"charge_id": "ch_1"}, "/v1/charges/ch_1/refunds"),
        "withdrawal": (bodies.withdrawal(), {}, f"/v1/apps/{bodies.APP}/withdrawals"),
    }[name]
    key = Key("shop", name, str(body["id"]))
    provider.show(body, f"{path}/{key.object_id}")
    ask(ledger, key, at=provider.at, **place)
    assert run(ledger, provider)["ok"] == 1
    assert f"{name}/{key.object_id}" in statuses(ledger)


def without_id(body: bodies.Fields) -> bodies.Fields:
    return {name: value for name, value in body.items() if name != "id"}


BAD_ANSWERS: dict[str, tuple[str, Any]] = {
    "empty": ("malformed", b""),
    "null": ("malformed", b"null"),
    "list": ("malformed", b"[]"),
    "html": ("malformed", b"<html>Please log in</html>"),
    "not utf-8": ("malformed", b'{"id":"\xff"}'),
    "key twice": ("malformed", b'{"id":"1","id":"2"}'),
    "NaN": ("malformed", b'{"amount":NaN}'),
    "long number": ("malformed", b'{"amount":' + b"9" * 5000 + b"}"),
    "deep": ("malformed", b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
    "error under 200": ("malformed", {"error": {"type": "api_error", "message": "no"}}),
    "other id": ("wrong_object", without_id(bodies.order()) | {"id": "2012601010000000099"}),
    "other kind": ("wrong_object", without_id(bodies.charge())),
    "other app": ("wrong_object", without_id(bodies.order(app="app_other"))),
    "other mode": ("wrong_object", without_id(bodies.order(livemode=False))),
    "no amount": ("malformed", without_id(bodies.order(amount=None))),
    "money with a fraction": ("malformed", b'{"object":"order","id":"%s","amount":12.5}'),
}


def test_a_bad_answer_changes_nothing_and_is_told_after_three(
    ledger: Ledger, provider: Provider
) -> None:
    keys = {name: Key("shop", "order", f"20126{n}") for n, name in enumerate(BAD_ANSWERS)}
    for name, key in keys.items():
        provider.show(bad_answer(name, key), f"/v1/orders/{key.object_id}")
    ask(ledger, *keys.values(), at=provider.at)
    expected = {
        (f"look_{word}", f"order/{keys[name].object_id}") for name, (word, _) in BAD_ANSWERS.items()
    }
    clients = {"shop": provider.client()}
    for looked in range(3):
        assert told(ledger) == set()
        assert run(ledger, provider, clients) == Counter(w for w, _ in BAD_ANSWERS.values())
        found = [watch_of(ledger, key) for key in keys.values()]
        assert {(watch.failures, watch.state) for watch in found} == {(looked + 1, "active")}
        provider.at = max(watch.next_look_at for watch in found)
    assert statuses(ledger) == {}
    assert told(ledger) == expected


def bad_answer(name: str, key: Key) -> Any:
    body: Any = BAD_ANSWERS[name][1]
    if isinstance(body, bytes):
        return body.replace(b"%s", key.object_id.encode())
    return {"id": key.object_id, **body} if name.startswith(("other", "no ")) else body


def test_404_is_no_state_and_is_told_when_it_lasts_an_hour(
    ledger: Ledger, provider: Provider
) -> None:
    provider.show(ORDER, ORDER_PATH)
    ask(ledger, ORDER_KEY, at=provider.at)
    clients = {"shop": provider.client()}
    run(ledger, provider, clients)
    provider.bodies.clear()
    ask(ledger, ORDER_KEY, at=provider.at)
    run_for(ledger, provider, clients, 3000, step=30)
    assert len([word for word in logged(ledger) if word == "http_404"]) > 3
    assert told(ledger) == set()
    run_for(ledger, provider, clients, 3600, step=30)
    assert told(ledger) == {("look_http_404", f"order/{ORDER_ID}")}
    assert statuses(ledger)[f"order/{ORDER_ID}"] == "paid"
    assert watch_of(ledger, ORDER_KEY).state == "active"


def test_an_object_whose_place_is_not_known_is_told(ledger: Ledger, provider: Provider) -> None:
    ask(ledger, REFUND_KEY, at=provider.at)
    run_for(ledger, provider, {"shop": provider.client()}, 600, step=10)
    assert provider.asked == []
    assert ("look_unaskable", f"order_refund/{REFUND_KEY.object_id}") in told(ledger)


def test_a_refused_key_costs_three_requests_in_ten_minutes_and_is_told(
    ledger: Ledger, provider: Provider
) -> None:
    provider.rules["shop"] = lambda _request: answer(401)
    ask(ledger, *(Key("shop", "order", f"20126{n}") for n in range(50)), at=provider.at)
    run_for(ledger, provider, {"shop": provider.client()}, 600)
    assert len(provider.asked) <= 3
    assert ("unauthorised", provider.at.date().isoformat()) in told(ledger)


def test_an_hour_without_an_answer_costs_few_requests_and_is_told(
    ledger: Ledger, provider: Provider
) -> None:
    provider.rules["shop"] = lambda _request: answer(503)
    ask(ledger, *(Key("shop", "order", f"20126{n}") for n in range(50)), at=provider.at)
    clients = {"shop": provider.client()}
    run_for(ledger, provider, clients, 3600, step=5)
    assert 10 <= len(provider.asked) <= 60
    assert ("api_away", provider.at.date().isoformat()) in told(ledger)
    provider.rules.clear()
    provider.show(ORDER, ORDER_PATH)
    ask(ledger, ORDER_KEY, at=provider.at)
    run_for(ledger, provider, clients, 2400, step=5)
    assert f"order/{ORDER_ID}" in statuses(ledger)


def test_a_limit_slows_the_account_and_ends(ledger: Ledger, provider: Provider) -> None:
    keys = [Key("shop", "order", f"20126{n}") for n in range(40)]
    for key in keys:
        provider.show(bodies.order(id=key.object_id, charges=None), f"/v1/orders/{key.object_id}")
    provider.rules["shop"] = lambda _request: answer(429, retry_after="20")
    ask(ledger, *keys, at=provider.at)
    clients = {"shop": provider.client()}
    run_for(ledger, provider, clients, 60)
    assert len(provider.asked) <= 12
    provider.rules.clear()
    run_for(ledger, provider, clients, 120)
    assert len(statuses(ledger)) == len(keys)


def test_one_account_in_trouble_keeps_no_other_waiting(ledger: Ledger, provider: Provider) -> None:
    hanging, released = Key("slow", "order", "1"), threading.Event()

    def hang(_request: httpx2.Request) -> httpx2.Response:
        assert released.wait(30)
        raise httpx2.ReadTimeout("no")

    def release(_request: httpx2.Request) -> httpx2.Response:
        if len([1 for account, _ in provider.asked if account == "shop"]) == 20:
            released.set()
        return answer(200, bodies.order(id=_request.url.path.rsplit("/", 1)[1], charges=None))

    provider.rules |= {"slow": hang, "refused": lambda _request: answer(401), "shop": release}
    keys = [Key("shop", "order", f"20126{n}") for n in range(20)]
    ask(ledger, hanging, Key("refused", "order", "2"), *keys, at=provider.at)
    clients = {name: provider.client(name, host=Host()) for name in ("slow", "refused", "shop")}
    assert run(ledger, provider, clients) == {"timeout": 1, "unauthorised": 1, "ok": 20}


def test_a_worker_that_lost_its_lease_changes_no_plan(ledger: Ledger, provider: Provider) -> None:
    def overtaken(_request: httpx2.Request) -> httpx2.Response:
        later = provider.at + timedelta(seconds=61)
        with ledger.begin() as connection:
            assert len(watches.claim(connection, {"shop": 1}, lease=LEASE, now=later)) == 1
        return answer(503)

    provider.rules["shop"] = overtaken
    ask(ledger, ORDER_KEY, at=provider.at)
    run(ledger, provider)
    watch = watch_of(ledger, ORDER_KEY)
    assert (watch.failures, watch.next_look_at) == (0, provider.at)
    assert watch.claim_token is not None


LEASE = timedelta(seconds=60)


def test_one_poison_answer_stops_no_other(ledger: Ledger, provider: Provider) -> None:
    ask(ledger, ORDER_KEY, Key("shop", "nonsense", "1"), at=provider.at)
    provider.show(ORDER, ORDER_PATH)
    assert run(ledger, provider) == {"ok": 1, "unaskable": 1}


def test_a_round_takes_up_no_more_than_its_limit(ledger: Ledger, provider: Provider) -> None:
    ask(ledger, *(Key("shop", "order", f"20126{n}") for n in range(20)), at=provider.at)
    assert run(ledger, provider, limit=5).total() == 5


def test_a_round_that_shall_stop_takes_up_nothing(ledger: Ledger, provider: Provider) -> None:
    ask(ledger, ORDER_KEY, at=provider.at)
    stop = threading.Event()
    stop.set()
    assert run(ledger, provider, stop=stop) == {}
    assert provider.asked == []


def test_clocks_that_do_not_agree_are_told(ledger: Ledger, provider: Provider) -> None:
    provider.rules["shop"] = lambda _request: answer(
        200, ORDER, date="Mon, 23 Nov 2026 11:00:00 GMT"
    )
    ask(ledger, ORDER_KEY, at=provider.at)
    run(ledger, provider)
    assert ("clock_skew", "2026-11-23") in told(ledger)
