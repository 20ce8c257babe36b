"""The bill of materials: what a server installs, with hashes and licences, as sbom.cdx.json (CycloneDX 1.6).

`python .ci/sbom.py` reads requirements.lock, and the licences from the packages as they are installed. The same lock
gives the same bytes, on whatever machine: so neither a date nor a serial number is in it.
"""

import json
import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any, Final

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.version import Version

BASE_DIR = Path(__file__).resolve().parent.parent
BOM = BASE_DIR / "sbom.cdx.json"
LOCKED = re.compile(
    r"^([a-z0-9.-]+)==([^\s;]+)((?:.*\\\n\s+--hash=sha256:[0-9a-f]{64})+)", re.MULTILINE
)

# What is said by no expression of SPDX, or not at all, as the packages' own files have it …
LICENCES: Final = {
    "django-csp": "BSD-3-Clause",
    "fido2": "BSD-2-Clause AND Apache-2.0 AND MPL-2.0",
    "markdown-it-py": "MIT",
    "mdit-py-plugins": "MIT",
    "mdurl": "MIT",
    "qrcode": "BSD-3-Clause AND MIT",
    "segno": "BSD-3-Clause",
    "sqlparse": "BSD-3-Clause",
    # … and of what is installed on some machines alone.
    "async-timeout": "Apache-2.0",
    "colorama": "BSD-3-Clause",
}


def licence_of(name: str, version: str) -> str:
    """The licence of a package as an expression of SPDX."""
    if name in LICENCES:
        return LICENCES[name]
    try:
        said = metadata(name)
    except PackageNotFoundError:
        sys.exit(f"{name} is not installed, so its licence is not known: run make install")
    if Version(said["Version"]) != Version(version):
        sys.exit(f"{name} is installed as {said['Version']}, not as {version}: run make install")
    try:
        return canonicalize_license_expression(
            str(said.get("License-Expression") or said.get("License") or "")
        )
    except InvalidLicenseExpression:
        sys.exit(f"{name} does not say its licence by SPDX: look it up, and put it into LICENCES")


def bom() -> str:
    """The bill of materials, as the file has it."""
    project = tomllib.loads((BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lock = (BASE_DIR / "requirements.lock").read_text(encoding="utf-8")
    made = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": _component(
                "application", project["name"], project["version"], project["license"]
            )
        },
        "components": [
            _component("library", name, version, licence_of(name, version))
            | {
                "hashes": [
                    {"alg": "SHA-256", "content": found}
                    for found in re.findall(r"[0-9a-f]{64}", hashes)
                ]
            }
            for name, version, hashes in LOCKED.findall(lock)
        ],
    }
    return json.dumps(made, indent=2) + "\n"


def _component(kind: str, name: str, version: str, licence: str) -> dict[str, Any]:
    # The form of purl's type pypi: https://github.com/package-url/purl-spec
    purl = f"pkg:pypi/{name}@{version}"
    there = {"purl": purl} if kind == "library" else {}
    said = {"type": kind, "bom-ref": purl if there else name, "name": name, "version": version}
    return said | there | {"licenses": [{"expression": licence}]}


if __name__ == "__main__":
    BOM.write_text(bom(), encoding="utf-8")
