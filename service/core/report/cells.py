"""How does a value become text that a spreadsheet neither runs nor mangles?"""

import re

# What a program would read as the beginning of a formula, full-width forms too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
# Control characters, and those that turn the direction of what follows.
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
_NUMBER_LIKE = re.compile(r"[0-9.,+\-/:eE ]+")


def harmless(text: str) -> str:
    """The text on one line, without anything that cannot be seen."""
    return _INVISIBLE.sub("�", text) if not text.isprintable() else text


def guarded(text: str) -> str:
    """A text that no program runs: one that begins like a formula gets an apostrophe in front."""
    first = text.lstrip(" ")[:1]
    kept = harmless(text)
    return f"'{kept}" if first in _FORMULA and first else kept


def guarded_id(text: str) -> str:
    """An id that stays text: digits get a trailing tab, as Alipay's bills have it."""
    kept = guarded(text)
    return f"{kept}\t" if _NUMBER_LIKE.fullmatch(kept) else kept
