"""Small charts as SVG, made here: bars, and a week with stretches of time in it.

A chart repeats a table that stands beside it: it has a title and a description for those who do not
see it, no script, no style attribute (the pages' policy forbids both) and no colour that alone
tells anything. Colours are classes of `styles/lychgate.css`. Every text is escaped. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

ROWS_MAX: Final = 40
"""Of either chart; more are left to the table."""
LABEL_CHARACTERS_MAX: Final = 28
BAR_CHARACTERS_MAX: Final = 46
"""Of the label of a bar, which gets more room: categories begin alike."""

_DAY_MINUTES: Final = 24 * 60
_LEFT: Final = 150
_WIDTH: Final = 720
_ROW: Final = 30
_TOP: Final = 26
_CHARACTER: Final = 7.5
"""About the width of a character, in the units of the picture."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: how much of something."""

    label: str
    value: float
    text: str = ""
    """What stands at its end; the value when empty."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time within one row; minutes after midnight, up to 1440."""

    row: int
    start: int
    end: int
    label: str


def bars(id: str, title: str, description: str, given: Sequence[Bar]) -> Markup:
    """Bars that lie, the longest as wide as there is room. Negative values count as 0."""
    shown = given[:ROWS_MAX]
    most = max((bar.value for bar in shown), default=0.0)
    # Names of sites are long: they get the room they need, and the bars the rest.
    labels = [_short(bar.label, BAR_CHARACTERS_MAX) for bar in shown]
    longest = max(map(len, labels), default=0)
    left = max(_LEFT, round(longest * _CHARACTER) + 16)
    room = _WIDTH - left - 90
    parts: list[Markup] = []
    for number, bar in enumerate(shown):
        top = number * _ROW + 4
        width = round(room * max(bar.value, 0.0) / most, 1) if most > 0 else 0
        parts += [
            _text(left - 8, top + 16, labels[number], "end"),
            _rect(left, top, max(width, 1), _ROW - 8, "lychgate-chart__bar"),
            _text(left + width + 8, top + 16, bar.text or f"{bar.value:g}", "start"),
        ]
    return _picture(id, title, description, len(shown) * _ROW + 4, parts)


def week_grid(
    id: str,
    title: str,
    description: str,
    rows: Sequence[str],
    stretches: Sequence[Stretch],
    now: tuple[int, int] | None = None,
) -> Markup:
    """A row for each day, and where in it something holds. `now`: a row and its minute.

    Stretches that meet in a row share its height.
    """
    shown = rows[:ROWS_MAX]
    bottom = _TOP + len(shown) * _ROW
    parts: list[Markup] = []
    for hour in range(0, 25, 3):
        x = _x(hour * 60)
        parts.append(_line(x, _TOP, x, bottom, "lychgate-chart__line"))
        parts.append(_text(x, _TOP - 8, f"{hour:02}", "middle"))
    for number, label in enumerate(shown):
        y = _TOP + number * _ROW
        parts.append(_line(_LEFT, y, _WIDTH - 20, y, "lychgate-chart__line"))
        is_now = now is not None and now[0] == number
        kind = "lychgate-chart__today" if is_now else ""
        parts.append(_text(_LEFT - 8, y + 20, _short(label), "end", kind))
        parts += _row([s for s in stretches if s.row == number and s.end > s.start], y)
    parts.append(_line(_LEFT, bottom, _WIDTH - 20, bottom, "lychgate-chart__line"))
    if now is not None and now[0] < len(shown):
        x, y = _x(now[1]), _TOP + now[0] * _ROW
        parts.append(_line(x, y, x, y + _ROW, "lychgate-chart__now"))
    return _picture(id, title, description, bottom + 4, parts)


def _row(stretches: Sequence[Stretch], y: int) -> list[Markup]:
    """The stretches of one row, below each other where they meet."""
    lanes: list[list[Stretch]] = []
    for stretch in sorted(stretches, key=lambda one: (one.start, one.end)):
        free = next((lane for lane in lanes if lane[-1].end <= stretch.start), None)
        if free is None:
            lanes.append([stretch])
        else:
            free.append(stretch)
    parts: list[Markup] = []
    height = (_ROW - 6) / max(len(lanes), 1)
    for number, lane in enumerate(lanes):
        top = y + 3 + number * height
        for stretch in lane:
            left, width = _x(stretch.start), _x(stretch.end) - _x(stretch.start)
            parts.append(_rect(left, top, width, height - 1, "lychgate-chart__bar"))
            fits = min(int((width - 8) / _CHARACTER), LABEL_CHARACTERS_MAX)
            if height > 14 and fits >= min(len(stretch.label), 4):
                label = _short(stretch.label, fits)
                parts.append(_text(left + 5, top + 17, label, "start", "lychgate-chart__inside"))
    return parts


def _x(minute: int) -> float:
    return round(
        _LEFT + (_WIDTH - 20 - _LEFT) * min(max(minute, 0), _DAY_MINUTES) / _DAY_MINUTES, 1
    )


def _short(text: str, most: int = LABEL_CHARACTERS_MAX) -> str:
    return text if len(text) <= most else f"{text[: max(most - 1, 1)]}…"


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}" class="{}">{}</text>').format(
        x, round(y, 1), anchor, kind, escape(text)
    )


def _rect(x: float, y: float, width: float, height: float, kind: str) -> Markup:
    # The colour is that of the style sheet too; on paper there is none for pictures.
    return Markup('<rect x="{}" y="{}" width="{}" height="{}" fill="#1f4e5f" class="{}"/>').format(
        x, round(y, 1), round(width, 1), round(height, 1), kind
    )


def _line(x: float, y: float, to_x: float, to_y: float, kind: str) -> Markup:
    return Markup('<line x1="{}" y1="{}" x2="{}" y2="{}" class="{}"/>').format(
        x, y, to_x, to_y, kind
    )


def _picture(
    id: str, title: str, description: str, height: float, parts: Sequence[Markup]
) -> Markup:
    opening = Markup(
        '<svg class="lychgate-chart" role="img" font-family="sans-serif" font-size="14" '
        'aria-labelledby="{0}-title {0}-description" '
        'viewBox="0 0 {1} {2}" xmlns="http://www.w3.org/2000/svg">'
        '<title id="{0}-title">{3}</title><desc id="{0}-description">{4}</desc>'
    ).format(id, _WIDTH, height, title, description)
    return opening + Markup("").join(parts) + Markup("</svg>")
