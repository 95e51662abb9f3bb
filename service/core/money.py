"""How is an amount of minor units written for people?"""


def plain(minor: int) -> str:
    """A decimal with two places and no separators: 1234567 fen are 12345.67."""
    sign = "-" if minor < 0 else ""
    whole, rest = divmod(abs(minor), 100)
    return f"{sign}{whole}.{rest:02d}"


def grouped(minor: int) -> str:
    """The same with a comma after each three digits, for pages: 12,345.67."""
    sign = "-" if minor < 0 else ""
    whole, rest = divmod(abs(minor), 100)
    return f"{sign}{whole:,}.{rest:02d}"
