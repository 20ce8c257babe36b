"""Somebody looks for an organisation in a list of thousands: by words, by country, by letter, on the map.

It needs a long list: a site of its own.
"""

import os
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.names import made_up
from letter.countries import country_name
from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.site import Site, running_site
from tests.browser.test_in_other_languages import revise

COUNT = 300
SHOWN = "ol.signatories > li:visible"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The demo's letter with 300 more under it, in several scripts."""
    folder = tmp_path_factory.mktemp("finding")
    with running_site(folder) as running:
        joining = folder / "joining.txt"
        names = islice(made_up(random.Random(4)), COUNT)  # noqa: S311  nothing is kept secret by it
        rows = [f"{made.name} ({country_name(made.country)})" for made in names]
        joining.write_text("\n".join(rows), encoding="utf-8")
        running.manage("import_signatories", "no-veto", str(joining), "--approve")
        revise(running, "editorial", "")
        yield running


def look(page: Page, name: str) -> None:
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        if folder := os.environ.get("LOOK"):
            page.screenshot(path=Path(folder) / f"{name}-{size['width']}.png")


def numbers(page: Page) -> list[int]:
    """The numbers that the browser prints before the lines that are shown."""
    return page.evaluate(
        "[...document.querySelectorAll('ol.signatories > li')].filter((li) => !li.hidden).map((li) => li.value)"
    )


def test_by_words_without_accents_or_case_and_with_true_numbers(desk: Page):
    desk.goto("/no-veto/")
    everybody = desk.locator(SHOWN).all_text_contents()
    wanted = [n for n, text in enumerate(everybody, start=1) if "Réseau" in text]
    assert 0 < len(wanted) < len(everybody)

    desk.get_by_label("Search the list").fill("RESEAU")

    expect(desk.locator(SHOWN)).to_have_count(len(wanted))
    assert numbers(desk) == wanted
    expect(desk.get_by_role("status")).to_have_text(f"{len(wanted)} of {len(everybody)} shown")
    look(desk, "found")
    desk.get_by_label("Search the list").fill("reseau nobody at all")
    expect(desk.get_by_role("status")).to_have_text("Nobody on the list by these words.")
    desk.get_by_role("button", name="Show all").click()
    expect(desk.locator(SHOWN)).to_have_count(len(everybody))
    expect(desk.get_by_label("Search the list")).to_be_focused()


def test_by_country_with_its_count(desk: Page):
    desk.goto("/no-veto/")
    choice = desk.get_by_label("Country")
    choice.focus()
    option = choice.locator("option", has_text="Kenya (")
    expect(option).to_have_count(1)
    count = int(option.text_content().partition("(")[2].rstrip(")"))

    choice.select_option(label=option.text_content())

    expect(desk.locator(SHOWN)).to_have_count(count)
    for text in desk.locator(SHOWN).all_text_contents():
        assert "Kenya" in text


def test_a_link_to_a_hidden_line_shows_it(desk: Page):
    desk.goto("/no-veto/")
    desk.get_by_label("Search the list").fill("nobody at all")
    expect(desk.locator(SHOWN)).to_have_count(0)

    # The letters lead into the whole list, so they are not there while it is searched.
    letters = desk.get_by_role("navigation", name="To the names with this letter")
    expect(letters).to_have_count(0)

    desk.evaluate("location.hash = '#n150'")

    line = desk.locator(":target")
    expect(line).to_be_visible()
    expect(line).to_be_in_viewport()
    letters.get_by_role("link", name="P", exact=True).click()
    expect(desk.locator(":target")).to_be_in_viewport()
    assert desk.locator(":target").text_content().startswith("P")


def test_as_people_write_it(desk: Page):
    desk.goto("/no-veto/")
    desk.get_by_label("Search the list").focus()
    expect(desk.get_by_label("Country").locator("option", has_text="Kenya (")).to_have_count(1)
    # Four of the real lines say "USA".
    desk.get_by_label("Search the list").fill("united states")
    expect(desk.locator(SHOWN).filter(has_text="Human Rights Watch")).to_have_count(1)
    desk.get_by_label("Search the list").fill("العداله")
    expect(desk.get_by_role("status")).to_contain_text("shown")


def test_by_keyboard_alone(desk: Page):
    desk.goto("/no-veto/")
    desk.get_by_label("Search the list").focus()
    desk.keyboard.type("peace")
    expect(desk.get_by_role("status")).to_contain_text("shown")
    desk.keyboard.press("Tab")
    expect(desk.get_by_label("Country")).to_be_focused()
    desk.keyboard.press("Tab")
    expect(desk.get_by_role("button", name="Show all")).to_be_focused()
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("status")).to_have_text("")


def test_without_javascript_the_whole_list_is_there(browser: Browser, site: Site):
    context = browser.new_context(base_url=site.url, java_script_enabled=False, viewport=PHONE)
    page = context.new_page()
    page.goto("/no-veto/")
    expect(page.locator(SHOWN)).to_have_count(COUNT + 33)
    expect(page.locator(".finder")).to_be_hidden()
    page.locator(".rail a", has_text="M").click()
    expect(page.locator(":target")).to_be_in_viewport()
    page.goto("/no-veto/countries/")
    page.get_by_role("link", name="Kenya", exact=True).click()
    expect(page.locator(":target h3")).to_contain_text("Kenya")
    context.close()


def test_the_map_by_keyboard(desk: Page):
    desk.goto("/no-veto/")
    desk.get_by_role("link", name="By country, with a map").click()
    look(desk, "countries")
    tile = desk.locator(".world a", has_text="KE")
    tile.focus()
    desk.keyboard.press("Enter")
    expect(desk.locator(":target h3")).to_contain_text("Kenya")


def test_from_right_to_left(desk: Page):
    for path in ("", "countries/"):
        desk.goto(f"/ar/no-veto/{path}")
        if not path:
            desk.locator("#find").scroll_into_view_if_needed()
        look(desk, f"ar-finding-{path.rstrip('/')}")
