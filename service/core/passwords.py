"""Which passwords are good enough? Length counts, not capitals and signs; no common ones."""

import unicodedata
from collections.abc import Iterable, Iterator

from service.core.common_passwords import COMMON

LETTERS_LEAST = 12
BYTES_LIMIT = 1_024
# of what is left when common words are taken for three letters each
STRENGTH_LEAST = 10
DISTINCT_LEAST = 5
_WORD_LEAST = 4
_RUN_LEAST = 3
_OURSELVES = ("pingledger", "pingplusplus", "pingxx", "ledger", "console", "administrator")
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_RUNS = (*_ROWS, *(row[::-1] for row in _ROWS))
_LEET = str.maketrans("0134578@$!", "oieastbasi")


def normal(password: str) -> str:
    """One text for what looks the same however it was typed (NFC)."""
    return unicodedata.normalize("NFC", password)


def is_too_long(password: str) -> bool:
    """Whether it is more than anybody types: such a one is never hashed."""
    return len(password.encode("utf-8", "surrogatepass")) > BYTES_LIMIT


def weakness(password: str, context: Iterable[str] = ()) -> str | None:
    """Why it will not do, in a word: long, short, odd, same, common; None when it is good.

    context: words that somebody would guess of this person, such as the name.
    """
    if is_too_long(password):
        return "long"
    text = normal(password)
    if len(text) < LETTERS_LEAST:
        return "short"
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
        return "odd"
    folded = text.casefold()
    if len(set(folded)) < DISTINCT_LEAST:
        return "same"
    words = COMMON | {
        word.casefold() for word in (*_OURSELVES, *context) if len(word) >= _WORD_LEAST
    }
    texts = (folded, folded.translate(_LEET))
    return "common" if min(_strength(each, words) for each in texts) < STRENGTH_LEAST else None


def _strength(text: str, words: frozenset[str]) -> int:
    pieces = list(_pieces(text, words))
    words_told = {piece for piece in pieces if len(piece) > 1}
    return 3 * len(words_told) + sum(len(piece) == 1 for piece in pieces)


def _pieces(text: str, words: frozenset[str]) -> Iterator[str]:
    """Common words and runs along the keyboard whole; the rest letter by letter."""
    longest = max(map(len, words))
    start = 0
    while start < len(text):
        size = max(_word_at(text, start, words, longest), _run_at(text, start), 1)
        yield text[start : start + size]
        start += size


def _word_at(text: str, start: int, words: frozenset[str], longest: int) -> int:
    sizes = range(min(longest, len(text) - start), _WORD_LEAST - 1, -1)
    return next((size for size in sizes if text[start : start + size] in words), 0)


def _run_at(text: str, start: int) -> int:
    """How many letters from here follow each other in a row of the keyboard, or are the same."""
    same = 1
    while start + same < len(text) and text[start + same] == text[start]:
        same += 1
    best = same
    for row in _RUNS:
        size = 1
        while start + size < len(text) and text[start : start + size + 1] in row:
            size += 1
        best = max(best, size)
    return best if best >= _RUN_LEAST else 1
