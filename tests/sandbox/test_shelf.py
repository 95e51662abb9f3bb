"""Are objects that the sandbox does not make shown and told as they were put there?"""

from service.core.kinds import KINDS
from service.pingpp.endpoints.operation import READING, Operation, Title, in_path
from service.sandbox.asked import Asked
from service.sandbox.shelf import handlers
from tests.sandbox.conftest import APP, Merchant

ROYALTY = {"id": "421", "object": "charge", "app": APP, "amount": 5, "paid": True}


def test_what_was_put_there_is_answered_as_it_is(merchant: Merchant) -> None:
    put = merchant.call("POST", "/sandbox/put", {"object": ROYALTY, "event": "charge.succeeded"})
    assert put == {"kind": "charge", "id": "421"}
    params = (in_path("app_id", 0), in_path("charge_id", 0))
    row = Operation("x", "GET", ("/x",), Title("", ""), 0, "charge", params, READING)
    answer = handlers([row], own=())["x"]
    asked = Asked("/x", {"app_id": APP, "charge_id": "421"}, {}, {}, merchant.clock.now)
    assert answer(merchant.box, asked) == ROYALTY
    events = merchant.call("GET", "/v1/events")["data"]
    assert events[0]["data"]["object"] == ROYALTY
    assert merchant.truth()["421"]["kind"] == KINDS["charge"].name


def test_what_has_no_kind_or_no_id_is_refused(merchant: Merchant) -> None:
    for shown in ({"id": "1", "object": "dragon"}, {"object": "charge"}, {}):
        assert merchant.refused("POST", "/sandbox/put", {"object": shown}) == (400, "object")
    assert merchant.box.shelf == {}
