"""Which pictures does the server draw? SVG without styles or scripts; the sheet colours it."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT = 720, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 8, 10, 22
# lines across, besides the ground
_STEPS = 3

# "%" escapes as `format` does, in half the time: a page has a hundred of them
_GROUP = Markup("<g><title>%s</title>%s%s%s</g>")
_FIELD = Markup('<rect class="field" x="%s" y="%s" width="%s" height="%s"/>')
_BAR = Markup('<rect class="bar %s" x="%s" y="%s" width="%s" height="%s" rx="1.5"/>')
_MARK = Markup('<line class="mark" x1="%s" x2="%s" y1="%s" y2="%s"/>')
_LABEL = Markup('<text class="tick" x="%s" y="%s" text-anchor="middle">%s</text>')


@dataclass(frozen=True, slots=True)
class Stack:
    """One column: a label below it, what it says when it is pointed at, and its parts upwards.

    parts: (class of the sheet, height); mark: a line across the column, such as a former value.
    """

    label: str
    title: str
    parts: Sequence[tuple[str, int]]
    mark: int | None = None


def columns(
    stacks: Sequence[Stack], *, name: str, about: str, top_text: Sequence[str], top: int
) -> Markup:
    """Columns side by side. top_text: how the lines across are labelled, the highest last."""
    inside = WIDTH - _LEFT - _RIGHT
    step = inside / max(len(stacks), 1)
    shapes = [_line_across(place, len(top_text), text) for place, text in enumerate(top_text, 1)]
    shapes += [_column(one, _LEFT + step * n, step, top) for n, one in enumerate(stacks)]
    ground = HEIGHT - _BOTTOM
    return Markup(
        '<svg class="chart" viewBox="0 0 {w} {h}" role="img" aria-label="{name}: {about}">'
        '{shapes}<line class="ground" x1="{left}" x2="{right}" y1="{ground}" y2="{ground}"/></svg>'
    ).format(
        w=WIDTH,
        h=HEIGHT,
        name=name,
        about=about,
        shapes=Markup("").join(shapes),
        left=_LEFT,
        right=WIDTH - _RIGHT,
        ground=ground,
    )


def nice_top(most: int) -> int:
    """The least of 1.5, 3, 6, 9 … times a power of ten that is not below: it divides by three."""
    power = 3
    while True:
        for factor in (1, 2, 3, 5):
            if power * factor >= most:
                return power * factor
        power *= 10


def steps_of(top: int) -> list[int]:
    """The values of the lines across."""
    return [top * n // _STEPS for n in range(1, _STEPS + 1)]


def _y(value: int, top: int) -> float:
    return HEIGHT - _BOTTOM - (HEIGHT - _BOTTOM - _TOP) * min(value, top) / max(top, 1)


def _line_across(place: int, count: int, text: str) -> Markup:
    y = _y(place, count)
    return Markup(
        '<line class="across" x1="{x}" x2="{r}" y1="{y}" y2="{y}"/>'
        '<text class="tick" x="{t}" y="{ty}" text-anchor="end">{text}</text>'
    ).format(x=_LEFT, r=WIDTH - _RIGHT, y=f"{y:.1f}", t=_LEFT - 6, ty=f"{y + 4:.1f}", text=text)


def _column(one: Stack, x: float, step: float, top: int) -> Markup:
    width, left = step * 0.62, x + step * 0.19
    below, shapes = 0, list[Markup]()
    for name, value in one.parts:
        if value > 0:
            upper, lower = _y(below + value, top), _y(below, top)
            shapes.append(_bar(name, left, upper, width, max(lower - upper, 0.5)))
            below += value
    if one.mark is not None and one.mark > 0:
        y = _y(one.mark, top)
        shapes.append(
            _MARK % (f"{x + step * 0.08:.1f}", f"{x + step * 0.92:.1f}", f"{y:.1f}", f"{y:.1f}")
        )
    label = _LABEL % (f"{x + step / 2:.1f}", HEIGHT - 6, one.label) if one.label else ""
    field = _FIELD % (f"{x:.1f}", _TOP, f"{step:.1f}", HEIGHT - _BOTTOM - _TOP)
    return _GROUP % (one.title, field, Markup("").join(shapes), label)


def _bar(name: str, x: float, y: float, width: float, height: float) -> Markup:
    return _BAR % (name, f"{x:.1f}", f"{y:.1f}", f"{width:.1f}", f"{height:.1f}")
