"""The documentation holds what the code says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.utils import timezone

from letter.publishing import request_publication
from signatories.models import Signatory
from tests.factories import SignatoryFactory

ROOT = Path(__file__).parent.parent
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RUNNING = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def settings_read() -> set[str]:
    read = r'(?:environ\.get\(|environ\[|env_bool\(|env_list\(|env_int\()\s*"([A-Z_]+)"'
    return {
        name
        for file in (ROOT / "config").glob("*.py")
        for name in re.findall(read, file.read_text(encoding="utf-8"))
    } - {"DJANGO_SETTINGS_MODULE"}


def test_every_setting_is_explained_and_none_is_invented():
    table = RUNNING[RUNNING.index("| variable |") : RUNNING.index("## What runs")]
    explained = {
        name
        for row in re.findall(r"^\| (`[^|]*`) \|", table, flags=re.MULTILINE)
        for name in re.findall(r"[A-Z_]+", row)
    }

    assert explained == settings_read()


def test_every_command_is_explained_and_none_is_invented():
    explained = set(re.findall(r"^\| `manage\.py (\w+)", RUNNING, flags=re.MULTILINE))
    ours = {
        name for name, app in get_commands().items() if app in {"config", "letter", "signatories"}
    }

    assert explained == ours


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_make_targets_and_files_that_are_named_exist(path):
    text = path.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, flags=re.MULTILINE))

    assert set(re.findall(r"(?:`|^)make ([a-z]+)\b", text, flags=re.MULTILINE)) <= targets
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (path.parent / link).exists(), link
    for name in re.findall(r"`((?:letter|signatories|config|tests)/[\w/]+\.py)`", text):
        assert (ROOT / name).exists(), name


def test_a_third_party_verifies_an_edition_with_the_documented_lines(
    letter, client, work, tmp_path
):
    SignatoryFactory(
        letter=letter,
        name="Centre « Kivu »",
        countries=["CD", "RW"],
        state=Signatory.State.APPROVED,
    )
    SignatoryFactory(letter=letter, name="مركز", label="Amman", state=Signatory.State.APPROVED)
    SignatoryFactory(
        letter=letter,
        name="World Union",
        countries=[],
        label_hidden=True,
        state=Signatory.State.APPROVED,
    )
    request_publication(letter, at=timezone.now())
    work()
    page = (ROOT / "docs" / "canonical-form.md").read_text(encoding="utf-8")
    program = re.search(r"```python\n(.*?)```", page, flags=re.DOTALL).group(1)
    served = client.get("/conduct/signatories.json").content

    def verify(document: bytes):
        (tmp_path / "signatories.json").write_bytes(document)
        return subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            text=True,
            check=False,
        )

    assert verify(served).stdout == "Edition 1 holds: 3 organisations\n"
    assert verify(served.replace(b"Amman", b"Zarqa")).returncode == 1
    assert verify(served.replace(b'"CD"', b'"CG"')).returncode == 1
