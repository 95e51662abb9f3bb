"""Which passwords are refused, and is it quick to say?"""

import pytest

from service.core.passwords import weakness


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("kurz", "short"),
        ("elf-letters", "short"),
        ("x9" * 513, "long"),
        ("密" * 342, "long"),
        ("aaaaaaaaaaaaaa", "same"),
        ("abcabcabcabcabc", "same"),
        ("with-a-\0-nul-in-it", "odd"),
        ("password1234", "common"),
        ("P@ssw0rd1234!", "common"),
        ("Welcome2026!!", "common"),
        ("qwertyuiop12345", "common"),
        ("1q2w3e4r5t6y", "common"),
        ("summer2026summer", "common"),
        ("administrator1", "common"),
        ("pingledger2026", "common"),
        ("Xiaoming-Wang-1", "common"),
        ("correct horse battery staple", None),
        ("purple monkey dishwasher", None),
        ("k3jd-9sla-22mx", None),
        ("我的密码是很长的一句话啊对", None),
    ],
)
def test_length_counts_and_what_everybody_tries_does_not(password: str, why: str | None) -> None:
    assert weakness(password, ("xiaoming-wang",)) == why


def test_one_text_however_it_was_typed() -> None:
    assert weakness("cafe\u0301-12345") == weakness("caf\u00e9-12345")
