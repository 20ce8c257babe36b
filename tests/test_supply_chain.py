"""What a server installs is listed whole, with licences under which all of it may be handed on together."""

import importlib.util
import json
import re
import tomllib

import pytest

from config import VERSION
from tests.browser.site import BASE_DIR

LOCK = (BASE_DIR / "requirements.lock").read_text(encoding="utf-8")
BOM = json.loads((BASE_DIR / "sbom.cdx.json").read_text(encoding="utf-8"))
# Of the Free Software Foundation's list, those that a work under AGPL-3.0 may have in it; and for fonts that lie
# beside it, the OFL. GPL-2.0-only, SSPL, CC-BY-NC and the like are not on it.
MAY_BE_COMBINED = {
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "LGPL-3.0-only",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "MPL-2.0",
    "OFL-1.1",
    "PSF-2.0",
    "Unlicense",
}


@pytest.fixture(scope="module")
def sbom():
    spec = importlib.util.spec_from_file_location("sbom", BASE_DIR / ".ci/sbom.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def locked() -> dict[str, tuple[str, set[str]]]:
    """Version and hashes of each package, read line by line."""
    found: dict[str, tuple[str, set[str]]] = {}
    for line in LOCK.splitlines():
        if pinned := re.match(r"([^=\s]+)==([^\s;]+)", line):
            found[pinned[1]] = (pinned[2], set())
        else:
            hashes = list(found.values())[-1][1]
            hashes.add(line.partition("--hash=sha256:")[2].removesuffix(" \\"))
    return found


def test_the_bill_of_materials_lists_what_is_locked_and_nothing_else():
    listed = {
        each["name"]: (each["version"], {one["content"] for one in each["hashes"]})
        for each in BOM["components"]
    }

    assert listed == locked()
    assert len(BOM["components"]) == len(listed)
    assert all(
        each["purl"] == each["bom-ref"] == f"pkg:pypi/{each['name']}@{each['version']}"
        for each in BOM["components"]
    )


def test_the_bill_of_materials_is_what_its_script_makes(sbom):
    assert (BASE_DIR / "sbom.cdx.json").read_text(encoding="utf-8") == sbom.bom(), "run make sbom"


def test_every_licence_may_be_combined_with_ours():
    for each in BOM["components"]:
        (licence,) = each["licenses"]
        assert set(re.split(r" (?:AND|OR) ", licence["expression"])) <= MAY_BE_COMBINED, each[
            "name"
        ]


def test_a_package_that_does_not_say_its_licence_is_asked_about(sbom, monkeypatch):
    monkeypatch.delitem(sbom.LICENCES, "django-csp")
    version = locked()["django-csp"][0]

    with pytest.raises(SystemExit, match="django-csp does not say its licence by SPDX"):
        sbom.licence_of("django-csp", version)
    with pytest.raises(SystemExit, match=r"redis is installed as .*: run make install"):
        sbom.licence_of("redis", "1.0")


def test_the_product_says_its_version_as_its_project_does():
    project = tomllib.loads((BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert (VERSION, BOM["metadata"]["component"]["version"]) == (project["version"],) * 2
