"""Asks axe-core whether a page can be used by everybody."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def assert_accessible(page: Page) -> None:
    """Fail, naming rule and element, where axe finds any violation on the page as it stands."""
    page.wait_for_load_state()
    results = Axe().run(page)
    complaints = [
        f"{violation['id']} ({violation['impact']}): {violation['help']}\n    "
        + "\n    ".join(_element(node) for node in violation["nodes"])
        for violation in results.response["violations"]
    ]
    assert not complaints, "\n".join([f"axe on {page.url}:", *complaints])


def _element(node: dict) -> str:
    why = "; ".join(check["message"] for check in [*node["any"], *node["all"], *node["none"]])
    return f"{' '.join(map(str, node['target']))}: {why}\n        {node['html'][:160]}"
