"""Numbers drawn as SVG: shapes and classes alone, whose colours are the style sheet's.

Each picture stands beside a table with the same numbers, so what a picture says of itself is short.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.formats import date_format, number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from letter import world_map

WIDTH, HEIGHT = 520, 260
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 30


@dataclass(frozen=True)
class Words:
    """What a picture is called and shows, for who does not see it."""

    id: str
    title: str
    description: str


def picture(words: Words, width: float, height: float, drawn: SafeString) -> SafeString:
    """An SVG with a name."""
    return format_html(
        '<svg class="chart chart-{0}" viewBox="0 0 {3} {4}" role="img"'
        ' aria-labelledby="{0}-title {0}-desc">'
        '<title id="{0}-title">{1}</title><desc id="{0}-desc">{2}</desc>{5}</svg>',
        words.id,
        words.title,
        words.description,
        _n(width),
        _n(height),
        drawn,
    )


def line_chart(
    words: Words, dates: Sequence[date], series: Mapping[str, Sequence[int]]
) -> SafeString:
    """Lines that go up in steps, one per series, each with the class `chart-<its name>`; the last one filled."""
    if not dates:
        return SafeString("")
    top = _round_up(max(max(values) for values in series.values()))
    first, last = dates[0].toordinal(), dates[-1].toordinal()
    span = max(last - first, 1)

    def across(ordinal: float) -> float:
        return LEFT + (ordinal - first) / span * (WIDTH - LEFT - RIGHT)

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)

    # A single day is drawn as a line across, not as a point that nobody sees.
    ends = dates if last > first else [dates[0], date.fromordinal(first + 1)]
    lines = []
    for name, values in series.items():
        points = [(ends[0], values[0])]
        for day, value in zip(ends[1:], [*values[1:], values[-1]], strict=False):
            points += [(day, points[-1][1]), (day, value)]
        lines.append(
            (name, " ".join(f"{_n(across(day.toordinal()))},{_n(up(v))}" for day, v in points))
        )
    name, points_text = lines[-1]
    area = format_html(
        '<polygon class="chart-area chart-{}" points="{},{} {} {},{}"/>',
        name, _n(LEFT), _n(up(0)), points_text, _n(WIDTH - RIGHT), _n(up(0)),
    )  # fmt: skip
    drawn = format_html_join(
        "",
        '<polyline class="chart-line chart-{}" points="{}"/>',
        lines,
    )
    return picture(
        words,
        WIDTH,
        HEIGHT,
        _joined([_grid(top, up), area, drawn, _dates(dates, across)]),
    )


def stacked_bar(words: Words, parts: Iterable[tuple[str, str, int]]) -> SafeString:
    """One bar from (class's name, title, count) parts; what is zero is not drawn."""
    shown = [part for part in parts if part[2]]
    total = sum(count for _name, _title, count in shown)
    width, height = 600, 28
    gaps = 2 * (len(shown) - 1)
    left = 0.0
    drawn = []
    for name, title, count in shown:
        # Two in fifty thousand are still to be seen.
        size = max(count / total * (width - gaps - 4 * len(shown)) + 4, 4)
        drawn.append((name, _n(left), _n(size), height, f"{title}: {number_format(count)}"))
        left += size + 2
    return picture(
        words,
        width,
        height,
        format_html_join(
            "",
            '<rect class="chart-state-{}" x="{}" y="0" width="{}" height="{}" rx="3">'
            "<title>{}</title></rect>",
            drawn,
        ),
    )


def bar(share: float) -> SafeString:
    """A bar for a row of a table, which has the number itself in words."""
    return format_html(
        '<svg class="chart-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"'
        ' focusable="false"><rect x="0" y="0" width="{}" height="10"/></svg>',
        _n(max(share * 100, 0.5)),
    )


def map_of_world(words: Words, counts: Mapping[str, int]) -> SafeString:
    """A tile for each country of the world, darker the more there are from it."""
    return picture(words, world_map.WIDTH, world_map.HEIGHT, world_map.drawn(counts))


def _grid(top: int, up: Callable[[float], float]) -> SafeString:
    values = [top * quarter // 4 for quarter in range(5)] if top >= 4 else list(range(top + 1))
    return format_html_join(
        "",
        '<line class="chart-rule" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<text class="chart-text chart-value" x="{}" y="{}">{}</text>',
        (
            (LEFT, WIDTH - RIGHT, _n(up(value)), _n(up(value)), LEFT - 8, _n(up(value) + 4),
             number_format(value, use_l10n=True, force_grouping=True))
            for value in values
        ),
    )  # fmt: skip


def _dates(dates: Sequence[date], across: Callable[[float], float]) -> SafeString:
    first, last = dates[0], dates[-1]
    ticks = [(first, "start")]
    if (last - first).days >= 4:
        middle = date.fromordinal((first.toordinal() + last.toordinal()) // 2)
        ticks.append((middle, "middle"))
    if last != first:
        ticks.append((last, "end"))
    return format_html_join(
        "",
        '<text class="chart-text" x="{}" y="{}" text-anchor="{}">{}</text>',
        (
            (_n(across(day.toordinal())), HEIGHT - 8, anchor, date_format(day, "j M"))
            for day, anchor in ticks
        ),
    )


def _round_up(value: int) -> int:
    """The next number that four parts make a readable scale of."""
    if value <= 4:
        return max(value, 1)
    unit = math.pow(10, math.floor(math.log10(value)))
    for factor in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10):
        top = math.ceil(unit * factor / 4) * 4
        if top >= value:
            return top
    return value


def _joined(parts: Iterable[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))


def _n(number: float) -> str:
    """A coordinate: a dot in every language, and no more digits than can be seen."""
    return f"{number:.1f}".removesuffix(".0")
