"""An attack turns the proof of work on, and people get through: with JavaScript, without, by keyboard and by ear.

It attacks a letter: a site of its own.
"""

import re
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.site import Site, running_site
from tests.browser.test_paths import confirm, sign
from tests.several_nodes import people

ENOUGH = 20  # sign-ons, from which on this letter is taken to be attacked


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("flood")
    settings = {"PROOF_AFTER": str(ENOUGH), "TRUSTED_PROXIES": "127.0.0.1"}
    with running_site(folder, **settings) as running:
        with closing(people.Browser(running.url)) as robot:
            form = robot.form("/no-veto/sign/", having="organization")
            for number in range(ENOUGH):
                name, email = f"Robot {number}", f"a@{number}.example.org"
                fields = people.filled(form, name, address=email)
                robot.headers["X-Forwarded-For"] = f"81.1.1.{number}"
                assert robot.post("/no-veto/sign/", fields).status == 302
        yield running


@pytest.fixture
def visitor(visitor: Page) -> Page:
    """Who comes from elsewhere than the robots."""
    visitor.context.set_extra_http_headers({"X-Forwarded-For": "93.184.216.34"})
    return visitor


def look(page: Page) -> None:
    """No violation, and nothing wider than the page, on a desktop and on a phone."""
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def fill_in(page: Page, name: str) -> None:
    """The form, to be sent by one press of its button, also without JavaScript."""
    page.goto("/no-veto/sign/")
    page.get_by_label("Name of your organisation").fill(name)
    page.get_by_label("Your name").fill("Aline Bahati")
    page.get_by_label("Your role").fill("programme officer")
    page.get_by_label("Your e-mail address").fill("aline@held.example.org")
    page.get_by_label("I may sign this letter").check()
    page.get_by_label("I have read the privacy notice").check()
    page.get_by_role("button", name="Sign the letter").click()


def test_who_has_no_javascript_waits_and_presses_the_button(site: Site, browser: Browser):
    context = browser.new_context(
        base_url=site.url,
        java_script_enabled=False,
        viewport=PHONE,
        extra_http_headers={"X-Forwarded-For": "93.184.215.14"},
    )
    page = context.new_page()
    fill_in(page, "Held Without")

    expect(page.get_by_role("heading", level=1)).to_have_text("One moment, please")
    said = page.get_by_text("then press the button").inner_text()
    seconds = int(re.search(r"Wait (\d+) seconds", said)[1])
    page.get_by_role("button", name="Send it again").click()
    expect(page.get_by_role("alert")).to_contain_text("too soon")
    page.wait_for_timeout((seconds + 1) * 1000)
    page.get_by_role("button", name="Send it again").click()

    expect(page).to_have_url(re.compile(r"/sign/sent/$"))
    site.wait_for_mail("aline@held.example.org", "Please confirm")
    context.close()


def test_a_browser_proves_by_itself_and_the_signer_gets_through(site: Site, visitor: Page):
    asked = []
    visitor.on("response", lambda answer: asked.append(answer.status))

    sign(visitor, "Held Union of Teachers", "aline@held-union.example.org", "Kenya")

    assert 429 in asked
    confirm(visitor, site, "aline@held-union.example.org")
    expect(visitor.locator("main")).to_contain_text("Held Union of Teachers (Kenya)")


def worker_says(page: Page, script: str) -> None:
    """Put this into the place of what does the sum."""
    page.route(
        re.compile("proof_worker"),
        lambda route: route.fulfill(content_type="text/javascript", body=script),
    )


def test_what_is_seen_and_heard_while_the_browser_is_at_work(visitor: Page):
    worker_says(visitor, "onmessage = () => postMessage({tries: 30000});")
    fill_in(visitor, "Held At Work")

    expect(visitor.get_by_role("status")).to_contain_text("Your browser is doing a small check")
    expect(visitor.get_by_role("progressbar", name="How far the check is")).to_be_visible()
    expect(visitor.get_by_role("button", name="Send it again")).to_be_hidden()
    look(visitor)


def test_where_the_sum_comes_out_wrong_it_is_said_and_not_tried_for_ever(visitor: Page):
    worker_says(visitor, "onmessage = () => postMessage({tries: 1, nonce: '0'});")
    fill_in(visitor, "Held And Wrong")

    expect(visitor.get_by_role("alert")).to_contain_text("The sum did not come out right")
    expect(visitor.get_by_role("status")).to_have_text("Done. Press the button now.")
    look(visitor)
    visitor.unroute_all()
    visitor.get_by_role("button", name="Send it again").click()
    expect(visitor.get_by_role("alert")).to_contain_text("The sum did not come out right")
    expect(visitor.get_by_role("status")).to_have_text("Done. Press the button now.")
    visitor.get_by_role("button", name="Send it again").click()
    expect(visitor).to_have_url(re.compile(r"/sign/sent/$"))


def test_where_the_sum_cannot_be_done_the_page_says_what_to_do(visitor: Page):
    worker_says(visitor, "throw new Error('no such thing here');")
    fill_in(visitor, "Held And Broken")

    expect(visitor.get_by_text("then press the button")).to_be_visible()
    expect(visitor.get_by_role("button", name="Send it again")).to_be_visible()
    look(visitor)
