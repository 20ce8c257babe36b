"""A page of another origin shows the letter, in both ways that the share page offers, and can show no other page.

It needs a letter in two languages: a site of its own.
"""

import html
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.site import Site, running_site
from tests.test_docs import web_server

TRANSLATE = """
from django.utils import timezone
from letter.models import Letter, Revision, RevisionText
from letter.publishing import request_publication
letter = Letter.objects.get(slug="no-veto")
now = timezone.now()
second = Revision.objects.create(letter=letter, number=2, kind="editorial", note="In Arabic.", published_at=now)
for text in letter.revisions.get(number=1).bodies.all():
    RevisionText.objects.create(revision=second, language=text.language, body=text.body)
RevisionText.objects.create(revision=second, language="ar", title="رسالة مفتوحة", body="نطلب منكم الرد.")
request_publication(letter, at=now)
"""
A_LINK = """
from signatories.models import Signatory
from signatories.links import new_link
print(new_link(Signatory.objects.get(name__startswith="PAX")))
"""
# A page in French, where only a part is in Arabic.
HOST = """<!doctype html><html lang="fr"><meta charset="utf-8"><title>Notre site</title>
<meta name="viewport" content="width=device-width"><body><main><h1>Notre site</h1>{}</main></body></html>"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("embed")) as running:
        running.manage("shell", "-c", TRANSLATE)
        running.manage("publish", "no-veto")
        time.sleep(1.1)  # for which what is in memory counts as fresh
        yield running


def snippets(page: Page) -> tuple[str, str]:
    """What the share page offers to be copied: with a script, and without."""
    page.goto("/no-veto/share/")
    return (
        page.get_by_label("With a script").input_value(),
        page.get_by_label("Without a script").input_value(),
    )


@contextmanager
def elsewhere(browser: Browser, body: str, **options) -> Iterator[Page]:
    """A page of another origin with this in it."""
    with web_server({"/": HOST.format(body).encode()}) as address:
        context = browser.new_context(**options)
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        yield page
        context.close()
    assert complaints == []


def test_a_page_of_another_origin_shows_the_letter_in_its_language(browser: Browser, desk: Page):
    with_script, _without = snippets(desk)
    body = f'<div lang="ar-EG">{with_script}</div>'

    with elsewhere(browser, body, viewport=DESKTOP) as page:
        shown = page.frame_locator("iframe")
        expect(shown.get_by_role("heading", level=1)).to_have_text("رسالة مفتوحة")
        expect(shown.locator("html")).to_have_attribute("dir", "rtl")
        expect(shown.locator(".embed-names > li")).to_have_count(5)
        expect(shown.locator(".embed-names > li").first).to_be_visible()
        expect(page.locator("iframe")).to_have_attribute("title", "رسالة مفتوحة")
        assert_accessible(page)
        assert page.context.cookies() == []

        shown.locator(".button").click()
        expect(page).to_have_url(re.compile(r"/ar/no-veto/sign/$"))
        page.go_back()
        expect(page.get_by_role("heading", name="Notre site")).to_be_visible()


def test_the_frame_is_as_high_as_what_is_in_it(browser: Browser, desk: Page):
    with_script, _without = snippets(desk)

    with elsewhere(browser, f"<p>Avant</p>{with_script}<p>Après</p>", viewport=DESKTOP) as page:
        frame = page.locator("iframe")
        expect(frame).to_have_attribute("title", "No veto in the face of mass atrocity")
        content = page.frame_locator("iframe").locator("html")

        def settled() -> int:
            """The frame's height, once it is the content's."""
            for _ in range(100):
                needed = content.evaluate("root => Math.ceil(root.getBoundingClientRect().height)")
                if frame.get_attribute("height") == str(needed):
                    return needed
                page.wait_for_timeout(50)
            pytest.fail(f"the frame is {frame.get_attribute('height')} high, not {needed}")

        wide = settled()
        page.set_viewport_size({"width": 320, "height": 800})
        narrow = settled()
        page.set_viewport_size(DESKTOP)

        assert narrow > wide
        assert settled() == wide
        # Only the frame itself says how high it is.
        page.evaluate("window.postMessage({height: 3000, title: 'Forged'}, '*')")
        page.wait_for_timeout(200)
        assert settled() == wide
        expect(frame).to_have_attribute("title", "No veto in the face of mass atrocity")


def test_without_a_script_there_is_the_same(browser: Browser, desk: Page):
    _with, without = snippets(desk)

    with elsewhere(browser, without, viewport=PHONE, java_script_enabled=False) as page:
        shown = page.frame_locator("iframe")
        expect(shown.get_by_role("heading", level=1)).to_have_text(
            "No veto in the face of mass atrocity"
        )
        expect(shown.get_by_text("33 organisations")).to_be_visible()
        expect(shown.locator(".embed-names > li")).to_have_count(5)
        shown.get_by_role("link", name="Sign for your organisation").click()
        expect(page).to_have_url(re.compile(r"/no-veto/sign/$"))


@pytest.mark.parametrize(
    "path",
    ["/", "/no-veto/", "/no-veto/sign/", "/no-veto/share/", "/admin/login/", "/no-veto/editions/"],
)
def test_no_other_page_lets_itself_be_framed(browser: Browser, site: Site, path: str):
    with elsewhere(browser, f'<iframe src="{site.url}{path}" title="x"></iframe>') as page:
        page.wait_for_load_state("networkidle")

        assert [frame.url for frame in page.frames[1:]] == ["chrome-error://chromewebdata/"]


@pytest.mark.parametrize("path", ["share/", "embed/"])
def test_everybody_can_use_what_is_passed_on(desk: Page, path: str):
    for base, direction in (("/no-veto/", "ltr"), ("/ar/no-veto/", "rtl")):
        desk.goto(base + path)
        assert desk.locator("html").get_attribute("dir") == direction
        for size in (DESKTOP, PHONE, {"width": 320, "height": 640}):
            desk.set_viewport_size(size)
            assert_accessible(desk)
            assert desk.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_reader_finds_how_to_pass_the_letter_on(desk: Page):
    desk.goto("/no-veto/")
    desk.get_by_role("link", name="Pass this letter on").click()

    expect(desk.get_by_role("heading", level=1)).to_have_text("Pass this letter on")
    desk.get_by_role("heading", name="A link").scroll_into_view_if_needed()
    for picture in desk.locator("img").all():
        picture.scroll_into_view_if_needed()
        desk.wait_for_function("each => each.complete", arg=picture.element_handle())
        assert picture.evaluate("each => each.naturalWidth") > 0


def test_an_organisation_takes_its_badge_to_its_own_site(browser: Browser, desk: Page, site: Site):
    token = site.manage("shell", "-c", A_LINK).split()[-1]
    desk.goto(f"/no-veto/signature/{token}/")
    assert desk.locator("img.badge").evaluate("each => each.naturalWidth") > 0
    assert_accessible(desk)
    badge = desk.get_by_label("To put into your page").input_value()

    with elsewhere(browser, badge) as page:
        name = html.unescape(re.search('alt="([^"]*)"', badge)[1])
        expect(page.get_by_role("img", name=name)).to_be_visible()
        assert page.locator("img").evaluate("each => each.naturalWidth") > 0
        page.get_by_role("link", name=name).click()
        expect(page.locator(":target")).to_contain_text("PAX")
