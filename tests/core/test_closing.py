"""The two hashes of a closing are those of the page that defines them; a posting is in one day."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.closing import Assignment, Entry, Mark, line

DOCS = Path(__file__).resolve().parents[2] / "docs"
ODD = "".join(map(chr, range(0x120))) + "\u2028中文😀"


@pytest.mark.parametrize("page", ["closing.md", "closing.zh-CN.md"])
def test_the_page_shows_lines_and_their_digest(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    (shown,) = re.findall(r"```\n(\[1,.*?)```", text, re.DOTALL)
    made = b"".join(line(Entry(*json.loads(each))) for each in shown.splitlines())
    assert made == shown.encode()
    assert hashlib.sha256(made).hexdigest() in text


def test_a_line_is_what_any_other_program_writes() -> None:
    entry = Entry(7, "shop", "order", ODD, 1, 1, "orders", ODD, 5, "cny", None, None, 1, 2, None)
    other = json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n"
    assert line(entry) == other.encode()


steps = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=6)


@given(steps, st.integers(0, 60), st.integers(0, 60))
def test_a_posting_is_in_the_first_day_that_takes_it(
    grown: list[tuple[int, int]], number: int, happened: int
) -> None:
    marks = [Mark(0, 0)]
    for more, longer in grown:
        marks.append(Mark(marks[-1].cut + more, marks[-1].ends_at + longer))
    takes = [number <= one.cut and happened < one.ends_at for one in marks]
    first = takes.index(True) if True in takes else len(marks)
    assert Assignment(marks).place(number, happened) == first
