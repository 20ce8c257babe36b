"""The desk by keyboard alone, and each of its pages for everybody."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import assert_accessible
from tests.browser.site import Site
from tests.browser.test_paths import log_in

QUEUE = "/admin/signatories/signatory/"
REVIEW = f"{QUEUE}review/"
LIST = """\
1) Desk Union of Teachers – Kenya
2) Desk Forum of Widows (Uganda, Rwanda)
3) Desk Council of Elders; Ghana
4) Desk Network of Archives (Chile)
"""


def bring_in(page: Page) -> None:
    page.goto(f"{QUEUE}bring-in/")
    page.get_by_label("Letter").select_option(index=1)
    page.get_by_role("textbox").first.fill(LIST)
    page.get_by_role("button", name="Read the list").click()
    assert_accessible(page)
    page.get_by_role("button", name="Bring in 4 rows").first.click()
    expect(page).to_have_url(re.compile(r"/signatory/\?"))


def press(page: Page, key: str) -> None:
    with page.expect_navigation():
        page.keyboard.press(key)


def begin_a_reason(page: Page) -> None:
    """What is written once a panel is open is a reason, whatever keys it begins with."""
    page.keyboard.press("x")
    page.keyboard.type("as u me")
    expect(page.locator("#reason-reject")).to_have_value("as u me")
    page.keyboard.press("Escape")
    expect(page.locator("details[data-saying-no][open]")).to_have_count(0)


def test_a_list_is_brought_in_and_decided_by_keyboard_alone(site: Site, desk: Page, capsys):
    log_in(desk)
    bring_in(desk)
    desk.goto(REVIEW)
    assert_accessible(desk)
    keys = decisions = 0
    seen = []

    while desk.locator("[name=entry]").count():
        name = desk.locator("#desk-heading").inner_text()
        if "Desk " not in name:
            press(desk, "s")
            continue
        seen.append(name)
        if "Elders" in name:
            desk.keyboard.press("x")
            press(desk, "1")
            keys += 2
        elif "Widows" in name:
            desk.keyboard.press("r")
            press(desk, "1")
            keys += 2
        else:
            begin_a_reason(desk)
            press(desk, "a")
            keys += 1
        decisions += 1

    with capsys.disabled():
        print(f"\n{decisions} decisions by {keys} keystrokes: {keys / decisions:.2f} each")
    assert sorted(seen) == [
        "Desk Council of Elders (Ghana)",
        "Desk Forum of Widows (Uganda, Rwanda)",
        "Desk Network of Archives (Chile)",
        "Desk Union of Teachers (Kenya)",
    ]
    assert keys / decisions <= 2
    press(desk, "u")
    expect(desk.locator("#desk-heading")).to_contain_text("Desk ")
    press(desk, "s")


@pytest.mark.parametrize(
    "path", ["", "?state=all", "bring-in/", "take-out/", "campaign/1/", "review/"]
)
def test_every_page_of_the_desk_is_for_everybody(site: Site, desk: Page, path: str):
    log_in(desk)
    desk.goto(QUEUE + path)

    assert_accessible(desk)


def test_the_front_page_leads_to_the_campaign(site: Site, desk: Page):
    log_in(desk)
    desk.goto("/admin/")
    assert_accessible(desk)

    desk.get_by_role("link", name=re.compile("No veto")).first.click()

    expect(desk).to_have_url(re.compile(r"/campaign/\d+/$"))
    assert desk.locator("svg[role=img]").count() >= 3
