"""Each path that a person takes, in a real browser, on the running product.

One site serves all of these tests, so each signs for an organisation of its own.
"""

import gzip
import io
import json
import os
import re
import zipfile
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.browser.accessibility import assert_accessible
from tests.browser.site import Site

FILE = Path(__file__).parent.parent / "signatories" / "code-of-conduct.txt"
REAL_LINES = [
    line.partition(". ")[2]
    for line in FILE.read_text(encoding="utf-8").splitlines()
    if line.startswith("- ")
]
LETTER = "/no-veto/"
QUEUE = "/admin/signatories/signatory/"
LIST = "ol.signatories > li"


def lines(page: Page) -> list[str]:
    return [" ".join(text.split()) for text in page.locator(LIST).all_text_contents()]


def sign(page: Page, name: str, email: str, *countries: str) -> None:
    """Fill in the form and send it, as somebody with a mouse or a finger would."""
    page.goto(f"{LETTER}sign/")
    page.get_by_label("Name of your organisation").fill(name)
    for country in countries:
        field = page.get_by_role("combobox", name="Add a country")
        field.fill(country)
        page.get_by_role("option", name=country, exact=True).click()
    page.get_by_label("Your name").fill("Aline Bahati")
    page.get_by_label("Your role").fill("programme officer")
    page.get_by_label("Your e-mail address").fill(email)
    page.get_by_label("I may sign this letter").check()
    page.get_by_label("I have read the privacy notice").check()
    page.get_by_role("button", name="Sign the letter").click()
    expect(page).to_have_url(re.compile(r"/sign/sent/$"))


def link_in(site: Site, email: str, subject: str, part: str) -> str:
    body = site.wait_for_mail(email, subject).get_body(("plain",)).get_content()
    return re.search(rf"{re.escape(site.url)}(/\S*/{part}/\S+)", body).group(1)


def confirm(page: Page, site: Site, email: str) -> None:
    page.goto(link_in(site, email, "Please confirm", "confirm"))
    page.get_by_role("button", name=re.compile("confirm", re.IGNORECASE)).click()
    expect(page).to_have_url(re.compile("/signature/"))


def log_in(page: Page) -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill("demo")
    page.get_by_label("Password").fill("demo")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("link", name="Signatories", exact=True).first).to_be_visible()


def wait_for_line(page: Page, line: str) -> list[str]:
    """The list, once it has the line: the promise is a second."""
    for _n in range(40):
        page.goto(LETTER)
        if line in lines(page):
            return lines(page)
        page.wait_for_timeout(100)
    raise AssertionError(f"{line!r} is not on the list after four seconds: {lines(page)}")


def test_the_site_runs_on_the_database_of_this_run(site: Site):
    said = site.manage(
        "shell", "-v0", "-c", "from django.db import connection; print(connection.vendor)"
    )

    assert said.split()[-1] == os.environ.get("UNDERSIGNED_EXPECT_VENDOR", "sqlite")


def test_the_letter_as_it_is_read_first(site: Site, visitor: Page):
    """Before any other test adds to it: the real lines, in their order, numbered."""
    visitor.goto("/")

    assert lines(visitor) == REAL_LINES
    assert len(REAL_LINES) == 33
    expect(visitor.get_by_role("link", name="Sign for your organisation")).to_be_in_viewport()
    visitor.locator("#signatories").scroll_into_view_if_needed()
    expect(visitor.get_by_role("link", name="Sign for your organisation")).to_be_in_viewport()
    width = visitor.evaluate("document.documentElement.scrollWidth")
    assert width == visitor.viewport_size["width"]
    assert_accessible(visitor)


def test_sign_confirm_decide_read_withdraw(site: Site, visitor: Page, desk: Page):
    email = "aline@memoire.example.org"
    line = "Maison de la Paix – Goma (Democratic Republic of the Congo, Burundi)"
    sign(visitor, "Maison de la Paix – Goma", email, "Democratic Republic of the Congo", "Burundi")
    assert_accessible(visitor)

    visitor.goto(link_in(site, email, "Please confirm", "confirm"))
    expect(visitor.locator("main")).to_contain_text(line)
    assert_accessible(visitor)
    confirm(visitor, site, email)
    expect(visitor.locator("main")).to_contain_text("Your address is confirmed")
    assert_accessible(visitor)
    site.wait_for_mail(email, "Received")

    before = lines_now(visitor)
    log_in(desk)
    desk.goto(QUEUE)
    assert_accessible(desk)
    desk.get_by_role("link", name=line).click()
    expect(desk.locator(".desk-where")).to_contain_text("Would be No. 21, between “Jananeethi” and")
    assert_accessible(desk)
    desk.get_by_role("button", name="Approve", exact=True).click()
    expect(desk.locator(".messagelist")).to_contain_text("1 approved.")

    after = wait_for_line(visitor, line)
    at = after.index(line)
    assert after == before[:at] + [line] + before[at:]
    assert after[at - 1] == "Jananeethi (India)"
    mail = site.wait_for_mail(email, "Approved").get_body(("plain",)).get_content()
    assert f"No. {at + 1}" in mail
    link = re.search(rf"{re.escape(site.url)}(/no-veto/signatory/\w+/)", mail).group(1)
    visitor.goto(link)
    expect(visitor.locator(":target")).to_contain_text("Maison de la Paix – Goma")
    expect(visitor.locator(":target")).to_be_in_viewport()

    visitor.goto(link_in(site, email, "Approved", "signature"))
    expect(visitor.locator("main")).to_contain_text(f"number {at + 1}")
    visitor.get_by_role("link", name="Withdraw the signature").click()
    assert_accessible(visitor)
    visitor.get_by_role("button", name=re.compile("withdraw", re.IGNORECASE)).click()
    expect(visitor.locator("main")).to_contain_text("has been withdrawn")
    site.wait_for_mail(email, "Withdrawn")
    for _n in range(40):
        if lines_now(visitor) == before:
            break
        visitor.wait_for_timeout(100)
    assert lines_now(visitor) == before


def lines_now(page: Page) -> list[str]:
    page.goto(LETTER)
    return lines(page)


def test_everything_works_without_javascript(site: Site, browser):
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    email = "office@union.example.org"
    page.goto(f"{LETTER}sign/")
    page.get_by_label("Name of your organisation").fill("Union for Peace")
    for number, country in enumerate(["Kenya", "Ethiopia", "South Africa"], start=1):
        page.get_by_label(f"Country {number}", exact=True).select_option(label=country)
    page.get_by_role("button", name="Add more countries").click()
    expect(page.get_by_label("Name of your organisation")).to_have_value("Union for Peace")
    page.get_by_label("Country 4", exact=True).select_option(label="Uganda")
    page.get_by_label("Your name").fill("Tesfaye Bekele")
    page.get_by_label("Your role").fill("director")
    page.get_by_label("Your e-mail address").fill(email)
    page.get_by_label("I may sign this letter").check()
    page.get_by_role("button", name="Sign the letter").click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    page.get_by_label("I have read the privacy notice").check()
    page.get_by_role("button", name="Sign the letter").click()
    expect(page).to_have_url(re.compile(r"/sign/sent/$"))
    page.goto(link_in(site, email, "Please confirm", "confirm"))
    expect(page.locator("main")).to_contain_text(
        "Union for Peace (Kenya, Ethiopia, South Africa, Uganda)"
    )
    page.get_by_role("button", name=re.compile("confirm", re.IGNORECASE)).click()
    page.get_by_label("Name of your organisation").fill("Union for Peace in Africa")
    page.get_by_role("button", name="Save the correction").click()
    expect(page.locator("main")).to_contain_text("Union for Peace in Africa (Kenya")
    context.close()


def test_a_refused_form_keeps_what_was_typed_and_leads_to_each_field(visitor: Page):
    visitor.goto(f"{LETTER}sign/")
    visitor.get_by_label("Name of your organisation").fill("Amani")
    visitor.get_by_label("Your e-mail address").fill("amani@gmial.com")
    visitor.get_by_role("button", name="Sign the letter").click()

    summary = visitor.get_by_role("alert")
    expect(summary).to_contain_text("Did you mean amani@gmail.com?")
    expect(visitor.get_by_label("Name of your organisation")).to_have_value("Amani")
    assert_accessible(visitor)
    for link in summary.get_by_role("link").all():
        link.click()
        focused = visitor.evaluate("document.activeElement.id")
        assert f"#{focused}" == link.get_attribute("href")


def test_countries_by_keyboard_alone(visitor: Page):
    visitor.goto(f"{LETTER}sign/")
    field = visitor.get_by_role("combobox", name="Add a country")
    field.focus()
    for typed in ("drc", "ivory", "usa"):
        visitor.keyboard.type(typed)
        visitor.keyboard.press("ArrowDown")
        if typed == "drc":
            assert_accessible(visitor)
        visitor.keyboard.press("Enter")
    chosen = visitor.locator('input[type="hidden"][name="countries"]')

    assert [each.input_value() for each in chosen.all()] == ["CD", "CI", "US"]
    visitor.keyboard.press("Backspace")
    assert [each.input_value() for each in chosen.all()] == ["CD", "CI"]
    visitor.keyboard.press("Shift+Tab")
    visitor.keyboard.press("Enter")
    assert [each.input_value() for each in chosen.all()] == ["CD"]


def test_a_country_that_was_typed_and_not_chosen_is_not_lost(visitor: Page):
    visitor.goto(f"{LETTER}sign/")
    visitor.get_by_label("Name of your organisation").fill("Narnian Peace Centre")
    visitor.get_by_role("combobox", name="Add a country").fill("Narnia")
    visitor.get_by_role("button", name="Sign the letter").click()

    expect(visitor.get_by_role("alert")).to_contain_text("No country is called “Narnia” here.")
    expect(visitor.get_by_role("combobox", name="Add a country")).to_have_value("Narnia")
    assert_accessible(visitor)


def test_a_hint_while_typing_the_name(visitor: Page):
    visitor.goto(f"{LETTER}sign/")
    visitor.get_by_label("Name of your organisation").press_sequentially("human rights watch")

    expect(visitor.get_by_text("Human Rights Watch is already on the list.")).to_be_visible()


def test_it_was_not_us(site: Site, visitor: Page):
    email = "someone@elsewhere.example.org"
    sign(visitor, "Not Really Us", email)
    visitor.goto(link_in(site, email, "Please confirm", "not-us"))
    assert_accessible(visitor)

    visitor.get_by_role("button").click()

    expect(visitor).to_have_url(re.compile("/erased/$"))
    assert_accessible(visitor)
    visitor.goto(link_in(site, email, "Please confirm", "confirm"))
    expect(visitor.get_by_role("heading", level=1)).to_be_visible()
    assert_accessible(visitor)


def test_footnotes_lead_there_and_back(visitor: Page):
    visitor.goto(LETTER)
    visitor.locator("sup.footnote-ref a").first.click()
    expect(visitor.locator(":target")).to_contain_text("Drawn up in 2015")
    expect(visitor.locator(":target")).to_be_in_viewport()
    visitor.get_by_role("link", name="Back to the text").first.click()
    expect(visitor.locator("sup.footnote-ref").first).to_be_in_viewport()


def test_the_coordinator_returns_and_the_contact_corrects(site: Site, visitor: Page, desk: Page):
    email = "info@centre.example.org"
    sign(visitor, "Centre for Justice", email, "Uganda")
    confirm(visitor, site, email)
    log_in(desk)
    desk.goto(QUEUE)
    desk.get_by_role("row", name="Centre for Justice").get_by_role("checkbox").check()
    desk.locator("select[name=action]").select_option("return_for_changes")
    desk.get_by_role("button", name="Go", exact=True).click()
    assert_accessible(desk)
    desk.get_by_label("Reason, mailed to each contact").fill("Which city? There are several.")
    desk.get_by_role("button", name="Return for changes").click()
    expect(desk.locator(".messagelist")).to_contain_text("1 returned for changes.")

    visitor.goto(link_in(site, email, "Please correct", "signature"))
    expect(visitor.locator("main")).to_contain_text("Which city? There are several.")
    assert_accessible(visitor)
    visitor.get_by_label("Name of your organisation").fill("Centre for Justice, Gulu")
    visitor.get_by_role("button", name="Correct it and send it back").click()
    expect(visitor.locator("main")).to_contain_text("Centre for Justice, Gulu (Uganda)")

    desk.goto(QUEUE)
    expect(desk.get_by_role("link", name="Centre for Justice, Gulu (Uganda)")).to_be_visible()


def test_adding_by_hand_with_a_preview_of_the_place(desk: Page):
    log_in(desk)
    desk.goto(f"{QUEUE}add/")
    assert_accessible(desk)
    desk.get_by_label("Letter", exact=False).first.select_option(
        label="No veto in the face of mass atrocity"
    )
    desk.get_by_label("Organisation's name").fill("Abuja Peace Forum")
    with desk.context.expect_page() as opened:
        desk.get_by_role("button", name="Preview the place in the list").click()
    preview = opened.value
    expect(preview.locator(".desk-place-here")).to_have_text("Abuja Peace Forum")
    assert preview.locator(".desk-place-here").get_attribute("value") == "1"
    assert_accessible(preview)
    preview.close()
    desk.get_by_role("button", name="Save", exact=True).click()
    expect(desk.locator(".messagelist")).to_contain_text("it waits for a decision")
    expect(desk.locator(".desk-where")).to_contain_text("Would be No. 1, the first")


def test_the_letter_in_the_admin_with_its_preview(desk: Page):
    log_in(desk)
    desk.goto("/admin/letter/letter/")
    assert_accessible(desk)
    desk.get_by_role("link", name="No veto in the face of mass atrocity").click()
    assert_accessible(desk)
    with desk.context.expect_page() as opened:
        desk.get_by_role("button", name="Preview the page").click()
    preview = opened.value
    expect(preview.get_by_text("This is a preview.")).to_be_visible()
    assert len(lines(preview)) >= 33
    preview.close()
    desk.get_by_role("link", name=re.compile("Revision 1")).click()
    assert_accessible(desk)


@pytest.mark.parametrize(
    "path",
    [
        "/inbox/",
        "/nothing-here/",
        f"{LETTER}sign/sent/",
        f"{LETTER}signature/unknown/",
        "/admin/login/",
    ],
)
def test_other_pages_can_be_used_by_everybody(visitor: Page, path: str):
    visitor.goto(path)

    expect(visitor.locator("main")).to_be_visible()
    assert_accessible(visitor)


def test_the_inbox_leads_to_the_link(site: Site, visitor: Page):
    email = "inbox@reader.example.org"
    sign(visitor, "Readers of Inboxes", email)
    site.wait_for_mail(email, "Please confirm")
    visitor.goto("/inbox/")
    visitor.get_by_role("link", name=re.compile("Readers of Inboxes")).first.click()
    assert_accessible(visitor)
    visitor.get_by_role("link", name=re.compile("no-veto.confirm")).click()
    expect(visitor.get_by_role("button", name=re.compile("confirm", re.IGNORECASE))).to_be_visible()


def test_dark_and_print(visitor: Page):
    visitor.emulate_media(color_scheme="dark")
    visitor.goto(LETTER)
    assert_accessible(visitor)
    dark = visitor.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    visitor.emulate_media(color_scheme="light")
    assert dark != visitor.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    visitor.emulate_media(media="print")
    expect(visitor.get_by_role("link", name="Sign for your organisation")).to_be_hidden()
    expect(visitor.locator(LIST).first).to_be_visible()


def test_the_letter_weighs_little(site: Site, visitor: Page):
    addresses = []
    visitor.on("request", lambda request: addresses.append(request.url))
    visitor.goto(LETTER)

    weight = 0
    for address in addresses:
        with urlopen(Request(address, headers={"Accept-Encoding": "gzip"}), timeout=10) as answer:  # noqa: S310
            body = answer.read()
        packed = answer.headers.get("Content-Encoding") == "gzip"
        weight += len(body) if packed else len(gzip.compress(body))
    assert weight < 60 * 1024


def words_of(body: bytes) -> str:
    """What a page, a PDF or a Word document says."""
    if body.startswith(b"%PDF"):
        return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(body)).pages)
    if body.startswith(b"PK"):
        return zipfile.ZipFile(io.BytesIO(body)).read("word/document.xml").decode()
    if body.startswith(b"\x89PNG"):
        return ""  # a QR code, which has no words
    return body.decode()


def test_no_public_page_tells_of_a_contact(site: Site):
    """Every page that a crawler reaches from the start page, and those it could guess."""
    seen: set[str] = set()
    waiting = [
        "/",
        LETTER,
        f"{LETTER}sign/",
        f"{LETTER}sign/sent/",
        f"{LETTER}erased/",
        "/robots.txt",
    ]
    waiting += [
        f"{LETTER}signatories.json",
        f"{LETTER}signatories.csv",
        "/sitemap.xml",
        f"{LETTER}feed.atom",
    ]
    while waiting:
        path = waiting.pop().partition("#")[0]
        # The inbox is the demo's own: it is there to show every mail.
        if path in seen or path.startswith(("/inbox/", "/admin/", "/static/")):
            continue
        seen.add(path)
        try:
            with urlopen(site.url + path, timeout=10) as answer:  # noqa: S310
                body = words_of(answer.read())
        except OSError as error:
            body = error.read().decode() if hasattr(error, "read") else ""
        assert not re.search(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", body), path
        for name in ("Aline Bahati", "Rima Haddad", "Otieno", "Kravets", "Lucía", "Ngozi"):
            assert name not in body, path
        waiting += re.findall(r'href="(/[^"]*)"', body)
    assert len(seen) >= 10


def test_the_published_chain_verifies(site: Site):
    assert "hold" in site.manage("verify_editions", "no-veto")
    with urlopen(f"{site.url}{LETTER}signatories.json", timeout=10) as answer:  # noqa: S310
        document = json.load(answer)
    assert document["organization_count"] == len(document["signatories"])
