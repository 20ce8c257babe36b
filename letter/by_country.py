"""A letter's list by country: the world as a map, a table of counts, and who is in each.

An organisation in several countries stands under each of them, with its number on the letter's list.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypedDict

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from letter import world_map
from letter.countries import country_name
from letter.documents import (
    frame_of,
    language_links,
    line_html,
    page_url,
    read_today,
)
from letter.models import Letter, Listing
from letter.ordering import collation_key


class Country(TypedDict):
    code: str  # ISO 3166-1 alpha-2, empty for lines without a country
    name: str
    anchor: str
    lines: list[tuple[int, Listing]]  # each with its number on the list


def countries_page(letter: Letter, language: str) -> bytes:
    """The page of the newest edition in a language; raises NotInLanguage."""
    edition, text = read_today(letter, language)
    with translation.override(language), timezone.override(letter.zone):
        countries = by_country(letter.listings.in_edition(edition.number).in_order())
        base = page_url(letter, language)
        context = {
            "letter": letter,
            "frame": frame_of(language),
            "text": text,
            "edition": edition,
            "countries": [
                {
                    **each,
                    "lines": [(number, line_html(line, letter)) for number, line in each["lines"]],
                }
                for each in countries
            ],
            "is_in_countries": any(each["code"] for each in countries),
            "by_count": sorted(countries, key=lambda each: (not each["code"], -len(each["lines"]))),
            "world_map": _map(countries),
            "map_width": world_map.WIDTH,
            "map_height": world_map.HEIGHT,
            "base": base,
            "url": f"{settings.BASE_URL}{base}countries/",
            "languages": language_links(letter, edition.revision.texts(), language, "countries/"),
        }
        return render_to_string("letter/countries.html", context).encode()


def countries_json(letter: Letter, language: str) -> bytes:
    """For the search on the letter's page: code, name and the numbers of the lines of each country."""
    with translation.override(language):
        countries = by_country(letter.listings.current().in_order())
    found = [
        [each["code"], each["name"], [number for number, _listing in each["lines"]]]
        for each in countries
    ]
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()


def by_country(listings: Iterable[Listing]) -> list[Country]:
    """The lines of each country, by its name in the active language; those without one at the end."""
    lines: dict[str, list[tuple[int, Listing]]] = defaultdict(list)
    for number, listing in enumerate(listings, start=1):
        if listing.redacted_at is not None:
            continue
        for code in listing.countries or [""]:
            lines[code].append((number, listing))
    names = {code: country_name(code) if code else gettext("International") for code in lines}
    codes = sorted(lines, key=lambda code: (not code, collation_key(names[code])))
    return [
        {"code": code, "name": names[code], "anchor": _anchor(code), "lines": lines[code]}
        for code in codes
    ]


def _anchor(code: str) -> str:
    return f"in-{code}" if code else "in-none"


def _map(countries: Iterable[Country]) -> SafeString:
    known: Mapping[str, Country] = {each["code"]: each for each in countries if each["code"]}
    return world_map.drawn(
        {code: len(each["lines"]) for code, each in known.items()},
        {code: f"#{each['anchor']}" for code, each in known.items()},
    )
