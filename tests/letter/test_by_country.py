"""The list by country: a map whose tiles lead to names, a table with the same numbers, everybody in each country."""

import json
import re
from xml.etree import ElementTree as ET

from letter.publishing import redact
from tests.factories import NOW, RevisionTextFactory
from tests.letter.test_history import words
from tests.letter.test_publishing import line, put_out


def published(letter):
    return put_out(
        letter,
        line("Action Paix", ["CD", "KE"]),
        line("INSEC", ["NP"]),
        line("Kivu Watch", ["CD"]),
        line("PAX", []),
    )


def sections(html):
    """Each country's heading and its numbered lines."""
    found = {}
    for part in html.split('<section class="of-country"')[1:]:
        heading = " ".join(re.sub(r"<[^>]+>", "", part.split("<h3")[1].split("</h3>")[0]).split())
        heading = heading.partition("> ")[2] or heading
        lines = re.findall(r'<li value="(\d+)">(.*?)</li>', part)
        found[heading] = [(int(n), re.sub(r"<[^>]+>", "", text)) for n, text in lines]
    return found


def test_everybody_stands_in_each_of_their_countries_with_their_number(letter, client):
    published(letter)

    page = client.get("/conduct/countries/")

    assert page.status_code == 200
    both = "Action Paix (Democratic Republic of the Congo, Kenya)"
    assert [*sections(page.content.decode()).values()] == [
        [(1, both), (3, "Kivu Watch (Democratic Republic of the Congo)")],
        [(1, both)],
        [(2, "INSEC (Nepal)")],
        [(4, "PAX")],
    ]
    assert "International (1)" in words(page)
    assert "X-Robots-Tag" not in page.headers
    assert '<a href="/conduct/countries/">' in client.get("/conduct/").content.decode()


def test_map_and_table_have_the_same_numbers_and_lead_to_the_names(letter, client):
    published(letter)

    html = client.get("/conduct/countries/").content.decode()

    svg = re.search(r"<svg.*</svg>", html, flags=re.DOTALL)[0]
    tiles = {
        link.get("href"): link.get("aria-label")
        for link in ET.fromstring(svg).iter("a")  # noqa: S314  our own
    }
    assert tiles == {
        "#in-CD": "Democratic Republic of the Congo: 2",
        "#in-KE": "Kenya: 1",
        "#in-NP": "Nepal: 1",
    }
    table = re.search(r"<table.*</table>", html, flags=re.DOTALL)[0]
    rows = re.findall(r'<a href="(#in-\w+)">([^<]*)</a></th>\s*<td>(\d+)</td>', table)
    assert {(href, f"{name}: {count}") for href, name, count in rows if href != "#in-none"} == {
        *tiles.items()
    }
    assert [count for _href, _name, count in rows] == ["2", "1", "1", "1"]
    for href in tiles:
        assert f'id="{href[1:]}"' in html


def test_it_speaks_the_languages_of_the_letter(letter, client):
    RevisionTextFactory(revision=letter.revisions.get(), language="ar", title="مدونة")
    published(letter)

    page = client.get("/ar/conduct/countries/")

    assert '<html lang="ar" dir="rtl">' in page.content.decode()
    assert "كينيا" in words(page)
    assert client.get("/fr/conduct/countries/").status_code == 404


def test_the_search_is_given_the_numbers_of_each_country(letter, client):
    published(letter)

    served = client.get("/conduct/countries.json")

    assert json.loads(served.content) == [
        ["CD", "Democratic Republic of the Congo", [1, 3]],
        ["KE", "Kenya", [1]],
        ["NP", "Nepal", [2]],
        ["", "International", [4]],
    ]


def test_what_was_taken_out_is_in_no_country(letter, client):
    published(letter)
    redact(letter, "insec", at=NOW)

    page = client.get("/conduct/countries/")

    assert "Nepal (" not in words(page)
    assert "INSEC" not in words(page)


def test_a_letter_without_editions_or_public_page_has_none(letter, client):
    assert client.get("/conduct/countries/").status_code == 404
    assert client.get("/nowhere/countries/").status_code == 404
