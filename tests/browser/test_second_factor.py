"""Setting up a second factor and logging in with it, with users of their own.

By the name localhost: a browser makes no passkey for a site that is known by a number.
"""

import re
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Browser, Page, expect

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESKTOP, PHONE, _page
from tests.browser.site import Site

PASSWORD = "a key for every door"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def page(request, browser: Browser, site: Site) -> Iterator[Page]:
    """Of the size that the test asks for: each takes half a minute, and one goes the way of the other."""
    by_name = replace(site, url=site.url.replace("127.0.0.1", "localhost"))
    with _page(browser, by_name, viewport=request.param) as opened:
        yield opened


@pytest.fixture
def name(request, site: Site) -> str:
    """A superuser, made on the running site."""
    username = re.sub(r"\W+", "-", request.node.name)
    make = f"User.objects.create_superuser({username!r}, password={PASSWORD!r})"
    site.manage("shell", "-c", f"from django.contrib.auth.models import User; {make}")
    return username


def log_in(page: Page, name: str) -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def log_out(page: Page) -> None:
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Logged out")).to_be_visible()


def is_in(page: Page) -> None:
    expect(page.get_by_role("heading", name="The coordinators' desk")).to_be_visible()


def heading(page: Page, words: str) -> None:
    """The page with that heading is there, and everybody can use it."""
    expect(page.get_by_role("heading", name=words, level=1)).to_be_visible()
    assert_accessible(page)


def say_password(page: Page) -> None:
    heading(page, "Is it still you?")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()


def shown_by_app(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


@pytest.mark.parametrize("page", [PHONE], ids=["phone"], indirect=True)
def test_an_authenticator_app(page: Page, name: str):
    log_in(page, name)
    page.get_by_role("link", name="Second factor").click()
    heading(page, "Second factor")
    page.get_by_role("link", name="Set up an app").click()
    say_password(page)
    heading(page, "Set up an authenticator app")
    picture = page.get_by_role("img", name=re.compile("QR code"))
    assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
    secret = page.locator(".factor-secret").inner_text()
    page.get_by_label("Authenticator code").fill("12345")
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_text("This code is not right")).to_be_visible()
    heading(page, "Set up an authenticator app")
    page.get_by_label("Authenticator code").fill(shown_by_app(secret))
    page.get_by_role("button", name="Set it up").click()
    heading(page, "Recovery codes")
    codes = page.locator(".factor-codes code").all_inner_texts()
    with page.expect_download() as saving:
        page.get_by_role("link", name="Save as a file").click()
    assert saving.value.path().read_text(encoding="ascii").split() == codes
    page.get_by_role("link", name="go on").click()
    is_in(page)
    log_out(page)

    log_in(page, name)
    heading(page, "Second factor")
    expect(page.get_by_role("button", name="Use a passkey instead")).to_have_count(0)
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_text("This code is not right")).to_be_visible()
    heading(page, "Second factor")
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Log in", exact=True).click()
    is_in(page)

    page.get_by_role("link", name="Second factor").click()
    expect(page.get_by_text("9 codes are left.")).to_be_visible()
    heading(page, "Second factor")
    page.get_by_role("link", name="Make new codes").click()
    say_password(page)
    heading(page, "Make new recovery codes")
    page.get_by_role("button", name="Make new codes").click()
    heading(page, "Recovery codes")
    page.reload()
    expect(page.get_by_text("Your codes have been shown already")).to_be_visible()
    heading(page, "Recovery codes")
    page.get_by_role("link", name="Second factor").first.click()
    page.get_by_role("link", name="Remove the app").click()
    heading(page, "Remove the authenticator app")
    page.get_by_role("button", name="Remove the app").click()
    expect(page.get_by_text("You have not set one up yet.")).to_be_visible()


@pytest.mark.parametrize("page", [DESKTOP], ids=["desktop"], indirect=True)
def test_a_passkey(page: Page, name: str):
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    added = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    key = {"authenticatorId": added["authenticatorId"]}
    log_in(page, name)
    page.get_by_role("link", name="Second factor").click()
    page.get_by_role("link", name="Add a passkey").click()
    say_password(page)
    heading(page, "Add a passkey")
    page.get_by_label("What to call it here").fill("Pia’s laptop")
    page.get_by_label("Log in with it alone").check()
    page.get_by_role("button", name="Add this passkey").click()
    heading(page, "Recovery codes")
    page.get_by_role("link", name="go on").click()
    log_out(page)

    page.goto("/admin/signatories/signatory/")
    heading(page, "Log in")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(re.compile("/admin/signatories/signatory/"))
    log_out(page)

    log_in(page, name)
    heading(page, "Second factor")
    page.get_by_role("button", name="Use a passkey instead").click()
    is_in(page)
    log_out(page)

    page.goto("/admin/")
    devtools.send("WebAuthn.setUserVerified", {**key, "isUserVerified": False})
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("No passkey was used")).to_be_visible()
    heading(page, "Log in")
    devtools.send("WebAuthn.setUserVerified", {**key, "isUserVerified": True})
    page.get_by_role("button", name="Use a passkey").click()
    is_in(page)

    page.get_by_role("link", name="Second factor").click()
    heading(page, "Second factor")
    page.get_by_role("link", name="Remove Pia’s laptop").click()
    heading(page, "Is it still you?")
    page.get_by_role("link", name="Use a passkey").click()
    heading(page, "Is it still you?")
    page.get_by_role("button", name="Use a passkey").click()
    heading(page, "Remove a passkey")
    page.get_by_role("button", name="Remove the passkey").click()
    expect(page.get_by_text("You have not set one up yet.")).to_be_visible()
