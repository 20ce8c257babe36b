"""The running site and people who visit it.

`visitor` is a Playwright page on a phone, `desk` one on a desktop, each in a context of its
own; both know the site's address, so `visitor.goto("/")` works. A test fails when a page of
its reports an error, misses a file, or loads anything from another origin.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.chromium import NoBrowser, find
from tests.browser.site import PATIENCE, Site, running_site

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",  # It has none when root runs it, and it only meets our own pages.
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
STYLE_REFUSED = "Applying inline style"
NAVIGATION_REFUSED = "Failed to load resource"


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One demo server for all browser tests: what one test signs, the next one sees."""
    with running_site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    try:
        path = find()
    except NoBrowser as reason:
        pytest.fail(str(reason))
    if path is None:
        pytest.fail("There is no Chromium here. `make test` brings one; or set CHROMIUM.")
    expect.set_options(timeout=PATIENCE * 1000)
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread, in which Django would refuse to
        # touch the database for the tests that run beside these.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        launched = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def visitor(browser: Browser, site: Site) -> Iterator[Page]:
    with _page(browser, site, viewport=PHONE, has_touch=True, device_scale_factor=2) as page:
        yield page


@pytest.fixture
def desk(browser: Browser, site: Site) -> Iterator[Page]:
    with _page(browser, site, viewport=DESKTOP) as page:
        yield page


@contextmanager
def _page(browser: Browser, site: Site, **options) -> Iterator[Page]:
    context = browser.new_context(base_url=site.url, locale="en-GB", **options)
    context.set_default_timeout(PATIENCE * 1000)
    said: list[ConsoleMessage] = []
    complaints: list[str] = []
    navigations: set[str] = set()
    context.on("console", lambda message: said.append(message) if message.type == "error" else None)
    context.on("weberror", lambda error: complaints.append(f"script: {error.error}"))

    def look_at(request) -> None:
        if request.is_navigation_request():
            navigations.add(request.url)
        if not request.url.startswith((f"{site.url}/", "data:", "blob:")):
            complaints.append(f"another origin: {request.url}")

    context.on("request", look_at)

    yield context.new_page()

    context.close()
    # A form that is refused answers 422, which the browser reports like a missing file.
    complaints += [
        f"console: {message.text} ({message.location['url']})"
        for message in said
        if not (
            message.text.startswith(NAVIGATION_REFUSED) and message.location["url"] in navigations
        )
        # A page's own inline style is reported with its address; axe's, which it tries out, without.
        and not (message.text.startswith(STYLE_REFUSED) and not message.location["url"])
    ]
    assert not complaints, "\n".join(["The browser complains:", *complaints])
