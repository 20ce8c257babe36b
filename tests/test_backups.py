"""A site is saved while it works, and is there again on an empty database: the same rows, pages and links."""

import json
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from config.backups import CannotBackUp, CannotRestore, back_up, restore
from signatories.models import Decision, Signatory
from signatories.moderation import submit
from tests.browser.site import BASE_DIR, free_port, manage, own_database, run_manage
from tests.factories import SignatoryFactory, make_letter
from tests.lived import environ_of, fill, go_on, pages, told, visit, write
from tests.signatories.test_together import at_once

# From one kind of database to another, too: whoever has one machine with SQLite may go on with PostgreSQL.
WAYS = (
    [("postgresql", "postgresql"), ("sqlite", "postgresql")]
    if connection.vendor == "postgresql"
    else [("sqlite", "sqlite")]
)


@dataclass
class Lived:
    """A site, a backup made of it while it was busy, and what it was then."""

    environ: dict[str, str]
    backup: Path
    links: list[str]
    pages: dict[str, list[Any]]
    signed_before: int
    signed_after: int
    rows: dict[str, list[dict[str, Any]]] = field(init=False)

    def __post_init__(self) -> None:
        self.rows = rows_of(self.backup)


def rows_of(backup: Path) -> dict[str, list[dict[str, Any]]]:
    with zipfile.ZipFile(backup) as archive:
        return {
            name.removesuffix(".jsonl"): [
                json.loads(line) for line in archive.read(name).splitlines()
            ]
            for name in archive.namelist()
            if name.endswith(".jsonl")
        }


def manifest_of(backup: Path) -> dict[str, Any]:
    with zipfile.ZipFile(backup) as archive:
        return json.loads(archive.read("manifest.json"))


@contextmanager
def new_database(vendor: str) -> Iterator[dict[str, str]]:
    """An empty one of that kind: nothing to be set for SQLite, whose file is made where VAR_DIR is."""
    url = os.environ.get("DATABASE_URL", "") if vendor == "postgresql" else ""
    with own_database(url, f"undersigned_backup_{free_port()}") as database:
        yield database


@contextmanager
def somebody_writing(environ: dict[str, str]) -> Iterator[list[int]]:
    """People sign, somebody decides, the worker publishes; gives how many had signed at first, then at the end too."""
    command = [sys.executable, "-m", "tests.lived", write.__name__]
    with subprocess.Popen(
        command,
        cwd=BASE_DIR,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as writing:
        assert writing.stdout
        counts = [int(writing.stdout.readline())]
        yield counts
        said, _none = writing.communicate("")
        assert writing.returncode == 0
        counts.append(int(said.splitlines()[-2]))


@pytest.fixture(scope="module")
def lived(tmp_path_factory) -> Iterator[Any]:
    """The site on one kind of database; made once for each."""
    made: dict[str, Lived] = {}
    with ExitStack() as undo:

        def on(vendor: str) -> Lived:
            if vendor not in made:
                folder = tmp_path_factory.mktemp(vendor)
                database = undo.enter_context(new_database(vendor))
                environ = environ_of(folder, database, "before")
                manage(environ, "migrate", "--verbosity", "0")
                links, served = told(environ, fill.__name__), told(environ, pages.__name__)
                with somebody_writing(environ) as counts:
                    manage(environ, "backup")
                (backup,) = (folder / "backups").iterdir()
                made[vendor] = Lived(environ, backup, links, served, *counts)
            return made[vendor]

        yield on


@pytest.fixture(scope="module", params=WAYS, ids=" to ".join)
def way(request, lived, tmp_path_factory) -> Iterator[tuple[Lived, dict[str, str]]]:
    """A site, and the environment of the one that was made of its backup, with another key."""
    before, after = request.param
    with new_database(after) as database:
        environ = environ_of(tmp_path_factory.mktemp("after"), database, "after")
        said = manage(environ, "restore", lived(before).backup)
        assert said.splitlines()[-1] == "The editions of 2 letter(s) hold."
        yield lived(before), environ


def test_a_backup_is_of_one_moment_though_people_go_on_signing(way):
    rows = way[0].rows
    busy = next(row["id"] for row in rows["letter.letter"] if row["slug"] == "busy")
    signed = [row for row in rows["signatories.signatory"] if row["letter_id"] == busy]
    last = {row["signatory_id"]: row["to_state"] for row in rows["signatories.decision"]}
    told_of = {row["signatory_id"] for row in rows["signatories.message"]}

    # It was made in the midst of it.
    assert way[0].signed_before <= len(signed) < way[0].signed_after
    # What one transaction writes is in it whole, and nothing of another that came later.
    assert last == {row["id"]: row["state"] for row in rows["signatories.signatory"]}
    assert {row["id"] for row in signed} <= told_of
    newest = max(
        (row for row in rows["letter.edition"] if row["letter_id"] == busy),
        key=lambda row: row["number"],
    )
    assert newest["organization_count"] == sum(
        row["letter_id"] == busy and row["last_edition"] is None for row in rows["letter.listing"]
    )


def test_every_row_is_there_again(way, tmp_path):
    backup = tmp_path / "again.zip"

    manage(way[1], "backup", backup)

    before, after = manifest_of(way[0].backup), manifest_of(backup)
    assert after["tables"] == before["tables"]
    assert after["migrations"] == before["migrations"]
    # And it was a site with all there can be. Nobody is in the table of allauth's mail addresses: nothing mails them.
    empty = {label for label, table in before["tables"].items() if not table["rows"]}
    assert empty <= {
        "account.emailaddress",
        "account.emailconfirmation",
        "auth.user_user_permissions",
        "letter.publicationrequest",
    }


def test_nobody_is_logged_in_by_a_backup(way):
    assert "sessions.session" not in way[0].rows
    assert b"SessionStore" not in way[0].backup.read_bytes()


def test_every_page_is_served_as_before_with_the_same_tag(way):
    served = told(way[1], pages.__name__)

    assert served == way[0].pages
    assert len(served) > 50
    lead_on = {path for path, answer in served.items() if answer[0] == 302}
    assert {answer[0] for path, answer in served.items() if path not in lead_on} == {200}
    assert all("/signatory/" in path for path in lead_on)  # the lasting links to lines
    assert served["/conduct/"][1]


def test_links_in_old_mails_open(way):
    links = sorted(set(way[0].links))

    found = dict(zip(links, told(way[1], visit.__name__, *links), strict=True))

    kinds = {"confirm", "signature", "organisation", "not-us"}
    assert {link.split("/")[2] for link in links} >= kinds
    assert found == dict(zip(links, told(way[0].environ, visit.__name__, *links), strict=True))
    assert {found[link] for link in links if link.split("/")[2] in kinds} == {200}


def test_work_goes_on_after_it(way):
    # Last of those that look at the restored site: it changes it.
    assert told(way[1], go_on.__name__) == {
        "sessions": 0,
        "desk": 200,
        "editions": 1,
        "shown": True,
    }
    assert "conduct: 7 edition(s) hold." in manage(way[1], "verify_editions")


# --- The file -------------------------------------------------------------------


@pytest.fixture
def backup(letter, tmp_path) -> Path:
    SignatoryFactory(letter=letter, name="Centre Kivu")
    path = tmp_path / "undersigned.zip"
    back_up(path, at=timezone.now())
    return path


def changed(backup: Path, **members: bytes | None) -> Path:
    """A copy of it with other members under these names, None for none; the manifest as it was."""
    copy = backup.with_name("changed.zip")
    with zipfile.ZipFile(backup) as old, zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            body = members.get(name, old.read(name))
            if body is not None:
                new.writestr(name, body)
    return copy


def with_manifest(backup: Path, **said: Any) -> Path:
    return changed(backup, **{"manifest.json": json.dumps(manifest_of(backup) | said).encode()})


def test_the_file_is_for_its_owner_alone_and_whole_or_not_there(letter, tmp_path, monkeypatch):
    path = tmp_path / "kept" / "undersigned.zip"
    back_up(path, at=timezone.now())

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with pytest.raises(CannotBackUp, match="is there already"):
        back_up(path, at=timezone.now())
    monkeypatch.setattr("config.backups._plain", lambda _value: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        back_up(tmp_path / "kept" / "other.zip", at=timezone.now())
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.django_db(transaction=True)
def test_what_is_committed_between_two_tables_is_in_neither(tmp_path):
    letter = make_letter()
    entry = Signatory(
        letter=letter,
        revision=letter.revisions.get(),
        source=Signatory.Source.FORM,
        name="Centre Kivu",
        email="aline@kivu.example.org",
    )

    def sign(words: str) -> None:
        if words.startswith("signatories.decision:"):
            # On another connection; it waits for nobody.
            (signed,) = at_once(lambda: submit(entry))
            assert signed == entry

    back_up(tmp_path / "undersigned.zip", at=timezone.now(), say=sign)

    assert Signatory.objects.count() == Decision.objects.count() == 1
    rows = rows_of(tmp_path / "undersigned.zip")
    assert rows["signatories.decision"] == rows["signatories.signatory"] == []


@pytest.mark.parametrize("name", ["no-folder/x.zip", "a-file/x.zip", "long" * 75])
def test_where_no_file_can_be_written_it_says_so(letter, tmp_path, name):
    (tmp_path / "a-file").touch()
    (tmp_path / "no-folder").symlink_to(tmp_path / "nowhere" / "else")

    with pytest.raises(CommandError, match="It cannot be written"):
        call_command("backup", str(tmp_path / name))


def test_a_backup_goes_into_an_empty_database_only(backup):
    with pytest.raises(CannotRestore, match="There are tables in the database already"):
        restore(backup)


def test_a_file_that_is_no_whole_backup_is_refused(backup):
    body = backup.read_bytes()
    spoilt = backup.with_name("spoilt.zip")
    for bad in (b"", b"PK", b"no backup at all\n" * 100, body[: len(body) // 2], body[:-1]):
        spoilt.write_bytes(bad)
        with pytest.raises(CannotRestore, match="is no backup, or a damaged one: a part of the"):
            restore(spoilt)
    with pytest.raises(CannotRestore, match="It cannot be read"):
        restore(backup.with_name("not-there.zip"))
    with pytest.raises(CannotRestore, match="a damaged one: what it says of itself cannot be read"):
        restore(changed(backup, **{"manifest.json": None}))


def test_a_changed_byte_is_found_or_changes_nothing(backup):
    """Of those in the middle of members, whichever it is; of the ZIP file's own, some (dates, modes) say nothing."""
    body = backup.read_bytes()
    spoilt = backup.with_name("spoilt.zip")
    passed = 0
    for place in range(0, len(body), 97):
        spoilt.write_bytes(body[:place] + bytes([body[place] ^ 0x55]) + body[place + 1 :])
        with pytest.raises(CannotRestore) as refused:
            restore(spoilt)
        if "There are tables in the database already" in str(refused.value):
            passed += 1
            assert rows_of(spoilt) == rows_of(backup)
    assert passed < len(body) / 97 / 2


@pytest.mark.parametrize("name", ["signatories.decision.jsonl", "letter.letter.jsonl"])
def test_a_missing_table_is_named(backup, name):
    with pytest.raises(CannotRestore, match=f"is damaged: it has no {name}"):
        restore(changed(backup, **{name: None}))

    tables = manifest_of(backup)["tables"]
    del tables[name.removesuffix(".jsonl")]
    with pytest.raises(CannotRestore, match=f"not those of its migrations: {name[:-6]}"):
        restore(with_manifest(backup, tables=tables))


def test_a_changed_row_is_named(backup):
    row = rows_of(backup)["signatories.signatory"][0]
    line = json.dumps(row | {"name": "Centre Kibu"}).encode()

    with pytest.raises(CannotRestore, match=r"damaged: signatories\.signatory\.jsonl was changed"):
        restore(changed(backup, **{"signatories.signatory.jsonl": line + b"\n"}))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"format": 2}, "The backup has format 2, and this Undersigned, .*, reads format 1"),
        (
            {"version": "9.1", "migrations": ["letter.0001_letters_editions_listings", "letter.9"]},
            r"of a newer Undersigned, 9\.1; this is .*, which does not know letter\.9\. Install",
        ),
        ({"migrations": None}, "is no backup, or a damaged one"),
        ({"tables": {"letter.letter": 3}}, "is no backup, or a damaged one"),
    ],
)
def test_what_this_version_does_not_know_is_refused_in_words(backup, said, words):
    with pytest.raises(CannotRestore, match=words):
        restore(with_manifest(backup, **said))


def test_an_empty_database_is_not_mistaken_for_a_site(tmp_path):
    environ = environ_of(tmp_path, {}, "empty")

    done = run_manage(environ, "backup")

    assert done.returncode == 1
    assert done.stderr.strip().endswith(
        "There is nothing in this database. Is DATABASE_URL the right one?"
    )
    assert not list((tmp_path / "backups").iterdir())


def test_a_damaged_file_leaves_the_database_empty(backup, tmp_path):
    with new_database(connection.vendor) as database:
        environ = environ_of(tmp_path / "var", database, "after")

        spoilt = changed(backup, **{"letter.letter.jsonl": b""})
        refused = run_manage(environ, "restore", spoilt)

        assert refused.returncode == 1
        assert "The backup is damaged: letter.letter.jsonl was changed." in refused.stderr
        assert not list(tmp_path.rglob("*.sqlite3"))
        # Still empty: the whole one goes in.
        assert "The editions of 1 letter(s) hold." in manage(environ, "restore", backup)


def test_what_was_written_is_compared_with_the_file_before_it_is_kept(backup, tmp_path):
    """A file whose sums are right and whose rows are none of ours: a column that there is not would be lost."""
    rows = rows_of(backup)["signatories.signatory"]
    lines = b"".join(json.dumps(row | {"stars": 5}).encode() + b"\n" for row in rows)
    tables = manifest_of(backup)["tables"]
    tables["signatories.signatory"] = {"rows": len(rows), "sha256": sha256(lines).hexdigest()}
    said = json.dumps(manifest_of(backup) | {"tables": tables}).encode()
    odd = changed(backup, **{"manifest.json": said, "signatories.signatory.jsonl": lines})
    with new_database(connection.vendor) as database:
        environ = environ_of(tmp_path / "var", database, "after")

        refused = run_manage(environ, "restore", odd)

        assert refused.returncode == 1
        assert "signatories.signatory is not what the backup has" in refused.stderr
        assert "before you try again, make a new one" in refused.stderr
        assert manage(environ, "verify_editions") == ""  # of no letter
