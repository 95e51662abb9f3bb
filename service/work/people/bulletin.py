"""How do sections become notes that a service takes: few parts, with every cause in them?"""

from collections.abc import Callable, Sequence

from service.outbound.people.note import Incident, Note
from service.work.people.causes import Line, fold, worst
from service.work.people.listener import Listener
from service.work.people.words import Section, heading, shown, word

PARTS_LIMIT = 4
# what "(2/4)" and the line's end take
_MARGIN = 20


def notes(
    what: str,
    sections: Sequence[Section],
    listener: Listener,
    *,
    more: Sequence[str] = (),
    incidents: Sequence[Incident] = (),
) -> list[Note]:
    """The notes; where they would be too many the accounts are folded, then the sentences go.

    more: lines that stand before everything else. The incidents go with the first part.
    """
    sections = [
        Section(one.name, sorted(one.lines, key=lambda line: line.rank))
        for one in sections
        if one.lines
    ]
    title = heading(what, sections, listener.language)
    room = listener.limit_bytes - len(title.encode()) - _MARGIN
    severity = worst(line for one in sections for line in one.lines)
    parts = _fitting([*more], sections, listener, room)
    return [
        Note(
            what,
            severity,
            title if len(parts) == 1 else f"{title} ({place}/{len(parts)})",
            text,
            tuple(incidents) if place == 1 else (),
        )
        for place, text in enumerate(parts, 1)
    ]


def _fitting(
    more: Sequence[str], sections: Sequence[Section], listener: Listener, room: int
) -> list[str]:
    def keep(lines: Sequence[Line]) -> list[Line]:
        return list(lines)

    parts: list[str] = []
    ways: tuple[tuple[Callable[[Sequence[Line]], list[Line]], bool], ...] = (
        (keep, False), (fold, False), (fold, True),
    )  # fmt: skip
    for folded, terse in ways:
        chosen = [Section(one.name, folded(one.lines)) for one in sections]
        parts = _split([*more, *_lines(chosen, listener, terse=terse)], room)
        if len(parts) <= PARTS_LIMIT:
            break
    return parts


def _lines(sections: Sequence[Section], listener: Listener, *, terse: bool) -> list[str]:
    found: list[str] = []
    for one in sections:
        found.append(f"— {word(one.name, listener.language)} —")
        found += [
            shown(line, one.name, listener.language, listener.link, terse=terse)
            for line in one.lines
        ]
    return found


def _split(lines: Sequence[str], room: int) -> list[str]:
    """Whole lines, as many as there is room for; one that is longer than a part is cut."""
    parts: list[list[str]] = [[]]
    used = 0
    for line in lines:
        text = line.encode()[:room].decode(errors="ignore")
        size = len(text.encode()) + 1
        if parts[-1] and used + size > room:
            parts.append([])
            used = 0
        parts[-1].append(text)
        used += size
    return ["\n".join(part) for part in parts]
