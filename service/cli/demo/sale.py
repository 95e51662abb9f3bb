"""What does Ping++ say of one sale of the demo's shop: the order, and all that follows from it?"""

from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from service.core.observation import Key

Fields = dict[str, Any]

SHOP_APP = "app_Sh0pSh0pSh0pSh0p"
USERS = ("cus_101", "cus_102", "cus_103")


@dataclass(slots=True)
class Sale:
    """One order as the provider knows it."""

    number: int
    at: datetime
    amount: int
    channel: str
    subject: str
    refunded: int = 0
    wrong: int = 0

    @property
    def id(self) -> str:
        """The order's id."""
        return f"2008{self.number:015d}"

    @property
    def charge(self) -> str:
        """The id of its one charge."""
        return f"ch_{self.number:024d}"

    def wire(self) -> Fields:
        """The order with its one charge."""
        stamp = int(self.at.timestamp())
        return {
            "id": self.id,
            "object": "order",
            "created": stamp,
            "livemode": True,
            "paid": not self.refunded,
            "refunded": bool(self.refunded),
            "status": "refunded" if self.refunded else "paid",
            "app": SHOP_APP,
            "receipt_app": SHOP_APP,
            "uid": USERS[self.number % len(USERS)],
            "merchant_order_no": f"SP{self.number:010d}",
            "amount": self.amount,
            "amount_paid": self.amount - self.wrong,
            "amount_refunded": self.refunded,
            "currency": "cny",
            "subject": self.subject,
            "body": "演示商店",
            "client_ip": "192.0.2.1",
            "time_paid": stamp + 3,
            "time_expire": stamp + 7_200,
            "metadata": {},
            "charges": {"object": "list", "has_more": False, "data": [self._charge(stamp)]},
        }

    def _charge(self, stamp: int) -> Fields:
        return {
            "id": self.charge,
            "object": "charge",
            "created": stamp + 1,
            "livemode": True,
            "paid": True,
            "refunded": bool(self.refunded),
            "reversed": False,
            "app": SHOP_APP,
            "channel": self.channel,
            "order_no": f"SP{self.number:010d}",
            "client_ip": "192.0.2.1",
            "amount": self.amount,
            "amount_settle": self.amount - self.amount * 6 // 1_000,
            "currency": "cny",
            "subject": self.subject,
            "body": "演示商店",
            "extra": {"open_id": "o" * 28},
            "time_paid": stamp + 3,
            "time_expire": stamp + 7_200,
            "transaction_no": f"4200002{self.number:021d}",
            "refunds": None,
            "amount_refunded": self.refunded,
            "failure_code": None,
            "failure_msg": None,
            "metadata": {},
            "credential": {},
        }

    def refund(self, at: datetime, amount: int) -> Fields:
        """The order refund that gave it back."""
        return {
            "id": f"2118{self.number:015d}",
            "object": "order_refund",
            "app": SHOP_APP,
            "created": int(at.timestamp()),
            "livemode": True,
            "order_no": f"TK{self.number:010d}",
            "amount": amount,
            "channel": self.channel,
            "order": self.id,
            "charge": self.charge,
            "status": "success",
            "time_succeeded": int(at.timestamp()),
            "description": "退款",
            "extra": {},
            "metadata": {},
        }

    def share(self, at: datetime, account: str, chance: Random) -> tuple[datetime, Key, Fields]:
        """The allocation of its money, as our own question shows it."""
        user, amount = chance.choice(USERS), self.amount * 6 // 10
        fields = self._allocation(at, amount) | {
            "status": "succeed",
            "time_succeeded": int(at.timestamp()),
            "recipients": [_part(user, amount, "succeeded")],
        }
        return at, Key(account, "allocation", str(fields["id"])), fields

    def complete(self, at: datetime, account: str) -> tuple[datetime, Key, Fields]:
        """That nothing more of the order is shared."""
        fields: Fields = {
            "id": f"3720{self.number:015d}",
            "object": "allocation_complete",
            "livemode": True,
            "app": SHOP_APP,
            "order_no": f"FW{self.number:010d}",
            "order": self.id,
            "created": int(at.timestamp()),
            "time_succeeded": int(at.timestamp()),
            "status": "succeed",
            "metadata": {},
        }
        return at, Key(account, "allocation_complete", str(fields["id"])), fields

    def stuck(self, at: datetime, account: str) -> tuple[datetime, Key, Fields]:
        """Another one, that does not come to its end."""
        fields = self._allocation(at, 100) | {
            "id": f"3719{self.number:015d}",
            "order_no": f"FY{self.number:010d}",
            "status": "processing",
            "recipients": [_part(USERS[0], 100, "created")],
        }
        return at, Key(account, "allocation", str(fields["id"])), fields

    def _allocation(self, at: datetime, amount: int) -> Fields:
        return {
            "id": f"3718{self.number:015d}",
            "object": "allocation",
            "livemode": True,
            "app": SHOP_APP,
            "order_no": f"FZ{self.number:010d}",
            "senders": [],
            "order": self.id,
            "created": int(at.timestamp()),
            "time_succeeded": None,
            "metadata": {},
            "type": "allocation",
            "amount": amount,
            "extra": {"charge": {"id": self.charge}},
        }


def _part(user: str, amount: int, status: str) -> Fields:
    return {"user": user, "amount": amount, "status": status, "failure_msg": None}
