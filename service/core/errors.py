"""What can go wrong, told apart by what the caller should do next."""

from datetime import timedelta


class PingledgerError(Exception):
    """The root of every error that pingledger raises on purpose."""


class TryLater(PingledgerError):
    """It did not work now and may work later; `after` is the least wait, when one is known."""

    def __init__(self, message: str, *, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = after


class Raced(TryLater):
    """Another transaction was first; the same work, done again at once, sees what it did."""


class GiveUp(PingledgerError):
    """It will not work, however often it is tried."""


class Misconfigured(PingledgerError):
    """A setting is wrong: nothing starts. `key` is its dotted name; a value is never shown."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}" if key else message)
        self.key = key


class Unreadable(PingledgerError):
    """Bytes that cannot be understood; `cause` is a short fixed word, safe to count and to show."""

    def __init__(self, cause: str, detail: str = "") -> None:
        super().__init__(f"{cause}: {detail}" if detail else cause)
        self.cause = cause


class Unwritable(PingledgerError):
    """A file that was asked for cannot be written: no such folder, no right, no room."""
