"""What people type on the terminal."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.utils import timezone

from letter.models import Edition, Letter, Listing, Revision
from letter.publishing import request_publication, verify
from signatories import moderation
from signatories.models import Link, Organization, Signatory
from signatories.retention import CONFIRM_WITHIN
from tests.factories import NOW, SignatoryFactory, UserFactory
from tests.reading import text_of

# Our own words around the 33 real lines, in the format of the real letter.
FILE = Path(__file__).parent / "code-of-conduct.txt"
State = Signatory.State

pytestmark = pytest.mark.django_db


def lines_of(path: Path) -> list[str]:
    listed = [
        line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("- ")
    ]
    return [line.removeprefix("- ") for line in listed]


def test_the_real_list_comes_out_as_it_went_in(client, capsys):
    call_command("import_letter", FILE, "--slug", "conduct", "--approve")

    document = client.get("/conduct/signatories.json").json()
    printed = [
        f"{each['number']}. {each['name']}" + (f" ({each['label']})" if each["label"] else "")
        for each in document["signatories"]
    ]
    assert len(printed) == 33
    assert printed == lines_of(FILE)
    first = document["signatories"][0]
    assert (first["countries"], first["label_set"]) == (["CD"], "Democratic Republic of Congo")
    assert document["country_count"] == 20


def test_only_the_name_out_of_order_gets_a_sort_as():
    call_command("import_letter", FILE, "--slug", "conduct")

    moved = Signatory.objects.exclude(sort_as="").values_list("name", flat=True)
    assert list(moved) == ["International Coalition for the Responsibility to Protect"]


def test_the_page_prints_the_real_list(client):
    call_command("import_letter", FILE, "--slug", "conduct", "--approve")

    page = text_of(client.get("/conduct/"))

    for line in lines_of(FILE):
        assert line.partition(". ")[2] in page


def test_without_approve_it_is_a_draft_that_waits(client):
    call_command("import_letter", FILE, "--slug", "conduct", "--title", "A code of conduct")

    letter = Letter.objects.get()
    assert (letter.title, letter.state, letter.salutation, letter.closing_line) == (
        "A code of conduct", Letter.State.DRAFT, "Excellency,", "Sincerely,",
    )  # fmt: skip
    assert Signatory.objects.pending().count() == 33
    assert (Edition.objects.count(), client.get("/conduct/").status_code) == (0, 404)
    assert Revision.objects.get().locked_at is not None


def test_the_import_says_what_it_made(capsys):
    call_command("import_letter", FILE, "--slug", "conduct", "--approve")

    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if line in lines_of(FILE)] == lines_of(FILE)
    assert any("33 signatories" in line for line in said)


def test_lines_that_cannot_be_read_are_named_and_nothing_is_stored(tmp_path, capsys):
    file = tmp_path / "letter.txt"
    file.write_text(
        "Excellency,\n\nWe ask.\n\nSincerely,\n\n1. PAX (Netherlands)\n2. Amani (Kenia)\n\n4. Zarga (Sudan)\n",
        encoding="utf-8",
    )

    with pytest.raises(CommandError, match="Nothing was stored"):
        call_command("import_letter", file)

    said = capsys.readouterr().err
    assert "Line 8: 2. Amani (Kenia)" in said
    assert "did you mean Kenya?" in said
    assert "Line 10: 4. Zarga (Sudan)" in said
    assert (Letter.objects.count(), Signatory.objects.count(), Organization.objects.count()) == (
        0,
        0,
        0,
    )


@pytest.mark.parametrize("text", ["1. PAX (Netherlands)\n", "Sincerely,\n\n1. PAX (Netherlands)\n"])
def test_a_list_without_a_letter_is_refused(tmp_path, text):
    file = tmp_path / "letter.txt"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(CommandError, match="no text of a letter"):
        call_command("import_letter", file)

    assert Letter.objects.count() == 0


def test_a_letter_of_one_paragraph(tmp_path, capsys):
    file = tmp_path / "letter.txt"
    file.write_text("# One\n\nWe ask for a code.\n\nSincerely,\n\n1. PAX\n", encoding="utf-8")

    call_command("import_letter", file)

    letter = Letter.objects.get()
    assert (letter.addressee, letter.salutation, letter.closing_line) == ("", "", "Sincerely,")
    assert letter.revisions.get().bodies.get().body == "We ask for a code."
    assert "Closing line: Sincerely," in capsys.readouterr().out


def test_a_list_in_another_order_keeps_it(tmp_path, client):
    names = ["Zarga", "PAX", "Amani", "INSEC", "Burma Partnership", "Genocide Alert", "Child Aid"]
    file = tmp_path / "letter.txt"
    listed = "\n".join(f"{number}. {name}" for number, name in enumerate(names, start=1))
    file.write_text(f"# A letter\n\nWe ask.\n\n{listed}\n", encoding="utf-8")

    call_command("import_letter", file, "--approve")

    letter = Letter.objects.get()
    assert (letter.slug, letter.ordering) == ("a-letter", Letter.Ordering.APPROVAL)
    assert [
        each["name"] for each in client.get("/a-letter/signatories.json").json()["signatories"]
    ] == names


@pytest.mark.parametrize("slug", ["admin", "Ä", "conduct"])
def test_an_address_that_is_taken_or_impossible_is_refused(letter, slug):
    with pytest.raises(CommandError, match="Nothing was stored"):
        call_command("import_letter", FILE, "--slug", slug)

    assert Letter.objects.count() == 1
    assert Signatory.objects.count() == 0


def test_a_file_that_is_not_there_or_not_text_is_refused_in_words(tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_letter", tmp_path / "nothing.txt")
    (tmp_path / "latin.txt").write_bytes("Développement".encode("latin-1"))
    with pytest.raises(CommandError, match="not UTF-8"):
        call_command("import_letter", tmp_path / "latin.txt")


def test_publish_writes_an_edition_only_if_something_changed(letter, capsys):
    SignatoryFactory(letter=letter, state=State.APPROVED)

    call_command("publish", "conduct")
    call_command("publish", "conduct")

    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("Edition 1: 1 organisations")
    assert second == "Nothing changed; no edition was written."
    with pytest.raises(CommandError, match="no letter"):
        call_command("publish", "nothing")
    Letter.objects.update(state=Letter.State.DRAFT)
    with pytest.raises(CommandError, match="draft"):
        call_command("publish", "conduct")


def test_redact_takes_a_line_out_of_every_edition_and_out_of_the_registry(
    letter, client, work, capsys
):
    kept = SignatoryFactory(letter=letter, name="Amani", state=State.APPROVED)
    gone = SignatoryFactory(letter=letter, name="Zarga", state=State.APPROVED)
    request_publication(letter, at=timezone.now())
    work()

    with pytest.raises(CommandError, match="Add --yes"):
        call_command("redact", "conduct", gone.line_id)
    assert Listing.objects.filter(name="Zarga").exists()
    gone.refresh_from_db()
    LogEntry.objects.log_actions(
        UserFactory().pk,
        [gone.organization],
        CHANGE,
        "Added other name “Zarga Asbl”",
        single_object=True,
    )
    call_command("redact", "conduct", gone.line_id, "--yes")
    work()

    logged = LogEntry.objects.get()
    assert "Zarga" not in logged.object_repr + logged.change_message

    assert [each.name for each in letter.listings.current()] == ["Amani"]
    assert not Listing.objects.filter(name="Zarga").exists()
    assert list(Signatory.objects.all()) == [kept]
    assert [each.name for each in Organization.objects.all()] == ["Amani"]
    assert verify(letter).first_bad is None
    assert letter.editions.count() == 2
    assert "Zarga" not in client.get("/conduct/").content.decode()
    with pytest.raises(CommandError, match="never had"):
        call_command("redact", "conduct", "nothing", "--yes")


def test_purge_removes_what_nobody_confirmed_in_time(letter, capsys):
    now = timezone.now()
    old = SignatoryFactory(
        letter=letter,
        state=State.SUBMITTED,
        submitted_at=now - CONFIRM_WITHIN - timedelta(minutes=1),
    )
    new = SignatoryFactory(
        letter=letter, state=State.SUBMITTED, submitted_at=now - timedelta(days=6)
    )
    pending = SignatoryFactory(letter=letter, state=State.PENDING, submitted_at=NOW)

    call_command("purge")

    assert not Signatory.objects.filter(pk=old.pk).exists()
    assert set(Signatory.objects.all()) == {new, pending}
    assert capsys.readouterr().out == (
        "Removed 1 unconfirmed sign-on(s), 0 contact(s) and 0 ended session(s).\n"
    )


def test_purge_removes_sessions_that_have_ended(db, capsys):
    for key, age in (("ended", timedelta(minutes=-1)), ("open", timedelta(hours=1))):
        Session.objects.create(session_key=key, session_data="", expire_date=timezone.now() + age)

    call_command("purge")

    assert list(Session.objects.values_list("session_key", flat=True)) == ["open"]
    assert "1 ended session(s)" in capsys.readouterr().out


@pytest.mark.parametrize(("days", "is_kept"), [(-1, True), (1, False)])
def test_purge_forgets_the_contacts_of_letters_closed_long_ago(letter, days, is_kept):
    closed_at = timezone.now() - letter.keeps_contacts_for - timedelta(days=days)
    Letter.objects.update(
        state=Letter.State.CLOSED, closes_at=closed_at, created_at=closed_at - timedelta(days=30)
    )
    signatory = SignatoryFactory(letter=letter, state=State.APPROVED)
    Link.objects.create(signatory=signatory, token_hash="x")

    call_command("purge")

    signatory.refresh_from_db()
    assert (signatory.email != "", signatory.contact_name != "", Link.objects.exists()) == (
        is_kept, is_kept, is_kept,
    )  # fmt: skip
    assert signatory.name


def test_the_demo_wants_to_be_asked_for(settings):
    settings.DEMO = False
    with pytest.raises(CommandError, match="DEMO=1"):
        call_command("demo")

    assert Letter.objects.count() == 0


def test_the_demo_has_its_letter_its_coordinator_and_something_to_decide(settings, client, capsys):
    settings.DEMO = True
    call_command("demo")
    call_command("demo")

    letter = Letter.objects.get()
    assert letter.editions.get().organization_count == 33
    assert Signatory.objects.pending().count() == 6
    assert client.login(username="demo", password="demo")
    assert client.get("/admin/signatories/signatory/").status_code == 200
    assert "/no-veto/" in capsys.readouterr().out


def test_purge_forgets_what_the_history_says_of_a_contact(letter, coordinator):
    long_ago = timezone.now() - timedelta(days=365)
    Letter.objects.filter(pk=letter.pk).update(
        state=Letter.State.CLOSED, closes_at=long_ago, created_at=long_ago - timedelta(days=1)
    )
    signatory = SignatoryFactory(letter=letter)
    changes = {"email": "new@example.org", "name": "Amani Trust"}
    moderation.apply_changes(
        signatory, changes, by=moderation.By.coordinator(coordinator), at=long_ago
    )

    call_command("purge")

    assert list(signatory.changes.values_list("field", flat=True)) == ["name"]


@pytest.mark.parametrize("address", ["", " ", "%", "nobody"])
def test_the_subject_of_a_request_has_an_address(letter, address):
    """An empty one is that of everybody who has none: all that came in from a list."""
    entry = SignatoryFactory(letter=letter, state=Signatory.State.APPROVED, email="")

    with pytest.raises(CommandError, match="is no e-mail address"):
        call_command("subject", address, "--erase", "--withdraw")
    entry.refresh_from_db()
    assert entry.state == Signatory.State.APPROVED
