"""The documentation holds what the code says."""

import io
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.utils import timezone

from letter.publishing import redact, request_publication
from signatories.models import Signatory
from tests.factories import RevisionTextFactory, SignatoryFactory

ROOT = Path(__file__).parent.parent
DOCS = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
RUNNING = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def settings_read() -> set[str]:
    read = r'(?:environ\.get\(|environ\[|env_bool\(|env_list\(|env_int\()\s*"([A-Z_]+)"'
    return {
        name
        for file in (ROOT / "config").glob("*.py")
        if file.name != "proxies.py"  # whose environ is a request's
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


PROGRAM = re.search(
    r"```python\n(.*?)```",
    (ROOT / "docs" / "canonical-form.md").read_text(encoding="utf-8"),
    flags=re.DOTALL,
)[1]


@contextmanager
def web_server(files: dict[str, bytes]) -> Iterator[str]:
    """A plain server of these files on this machine; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = files.get(self.path)
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def verified(url: str) -> tuple[int, str]:
    """What the documented lines say of the letter there: their exit status and their words."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, url],
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "NO_PROXY": "*", "no_proxy": "*"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).strip()


@pytest.fixture
def chain(letter, client, work) -> dict[str, bytes]:
    """The files of five editions as they are served: unsigned words, a correction, a line taken out."""

    def publish() -> None:
        request_publication(letter, at=timezone.now())
        work()

    publish()
    text = letter.revisions.get().bodies.get()
    text.body = 'Better words: « façon » "quoted"\n\nand a line.'
    text.save()
    kivu = SignatoryFactory(
        letter=letter,
        name="Centre « Kivu »",
        countries=["CD", "RW"],
        state=Signatory.State.APPROVED,
    )
    SignatoryFactory(letter=letter, name="مركز", label="Amman", state=Signatory.State.APPROVED)
    publish()
    SignatoryFactory(
        letter=letter,
        name="World Union",
        countries=["KE", "RW"],
        label_hidden=True,
        state=Signatory.State.APPROVED,
    )
    publish()
    RevisionTextFactory(revision__letter=letter, revision__number=2, body="Other words.")
    publish()
    redact(letter, kivu.line_id, at=timezone.now())
    publish()

    paths = ["signatories.json", *(f"editions/{n}/signatories.json" for n in range(1, 6))]
    return {f"/conduct/{path}": client.get(f"/conduct/{path}").content for path in paths}


def test_the_documented_program_has_ten_lines():
    assert len(PROGRAM.strip().splitlines()) == 10


def test_a_third_party_verifies_every_edition_with_the_documented_lines(chain):
    digest = json.loads(chain["/conduct/signatories.json"])["digest"]

    with web_server(chain) as address:
        assert verified(f"{address}/conduct/") == (0, f"5 editions hold; note down {digest}")


@pytest.mark.parametrize(
    ("number", "old", "new"),
    [
        (2, "Amman", "Ammam"),
        (2, '"label_set": "Amman"', '"label_set": "Ammam"'),
        (2, '"number": 1, "digest": "', '"number": 2, "digest": "'),
        (3, "World Union", "World union"),
        (4, '"RW"', '"RV"'),
        (3, "Better words", "Bitter words"),
        (1, '"published_at": "2', '"published_at": "3'),
        (5, '"label_set": ""', '"label_set": null'),
    ],
)
def test_a_changed_byte_in_any_edition_is_found_and_named(chain, number, old, new):
    path = f"/conduct/editions/{number}/signatories.json"
    served = chain[path].decode()
    assert old in served
    changed = {**chain, path: served.replace(old, new, 1).encode()}

    with web_server(changed) as address:
        result = verified(f"{address}/conduct/")

    assert result == (1, f"Edition {number} does not hold")


def test_every_byte_of_what_the_digests_cover_counts(chain):
    """Each character of each covered text, in the program itself rather than in 200 processes."""
    for number in range(1, 6):
        path = f"/conduct/editions/{number}/signatories.json"
        document = json.loads(chain[path])
        places = [
            (document, "digest"),
            (document, "published_at"),
            (document["revision"], "digest"),
        ]
        places += [(text, key) for text in document["revision"]["texts"].values() for key in text]
        places += [
            (line, key)
            for line in document["signatories"]
            for key in ("name", "salt", "commitment")
        ]
        for holder, key in places:
            kept = holder[key]
            holder[key] = f"{kept[:-1]}{'b' if kept.endswith('a') else 'a'}"
            assert run_here({**chain, path: json.dumps(document).encode()}) == (
                f"Edition {number} does not hold"
            ), (number, key)
            holder[key] = kept
    assert run_here(chain).startswith("5 editions hold")


def run_here(files: dict[str, bytes]) -> str:
    """The documented lines in this process, reading `files` for the network."""
    said: list[str] = []
    names = {"print": said.append, "__name__": "verify"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["verify.py", "/conduct/"])
        patch.setattr("urllib.request.urlopen", lambda url: io.BytesIO(files[url]))
        try:
            exec(PROGRAM, names)  # noqa: S102  it is what is tested
        except SystemExit as ended:
            return str(ended.code)
    return said[0]
