"""The world in tiles, one for each country, darker the more organisations there are: an SVG without its frame.

Colours are the style sheet's (`world.css`). Beside the picture stands a table with the same numbers.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from letter.countries import country_name
from letter.world_grid import COLUMNS, ROWS, TILES

SHADES: Final = 5
TILE: Final = 24
GAP: Final = 2
LEGEND_HEIGHT: Final = 44
WIDTH: Final = COLUMNS * TILE
HEIGHT: Final = ROWS * TILE + LEGEND_HEIGHT


def drawn(counts: Mapping[str, int], addresses: Mapping[str, str] | None = None) -> SafeString:
    """The tiles and their legend, in the active language; a tile with an address is a link to it."""
    steps = thresholds(max(counts.values(), default=0))
    tiles = (
        (_tile(code, place, counts.get(code, 0), steps, (addresses or {}).get(code, "")),)
        for code, place in TILES.items()
    )
    return format_html("{}{}", format_html_join("", "{}", tiles), _legend(steps, ROWS * TILE + 14))


def thresholds(most: int) -> list[int]:
    """The smallest count of each shade, in about equal ratios: one country has a few, another thousands."""
    if most < 1:
        return []
    steps = min(SHADES, most)
    return sorted({max(1, round(most ** (step / steps))) for step in range(steps)} | {1})


def shade(count: int, steps: Sequence[int]) -> int:
    """Which shade a count has: 0 for none, then 1 for the lightest."""
    return sum(count >= step for step in steps)


def _tile(
    code: str, place: tuple[int, int], count: int, steps: Sequence[int], address: str
) -> SafeString:
    x, y = place[0] * TILE, place[1] * TILE
    words = ngettext("%(country)s: %(count)s", "%(country)s: %(count)s", count) % {
        "country": country_name(code),
        "count": number_format(count),
    }
    tile = format_html(
        '<g class="tile tile-{}"><title>{}</title>'
        '<rect x="{}" y="{}" width="{}" height="{}" rx="3"/><text x="{}" y="{}">{}</text></g>',
        shade(count, steps), words, x, y, TILE - GAP, TILE - GAP,
        x + (TILE - GAP) // 2, y + 15, code,
    )  # fmt: skip
    if not address:
        return tile
    return format_html('<a href="{}" aria-label="{}">{}</a>', address, words, tile)


def _legend(steps: Sequence[int], y: int) -> SafeString:
    ranges = [("0", 0)]
    for index, step in enumerate(steps):
        end = steps[index + 1] - 1 if index + 1 < len(steps) else None
        text = number_format(step)
        if end is None:
            text += "+"
        elif end > step:
            text += f"–{number_format(end)}"
        ranges.append((text, index + 1))
    return format_html_join(
        "",
        '<g class="tile-legend tile-{}"><rect x="{}" y="{}" width="22" height="22" rx="3"/>'
        '<text class="chart-text" x="{}" y="{}">{}</text></g>',
        ((index, index * 110, y, index * 110 + 30, y + 16, text) for text, index in ranges),
    )
