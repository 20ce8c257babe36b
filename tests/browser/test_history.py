"""A reader goes through the past of a letter; somebody else verifies it from outside.

It needs a letter with a past, and the paths of the other tests one without: a site of its own.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.site import Site, running_site
from tests.letter.test_export_site import served
from tests.test_docs import verified

REVISE = """
from django.utils import timezone
from letter.models import Letter, Revision, RevisionText
from letter.publishing import request_publication
letter = Letter.objects.get(slug="no-veto")
first = letter.revisions.get()
now = timezone.now()
second = Revision.objects.create(letter=letter, number=2, kind="editorial", note="A slip was mended.", published_at=now)
for text in first.bodies.all():
    words = text.body.replace("the", "these", 1) + "\\n\\nWe ask you to answer by June."
    RevisionText.objects.create(revision=second, language=text.language, body=words)
RevisionText.objects.create(revision=second, language="ar", title="رسالة", body="نطلب منكم الرد.")
request_publication(letter, at=now)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The demo's letter with four editions: a line joined, the text was revised, a line was taken out."""
    folder = tmp_path_factory.mktemp("past")
    with running_site(folder) as running:
        joining = folder / "joining.txt"
        joining.write_text("Union of Later Signatories (Kenya)\n", encoding="utf-8")
        running.manage("import_signatories", "no-veto", str(joining), "--approve")
        running.manage("shell", "-c", REVISE)
        running.manage("publish", "no-veto")
        find = (
            "from letter.models import Listing; "
            "print(Listing.objects.get(name__startswith='PAX').line_id)"
        )
        line_id = running.manage("shell", "-c", find).split()[-1]
        running.manage("redact", "no-veto", line_id, "--yes")
        time.sleep(1.1)  # for which what is in memory counts as fresh
        yield running


def look(page: Page, name: str) -> None:
    """No violation, and nothing wider than the page, on a desktop and on a phone."""
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        if folder := os.environ.get("LOOK"):
            page.screenshot(path=Path(folder) / f"{name}-{size['width']}.png", full_page=True)


def test_a_reader_goes_from_the_letter_through_its_past(desk: Page):
    desk.goto("/no-veto/")
    desk.get_by_role("link", name="Every edition, and who joined and left").click()
    expect(desk.get_by_role("heading", level=1)).to_have_text("Every edition")
    expect(desk.get_by_text("Union of Later Signatories (Kenya)")).to_be_visible()
    expect(desk.get_by_text("PAX", exact=False)).to_have_count(0)
    look(desk, "editions")
    desk.get_by_text("Joined (33)").click()
    look(desk, "editions-open")

    desk.get_by_label("from").fill("1")
    desk.get_by_label("to", exact=True).fill("4")
    desk.get_by_role("button", name="Compare").click()
    expect(desk.get_by_role("heading", level=1)).to_have_text("From edition 1 to edition 4")
    look(desk, "comparison")
    desk.get_by_role("link", name="See what changed, word by word").click()
    expect(desk.locator("ins").last).to_contain_text("We ask you to answer by June.")
    look(desk, "revision")

    desk.get_by_role("link", name="Every edition").click()
    desk.get_by_role("link", name="Edition 1", exact=True).click()
    expect(desk.get_by_text("This is edition 1 of 4, as it stood on")).to_be_visible()
    expect(desk.locator("ol.signatories > li")).to_have_count(33)
    expect(desk.get_by_text("taken out at the organisation’s request")).to_have_count(1)
    look(desk, "edition")
    desk.get_by_role("link", name="Go to the current letter").click()
    expect(desk.locator("ol.signatories > li")).to_have_count(33)

    desk.goto("/no-veto/editions/7/")
    expect(desk.get_by_text("It has 4, numbered from 1 to 4.")).to_be_visible()
    look(desk, "no-edition")


def test_from_right_to_left(desk: Page):
    for path in ("editions/", "editions/4/", "editions/1/4/", "revisions/2/"):
        desk.goto(f"/ar/no-veto/{path}")
        assert desk.locator("html").get_attribute("dir") == "rtl"
        look(desk, f"ar-{path.replace('/', '-')}")


def test_editions_are_compared_without_javascript(browser: Browser, site: Site):
    context = browser.new_context(base_url=site.url, java_script_enabled=False, viewport=PHONE)
    page = context.new_page()
    page.goto("/no-veto/editions/")
    page.get_by_role("button", name="Compare").click()
    expect(page).to_have_url(f"{site.url}/no-veto/editions/1/4/")
    assert context.cookies() == []
    context.close()


def test_the_documented_lines_verify_the_running_site(site: Site):
    status, said = verified(f"{site.url}/no-veto/")

    assert (status, said.partition(";")[0]) == (0, "4 editions hold")


def test_an_archived_copy_is_read_from_a_disk(browser: Browser, site: Site, tmp_path: Path):
    """No server and no JavaScript: the links lead from file to file, and nothing else is asked for."""
    folder = tmp_path / "a copy"
    site.manage("export_site", "no-veto", str(folder))
    context = browser.new_context(java_script_enabled=False, viewport=PHONE)
    page = context.new_page()
    asked: list[str] = []
    failed: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: failed.append(request.url))

    page.goto((folder / "index.html").as_uri())
    expect(page.get_by_text("This is a copy of edition 4, made on")).to_be_visible()
    expect(page.get_by_role("link", name="Sign for your organisation")).to_have_count(0)
    expect(page.locator("ol.signatories > li")).to_have_count(33)
    page.get_by_role("link", name="Every edition, and who joined and left").click()
    expect(page.get_by_role("button")).to_have_count(0)
    page.get_by_role("link", name="Edition 1", exact=True).click()
    expect(page.get_by_text("This is edition 1 of 4, as it stood on")).to_be_visible()
    page.get_by_role("link", name="What has changed since").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("From edition 1 to edition 4")
    page.get_by_role("link", name="العربيّة").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    page.locator(".eyebrow a").first.click()
    expect(page).to_have_url((folder / "ar" / "index.html").as_uri())

    assert failed == []
    assert [url for url in asked if not url.startswith(folder.as_uri())] == []
    assert any(url.endswith(".css") for url in asked)
    context.close()


def test_an_archived_copy_can_be_used_by_everybody(browser: Browser, site: Site, tmp_path: Path):
    folder = tmp_path / "some" / "copy"
    site.manage("export_site", "no-veto", str(folder))
    with served(folder) as address:
        context = browser.new_context()
        page = context.new_page()
        for name in (
            "index",
            "ar/index",
            "editions/index",
            "editions/1/index",
            "ar/editions/1/index",
        ):
            page.goto(f"{address}{name}.html")
            look(page, f"copy-{name.replace('/', '-')}")
        context.close()
