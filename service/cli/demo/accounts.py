"""How the merchant's people get accounts: persons a wallet with money, sub-merchants a bank."""

from typing import Any

from service.cli.demo.desk import APP, WAIT_SECONDS, Desk, Partner, Story
from service.core.observation import user_of
from service.sandbox.cast import papers

_PICTURE = "/9j/4AAQSkZJRgABAgEAA"
_CARD = "6214850213609784"
_PERSON_ENDS = ("succeeded", "failed")
_MERCHANT_ENDS = ("completed", "failed")
# nobody's: its check digit does not fit
_CERT_NUMBER = "110101190001010000"
_RETURN = {"return_url": "https://merchant.example"}
_DEPOSIT_FEN = (100_000, 400_000)
_TRIES = 4
# What moves within some seconds of the first look may be in it: a missing fen could hide there.
_SAVING_SECONDS = 10.0


def open_wallet(desk: Desk, user: str) -> Story:
    """A new person, approved, with some money in the wallet."""
    yield from _approved(desk, user)
    desk.do("user.settle_accounts", app_id=APP, user_id=user, **_RETURN)
    desk.wallets.append(user)
    for _ in range(_TRIES):
        deposit(desk, user)
        yield desk.chance.uniform(0.5, 3.0)


def open_savings(desk: Desk, user: str) -> Story:
    """A new person who puts money in long after the wallet was first looked at, and leaves it."""
    yield from _approved(desk, user)
    yield _SAVING_SECONDS
    look = {"app_id": APP, "user_id": user}
    while not desk.ask("user.retrieve", **look).get("available_balance"):
        deposit(desk, user)
        yield 2 * WAIT_SECONDS
    desk.savings.append(user)


def _approved(desk: Desk, user: str) -> Story:
    desk.do("user.create", app_id=APP, id=user)
    desk.tell("user", user_of(APP, user))
    for _ in range(_TRIES):
        asked: dict[str, Any] = {
            "app_id": APP,
            "user": user,
            "order_no": desk.number("CUS"),
            "cert_type": "1",
            "cert_name": "张三",
            "cert_number": _CERT_NUMBER,
            "mobile": "13000000000",
        }
        made = desk.do("cus_application.create", **asked)
        desk.do("cus_application.create", **asked)  # as after a timeout: the same object (L194)
        desk.tell("cus_application", made["id"])
        look = {"app_id": APP, "cus_id": made["id"]}
        ends = yield from desk.await_status(_PERSON_ENDS, "cus_application.retrieve", **look)
        if ends == "succeeded":
            break


def deposit(desk: Desk, user: str) -> None:
    """Put money in; no event tells of it, and some never use the page."""
    made = desk.do(
        "deposit.create",
        app_id=APP,
        user=user,
        order_no=desk.number("CZ"),
        amount=desk.chance.randrange(*_DEPOSIT_FEN),
        extra=_RETURN,
    )
    desk.tell("deposit", made["id"])


def open_partner(desk: Desk, user: str, kind: str) -> Story:
    """A new sub-merchant with an account and a bank; kind is its application's."""
    desk.do("upload_pic", app_id=APP, pic=_PICTURE)
    desk.do("card_bin", app_id=APP, account=_CARD)
    sub_app = desk.do("sub_app.create", app_id=APP, display_name="简米旗舰店", user={"id": user})
    desk.tell("sub_app", sub_app["id"])
    desk.tell("user", user_of(APP, user))
    for _ in range(_TRIES):
        asked = _papers(kind, user, desk.number("MCH"))
        made = desk.do(f"{kind}.create", app_id=APP, **asked)
        desk.tell(kind, made["id"])
        look = {"app_id": APP, "mch_id": made["id"]}
        ends = yield from desk.await_status(_MERCHANT_ENDS, f"{kind}.retrieve", **look)
        if ends == "completed":
            break
    recipient = {"account": "112233445566", "type": "b2b", "open_bank": "ICBC"}
    bound = desk.do(
        "settle_account.create", app_id=sub_app["id"], channel="bank_account", recipient=recipient
    )
    desk.partners.append(Partner(user, sub_app["id"], bound["id"]))


def _papers(kind: str, user: str, order_no: str) -> dict[str, Any]:
    """What each application asks for (L441-478, L572-593); all of it is made up."""
    asked = papers(user, order_no)
    if kind == "micro_application":
        asked["business_license"] = {"sign_name": "张三", "short_name": "张三小店"}
        asked["legal_person_id_card"]["mobile"] = "13000000000"
        asked["settle_account"]["type"] = "b2c"
        del asked["contact_id_card"]
    return asked
