"""How a list of the provider is walked to its end, which its `has_more` alone does not promise."""

from collections.abc import Callable, Iterator

from service.pingpp.answers import Answer
from service.pingpp.reader import Page

PAGES_LIMIT = 100

# Asks for page `number` (from 1), which follows the item with this id.
AskPage = Callable[[int, str | None], Answer]


def walk(ask: AskPage, read: Callable[[Answer], Page], *, paging: str) -> Iterator[Page]:
    """Page after page, at most a hundred, until none follows or one brings no new id (A24, F30).

    Raises what asking and reading raise. That a list lacks an object proves nothing (A25).
    """
    known: set[str] = set()
    after: str | None = None
    for number in range(1, PAGES_LIMIT + 1):
        page = read(ask(number, after))
        yield page
        # items that could not be read have no id to go on from, but a numbered page goes on
        is_new = not known.issuperset(page.ids) or (page.unread > 0 and paging == "B")
        if not page.has_more or not is_new:
            return
        known.update(page.ids)
        after = page.ids[-1] if page.ids else after
