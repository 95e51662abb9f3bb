"""Which ids new objects get: digits by kind and day, as the API document's samples have them."""

from collections import Counter
from datetime import datetime, timedelta, timezone
from random import Random

_CHINA = timezone(timedelta(hours=8))
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_REQUEST_LENGTH = 24
_WORD_LENGTH = 16

# Prefix by kind, and whether the id has 24 digits or 19 (L1199, L1300, L1437, L813, L1588, L1785,
# L242, L501, L663, L735).
_SHORT = {
    "order": "201",
    "withdrawal": "171",
    "allocation_complete": "681",
    "person_application": "111",
    "application": "121",
    "deposit": "601",
}
_LONG = {
    "charge": "ch_101",
    "refund": "re_111",
    "order_refund": "211",
    "allocation": "371",
    "event": "evt_400",
    "transaction": "1013",
    "settle_account": "320",
}


class Ids:
    """Draws ids; the same chance and the same calls give the same ids."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._drawn: Counter[str] = Counter()

    def draw(self, kind: str, now: datetime) -> str:
        """Draw a new id: 19 digits for the kinds of `_SHORT`, else 24."""
        self._drawn[kind] += 1
        count = self._drawn[kind]
        local = now.astimezone(_CHINA)
        if kind in _SHORT:
            return f"{_SHORT[kind]}{local:%y%m%d}{count:08d}03"
        seconds = local.hour * 3600 + local.minute * 60 + local.second
        return f"{_LONG[kind]}{local:%y%m%d}{seconds:05d}{count:08d}03"

    def request(self) -> str:
        """Draw the id of an API request, as an event's `request` names it."""
        return "iar_" + "".join(self._chance.choices(_ALPHABET, k=_REQUEST_LENGTH))

    def word(self) -> str:
        """Draw what follows app_ and acct_ (L368, L372)."""
        return "".join(self._chance.choices(_ALPHABET, k=_WORD_LENGTH))

    def digits(self, length: int) -> str:
        """Draw a number of the channel's."""
        return "".join(self._chance.choices("0123456789", k=length))

    def token(self, length: int = 32) -> str:
        """Draw a credential's token; opaque to everyone (facts §7 row 37)."""
        return "".join(self._chance.choices("0123456789abcdef", k=length))
