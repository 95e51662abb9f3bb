"""How much money each user has: what moves it, and what is refused for want of it.

The balances that the merchant sees and the shares in an order's money; the merchant's own account
and what lies with the channels is not kept.
"""

from service.sandbox.records import User
from service.sandbox.refusal import Refusal
from service.sandbox.truth import Truth

BALANCE = "balance"


def opened(user: User, param: str = "user") -> User:
    """The user, if the account that money can lie on is open (L1112, L1541)."""
    if user.disabled or not user.identified:
        raise Refusal(400, f"用户 {user.id} 未开户或已停用", code="user_not_opened", param=param)
    return user


def covers(user: User, amount: int) -> bool:
    """Whether the user can spend so much."""
    return amount <= min(user.available_balance, user.withdrawable_balance)


def check(user: User, amount: int, param: str = "amount") -> None:
    """Refuse what the balance does not cover."""
    if not covers(user, amount):
        message = f"余额不足：{user.id}"
        raise Refusal(402, message, type="channel_error", code="insufficient_balance", param=param)


def credit(truth: Truth, user: User, amount: int) -> None:
    """Give the user money, or with a negative amount take it: both balances move."""
    truth.change(
        user,
        available_balance=user.available_balance + amount,
        withdrawable_balance=user.withdrawable_balance + amount,
    )


def debit(truth: Truth, user: User, amount: int, param: str = "amount") -> None:
    """Take money that must be there."""
    check(user, amount, param)
    credit(truth, user, -amount)
