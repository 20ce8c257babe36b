"""An organisation is asked from the desk, answers on its phone, and the coordinator reads it."""

import os
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.site import Site
from tests.browser.test_paths import confirm, log_in, sign

NAME = "Asked Union of Teachers"
QUEUE = "/admin/signatories/signatory/"


def link_to_answer(site: Site) -> str:
    mail = site.wait_for_mail("office@asked-union.org", "do you sign")
    body = mail.get_body(("plain",)).get_content()
    return next(word for word in body.split() if "/organisation/" in word)


def look(page: Page, name: str) -> None:
    """No violation, and nothing wider than the page, on a desktop and on a phone."""
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        assert_accessible(page)
        if folder := os.environ.get("LOOK"):
            page.screenshot(path=Path(folder) / f"{name}-{size['width']}.png", full_page=True)


def answer_without_javascript(browser: Browser, url: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=PHONE)
    page = context.new_page()
    page.goto(url)
    page.get_by_label("A few words to the coordinators").fill("Our board has agreed.")
    page.get_by_role("button", name="Yes, we sign").click()
    expect(page.get_by_text("your organisation answered: “Yes, we sign”.")).to_be_visible()
    context.close()


def test_an_organisation_is_asked_and_answers(
    site: Site, browser: Browser, visitor: Page, desk: Page
):
    sign(visitor, NAME, "asked.union@gmail.com", "Kenya")
    confirm(visitor, site, "asked.union@gmail.com")
    log_in(desk)
    desk.goto(f"{QUEUE}?q=Asked")
    desk.get_by_role("link", name=NAME).click()
    desk.get_by_label("Website").fill("https://www.asked-union.org")
    desk.get_by_role("button", name="Save and continue editing").click()
    look(desk, "entry")
    desk.set_viewport_size(DESKTOP)

    mailbox = desk.get_by_label("Mailbox at the website’s domain")
    mailbox.fill("office@asked-union.org")
    desk.get_by_role("button", name="Ask the organisation").click()
    expect(desk.get_by_text("Type only what stands before the @")).to_be_visible()
    look(desk, "refused")
    mailbox.fill("office")
    desk.get_by_role("button", name="See the mail first").click()
    expect(desk.get_by_text("Somebody has signed the open letter")).to_be_visible()
    look(desk, "mail")
    desk.get_by_role("button", name="Ask the organisation").click()
    expect(desk.get_by_text("The organisation was asked at office@asked-union.org")).to_be_visible()

    url = link_to_answer(site)
    visitor.goto(url)
    look(visitor, "question")
    answer_without_javascript(browser, url)
    visitor.reload()
    expect(visitor.get_by_text("Our board has agreed.")).to_be_visible()
    look(visitor, "answered")

    desk.goto(f"{QUEUE}?organisation=answered")
    desk.get_by_role("link", name=NAME).click()
    expect(desk.get_by_text("The organisation confirmed the sign-on from")).to_be_visible()
    look(desk, "evidence")


def test_the_form_on_review_asks_too_and_its_keys_are_letters_there(site: Site, desk: Page):
    log_in(desk)
    desk.goto(f"{QUEUE}?q=Asked")
    href = desk.get_by_role("link", name=NAME).get_attribute("href")
    pk = href.split("/")[-3]
    desk.goto(f"{QUEUE}review/?entry={pk}")
    look(desk, "review")
    desk.set_viewport_size(DESKTOP)

    # "a" and "x" would decide if this were not a field.
    mailbox = desk.get_by_label("Mailbox at the website’s domain")
    mailbox.press_sequentially("xavier.a")
    expect(mailbox).to_have_value("xavier.a")
    with desk.expect_navigation():
        mailbox.press("Enter")

    expect(desk).to_have_url(f"{site.url}{QUEUE}review/?entry={pk}")
    expect(desk.get_by_text("A mail to xavier.a@asked-union.org asks")).to_be_visible()
