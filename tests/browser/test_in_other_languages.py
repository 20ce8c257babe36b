"""From the letter to the approved line, and what becomes of it afterwards, in French and in Arabic.

It needs a letter in several languages that is revised on the way: a site of its own.
"""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.site import Site, running_site
from tests.browser.test_paths import QUEUE, lines, log_in

# Each in its own language: what is around them is what is looked at.
TEXTS = {
    "fr": ("Un code de conduite", "Nous demandons un **code de conduite**."),
    "ar": ("مدونة قواعد السلوك", "نطالب بوضع **مدونة قواعد سلوك**."),
    "es": ("Un código de conducta", "Pedimos un **código de conducta**."),
    "pt": ("Um código de conduta", "Pedimos um **código de conduta**."),
    "ru": ("Кодекс поведения", "Мы призываем принять **кодекс поведения**."),
    "zh-hans": ("行为准则", "我们呼吁制定**行为准则**。"),
}
TRANSLATE = f"""
from django.utils import timezone
from letter.models import Letter, Revision, RevisionText
from letter.publishing import request_publication
letter = Letter.objects.get(slug="no-veto")
number = letter.revisions.count() + 1
now = timezone.now()
revision = Revision.objects.create(letter=letter, number=number, kind="KIND", note="NOTE", published_at=now)
for text in letter.revisions.get(number=1).bodies.all():
    RevisionText.objects.create(revision=revision, language="en", body=text.body + "\\n\\nNOTE")
for language, (title, body) in {TEXTS!r}.items():
    RevisionText.objects.create(revision=revision, language=language, title=title, body=body + " NOTE")
request_publication(letter, at=now)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The demo's letter in English, French and Arabic."""
    with running_site(tmp_path_factory.mktemp("languages")) as running:
        revise(running, "editorial", "")
        yield running


def revise(site: Site, kind: str, note: str) -> None:
    site.manage("shell", "-c", TRANSLATE.replace("KIND", kind).replace("NOTE", note))
    site.manage("publish", "no-veto")


def look(page: Page, name: str) -> None:
    """No violation on a phone, and nothing wider than the page there and on a desktop."""
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        if size == PHONE:
            assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        if folder := os.environ.get("LOOK"):
            page.screenshot(path=Path(folder) / f"{name}-{size['width']}.png", full_page=True)


def link_in(site: Site, email: str, part: str, count: int) -> str:
    """The link to that page in the contact's mail number `count`, counted from 1."""
    for _attempt in range(150):
        mails = [mail for mail in site.mails() if email in str(mail["To"])]
        if len(mails) >= count:
            body = mails[count - 1].get_body(("plain",)).get_content()
            return re.search(rf"{re.escape(site.url)}(/\S*/{part}/[\w-]+/)", body).group(1)
        time.sleep(0.1)
    raise AssertionError([str(mail["Subject"]) for mail in mails])


@pytest.mark.parametrize(
    ("language", "direction", "name", "printed", "line"),
    [
        ("fr", "ltr", "Justice for Kivu", "Justice pour le Kivu", "Justice pour le Kivu (Kenya)"),
        ("ar", "rtl", "Justice for Amman", "العدالة لعمّان", "العدالة لعمّان (كينيا)"),
    ],
)
def test_from_the_letter_to_the_list_and_to_what_becomes_of_it(  # noqa: PLR0915  one long walk
    site: Site, visitor: Page, desk: Page, language, direction, name, printed, line
):
    email = f"contact@{language}.example.org"
    letter = f"/{language}/no-veto/"
    visitor.goto("/no-veto/")
    visitor.locator(f'nav a[lang="{language}"]').click()
    expect(visitor).to_have_url(site.url + letter)
    assert visitor.locator("html").get_attribute("lang") == language
    assert visitor.locator("html").get_attribute("dir") == direction
    expect(visitor.get_by_role("heading", level=1)).to_have_text(TEXTS[language][0])
    look(visitor, f"{language}-letter")

    visitor.set_viewport_size(PHONE)
    visitor.locator(".signbar a.button").click()
    visitor.locator("[name=organization]").fill(name)
    visitor.locator("details.more summary").first.click()
    visitor.locator(f"[name=other_name_{language}]").fill(printed)
    visitor.locator("[name=countries_typed]").fill("Kenya" if language == "fr" else "كينيا")
    visitor.keyboard.press("Enter")
    visitor.locator("[name=contact_name]").fill("Aline Bahati")
    visitor.locator("[name=contact_role]").fill("directrice")
    visitor.locator("[name=email]").fill(email)
    for box in ("authorised", "privacy", "updates"):
        visitor.locator(f"[name={box}]").check()
    look(visitor, f"{language}-form")
    visitor.set_viewport_size(PHONE)
    visitor.locator("form button.button-send").click()
    expect(visitor).to_have_url(re.compile(rf"/{language}/no-veto/sign/sent/$"))
    look(visitor, f"{language}-sent")

    visitor.goto(link_in(site, email, "confirm", 1))
    assert visitor.locator("html").get_attribute("lang") == language
    expect(visitor.locator("main")).to_contain_text(line)
    look(visitor, f"{language}-confirm")
    visitor.locator("form.actions button").click()
    expect(visitor).to_have_url(re.compile("/signature/"))
    look(visitor, f"{language}-pending")

    log_in(desk)
    desk.goto(f"{QUEUE}?q={name.rpartition(' ')[2]}&state=all")
    desk.get_by_role("link", name=name).first.click()
    look(desk, f"{language}-desk")
    desk.get_by_role("button", name="Approve", exact=True).click()
    expect(desk.locator(".messagelist")).to_contain_text("1 approved.")
    for _attempt in range(50):
        visitor.goto(letter)
        if line in lines(visitor):
            break
        visitor.wait_for_timeout(100)
    assert line in lines(visitor)
    visitor.goto("/no-veto/")
    assert f"{name} (Kenya)" in lines(visitor)

    signature = link_in(site, email, "signature", 3)
    revise(site, "substantive", f"What {language} asks for.")
    visitor.goto(link_in(site, email, "signature", 4))
    assert visitor.locator("#renew").is_visible()
    look(visitor, f"{language}-renew")
    visitor.goto(letter)
    assert visitor.locator("li[data-mark]").count() > 30
    look(visitor, f"{language}-revised")
    visitor.goto(signature)
    visitor.locator("section[aria-labelledby=renew] button").click()
    expect(visitor.locator("#renew")).to_have_count(0)
    site.manage("publish", "no-veto")
    visitor.wait_for_timeout(1100)
    visitor.goto(f"{letter}revisions/{2 if language == 'fr' else 3}/")
    look(visitor, f"{language}-who-has-signed")

    desk.goto("/admin/letter/letter/")
    desk.get_by_role("link", name="veto").first.click()
    desk.get_by_role("link", name="Mark an edition as delivered").click()
    desk.get_by_label("to whom").fill("193 missions")
    look(desk, f"{language}-delivering")
    desk.get_by_role("button", name="Mark as delivered").click()
    expect(desk.locator(".messagelist")).to_contain_text("is marked as delivered")
    desk.goto("/admin/letter/update/add/")
    desk.locator("[name=texts-0-language]").select_option(language)
    desk.locator("[name=texts-0-title]").fill("Remise" if language == "fr" else "تم التسليم")
    desk.locator("[name=texts-0-body]").fill("**193**")
    look(desk, f"{language}-updating")
    desk.get_by_role("button", name="Publish, and mail it").click()
    expect(desk.locator(".messagelist")).to_contain_text("is mailed to the contacts")
    visitor.goto(link_in(site, email, "signature", 5) + "updates/")
    look(visitor, f"{language}-updates")
    visitor.locator("form.actions button").click()
    visitor.goto(letter)
    expect(visitor.locator("#follow-up")).to_contain_text("193 missions")
    look(visitor, f"{language}-after")


PAGES = (
    "",
    "sign/",
    "sign/sent/",
    "editions/",
    "editions/1/",
    "revisions/2/",
    "countries/",
    "share/",
    "embed/",
)


# What differs from language to language is told by these; of the one that runs from right to left, all are looked at.
TELLING = ("", "sign/")


@pytest.mark.parametrize("language", TEXTS)
def test_each_page_can_be_used_by_everybody_in_every_language(site: Site, desk: Page, language):
    desk.set_viewport_size(PHONE)
    for path in PAGES:
        desk.goto(f"/{language}/no-veto/{path}")
        assert desk.locator("html").get_attribute("lang") == language
        if path in TELLING or language == "ar":
            assert_accessible(desk)
        assert desk.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
