"""What is kept is read from the form, taken along and erased, on a phone, without JavaScript too."""

import json
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PHONE
from tests.browser.site import Site
from tests.browser.test_asking import look
from tests.browser.test_paths import (
    LETTER,
    LIST,
    QUEUE,
    confirm,
    link_in,
    log_in,
    sign,
    wait_for_line,
)

NAME = "Erased Union of Librarians"
LINE = f"{NAME} (Kenya)"
EMAIL = "erased.union@library.example.org"


def test_the_page_is_read_from_the_form(visitor: Page):
    visitor.goto(f"{LETTER}sign/")
    visitor.get_by_text("Privacy notice: who sees what").click()
    visitor.get_by_role("link", name="All that is kept, why, and until when").click()

    expect(visitor.get_by_role("heading", level=1)).to_have_text("What is kept about whoever signs")
    row = visitor.get_by_role("row").filter(has_text="Your name, role and e-mail address")
    expect(row).to_contain_text("180 days")
    expect(row.get_by_role("rowheader")).to_be_visible()
    assert visitor.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    look(visitor, "privacy")


def test_a_contact_takes_the_data_along_and_is_erased_and_the_line_stays(
    site: Site, browser: Browser, visitor: Page, desk: Page
):
    sign(visitor, NAME, EMAIL, "Kenya")
    confirm(visitor, site, EMAIL)
    visitor.get_by_role("link", name="Erase what is kept about you").click()
    look(visitor, "erase-undecided")
    log_in(desk)
    desk.goto(f"{QUEUE}?q=Librarians")
    desk.get_by_role("link", name=NAME).click()
    desk.get_by_role("button", name="Approve", exact=True).click()
    wait_for_line(visitor, LINE)

    own_page = link_in(site, EMAIL, "Approved", "signature")
    context = browser.new_context(
        base_url=site.url, java_script_enabled=False, viewport=PHONE, accept_downloads=True
    )
    page = context.new_page()
    page.goto(own_page)
    page.get_by_role("link", name="Erase what is kept about you").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download your data").click()
    taken = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert (taken["email"], taken["contact_name"]) == (EMAIL, "Aline Bahati")
    visitor.goto(own_page + "erase/")
    look(visitor, "erase")
    page.get_by_role("button", name="Keep the line and erase me").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("It is erased")
    context.close()

    visitor.goto(f"{LETTER}erased/?kept")
    look(visitor, "erased")
    visitor.goto(own_page)
    expect(visitor.get_by_role("heading", level=1)).to_have_text("This link no longer works")
    look(visitor, "erased-link")
    visitor.goto(LETTER)
    expect(visitor.locator(LIST).filter(has_text=NAME)).to_have_count(1)
    desk.reload()
    expect(desk.get_by_text("contact erased at their own wish")).to_be_visible()
    assert EMAIL not in desk.content()
