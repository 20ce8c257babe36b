"""Lists that become sign-ons, all or nothing."""

import pytest
from django.core.management import CommandError, call_command

from letter.models import Listing
from signatories import moderation
from signatories.duplicates import index_signatory
from signatories.importing import NotImportable, already_there, import_rows
from signatories.list_file import check, lay_out, read_table
from signatories.models import Alias, Decision, Signatory
from tests.factories import NOW, LetterFactory, OrganizationFactory, SignatoryFactory

State = Signatory.State


def rows_of(text):
    return check(lay_out(read_table(text)))


def stored():
    return (Signatory.objects.count(), Decision.objects.count())


def test_rows_come_in_as_if_added_by_hand(letter, coordinator):
    by = moderation.By.coordinator(coordinator)
    text = "Organisation,Country,E-mail,Note\nPAX,Netherlands,a@pax.org,by mail\nINSEC,Nepal,,\n"
    imported = import_rows(letter, rows_of(text), by=by, at=NOW)
    by_hand = Signatory(letter=letter, revision=letter.revisions.get(), name="Amnesty")
    moderation.add(by_hand, by=by, source=Signatory.Source.IMPORT, at=NOW)

    pax, insec = imported.signatories
    pax.refresh_from_db()
    assert (pax.name, pax.countries, pax.email, pax.note, pax.state, pax.source, pax.name_key) == (
        "PAX", ["NL"], "a@pax.org", "by mail", State.PENDING, Signatory.Source.IMPORT, "pax",
    )  # fmt: skip
    assert len({each.reference for each in (pax, insec, by_hand)}) == 3
    log = list(
        Decision.objects.values_list(
            "event", "from_state", "to_state", "actor", "user", "reason", "at"
        )
    )
    assert log == [log[0]] * 3
    assert letter.revisions.get().locked_at == NOW


def test_a_reference_drawn_twice_or_taken_is_drawn_again(letter, monkeypatch):
    SignatoryFactory(letter=letter, reference="AAA-AAAA")
    draws = iter(["AAA-AAAA", "BBB-BBBB", "BBB-BBBB", "CCC-CCCC", "DDD-DDDD"])
    monkeypatch.setattr(Signatory._meta.get_field("reference"), "_get_default", lambda: next(draws))
    monkeypatch.setattr(moderation, "new_reference", lambda: next(draws))

    imported = import_rows(letter, rows_of("PAX\nINSEC\nKivu"), by=moderation.SYSTEM, at=NOW)

    assert [each.reference for each in imported.signatories] == ["CCC-CCCC", "BBB-BBBB", "DDD-DDDD"]


def test_one_row_with_a_problem_refuses_all(letter):
    with pytest.raises(NotImportable):
        import_rows(letter, rows_of("PAX\nINSEC (Nepall)"), by=moderation.SYSTEM, at=NOW)

    assert stored() == (0, 0)
    assert letter.revisions.get().locked_at is None


def test_a_letter_without_a_text_takes_nobody(db):
    with pytest.raises(NotImportable):
        import_rows(LetterFactory(), rows_of("PAX"), by=moderation.SYSTEM, at=NOW)

    assert stored() == (0, 0)


def test_of_two_entries_of_one_name_that_on_the_list_is_named(letter):
    SignatoryFactory(letter=letter, name="PAX")
    listed = SignatoryFactory(letter=letter, name="Pax", state=State.APPROVED)
    SignatoryFactory(letter=letter, name="pax")

    assert already_there(letter, rows_of("PAX")) == {1: listed}


def test_of_two_entries_of_one_name_that_which_waits_is_named_before_one_returned(letter):
    SignatoryFactory(letter=letter, name="PAX", state=State.RETURNED)
    waiting = SignatoryFactory(letter=letter, name="Pax")

    assert already_there(letter, rows_of("PAX")) == {1: waiting}


def test_what_is_on_the_letter_stays_out_unless_chosen(letter):
    pax = SignatoryFactory(letter=letter, name="Pax!")
    SignatoryFactory(letter=letter, name="INSEC", state=State.REJECTED)
    rows = rows_of("PAX\nINSEC")

    assert already_there(letter, rows) == {1: pax}
    first = import_rows(letter, rows, by=moderation.SYSTEM, at=NOW)
    again = import_rows(letter, rows, by=moderation.SYSTEM, at=NOW, chosen={1})

    assert [each.name for each in first.signatories] == ["INSEC"]
    assert [each.name for each in first.left_out] == ["PAX"]
    assert [each.name for each in again.signatories] == ["PAX"]


def test_the_command_brings_a_list_in_and_publishes_it(letter, tmp_path, capsys):
    file = tmp_path / "list.txt"
    file.write_text("1. PAX (Netherlands)\n2. INSEC – Nepal\n", encoding="utf-8")

    call_command("import_signatories", "conduct", file, "--dry-run")
    assert stored() == (0, 0)
    call_command("import_signatories", "conduct", file, "--approve")
    call_command("import_signatories", "conduct", file)

    assert sorted(Listing.objects.values_list("name", flat=True)) == ["INSEC", "PAX"]
    assert capsys.readouterr().out.splitlines()[-1] == "0 came in, 2 were on the letter already."


def test_the_command_approves_in_the_order_of_the_file(letter, tmp_path):
    file = tmp_path / "list.txt"
    file.write_text("PAX\nGenocide Watch\nINSEC\nAdvocacy Forum\n", encoding="utf-8")

    call_command("import_signatories", "conduct", file, "--approve")

    approved = Signatory.objects.order_by("approved_at").values_list("name", flat=True)
    assert list(approved) == ["PAX", "Genocide Watch", "INSEC", "Advocacy Forum"]


def test_the_command_stores_nothing_if_one_cannot_be_approved(letter, tmp_path):
    organization = OrganizationFactory(name="PAX")
    Alias.objects.create(organization=organization, name="PAX Peace", name_key="pax peace")
    file = tmp_path / "list.txt"
    file.write_text("PAX\nGenocide Watch\nPAX Peace\n", encoding="utf-8")

    with pytest.raises(CommandError, match="already on the list"):
        call_command("import_signatories", "conduct", file, "--approve")

    assert stored() == (0, 0)


def test_the_command_names_what_is_probably_a_duplicate(letter, tmp_path, capsys):
    on_it = SignatoryFactory(letter=letter, name="Centre Kivu")
    index_signatory(on_it)
    file = tmp_path / "list.txt"
    file.write_text("Kivu Center asbl\nGenocide Watch\nGenocide Watsh\n", encoding="utf-8")

    call_command("import_signatories", "conduct", file, "--dry-run")

    assert capsys.readouterr().out.splitlines() == [
        "1. Kivu Center asbl",
        f"    probably the same as “Centre Kivu” (on the letter, {on_it.reference})",
        "2. Genocide Watch",
        "3. Genocide Watsh",
        "    probably the same as “Genocide Watch” (line 2)",
        "3 would come in, 2 of them probably duplicates. Nothing was stored.",
    ]


def test_the_command_tells_what_it_leaves_out_and_why(letter, tmp_path, capsys):
    listed = SignatoryFactory(letter=letter, name="PAX", state=State.PENDING)
    returned = SignatoryFactory(letter=letter, name="INSEC", state=State.RETURNED)
    file = tmp_path / "list.txt"
    file.write_bytes("Excellency,\n1. PAX\n2. INSEC\n3. Kivu – Genève\n".encode("cp1252"))

    call_command("import_signatories", "conduct", file)
    call_command("import_signatories", "conduct", file, "--dry-run")

    said = capsys.readouterr().out.splitlines()
    assert said[:6] == [
        f"{file} was read as Windows-1252: look at the accents.",
        "Line 1, left out: Excellency,",
        "    Not a line of the list? It has no number, unlike those of the list.",
        f"2. PAX; already on the letter ({listed.reference}, Waiting for a decision), left out",
        f"3. INSEC; already on the letter ({returned.reference}, {returned.get_state_display()}), comes in",
        "4. Kivu – Genève",
    ]
    assert "2 came in, 1 were on the letter already." in said
    assert said[-1].startswith("0 would come in")


def test_the_command_names_each_line_it_cannot_read(letter, tmp_path, capsys):
    file = tmp_path / "list.csv"
    file.write_text(
        "name,country,email\nPAX,Kenia,\nINSEC,Nepal,nobody\nA,Peru,\n", encoding="utf-8"
    )

    with pytest.raises(CommandError, match="2 line"):
        call_command("import_signatories", "conduct", file, "--approve")

    assert [line for line in capsys.readouterr().err.splitlines() if line[0] == "L"] == [
        "Line 2: PAX | Kenia",
        "Line 3: INSEC | Nepal | nobody",
    ]
    assert stored() == (0, 0)


@pytest.mark.parametrize("content", [b"", b"\xff\x00", None])
def test_the_command_refuses_a_file_that_is_none(letter, tmp_path, content):
    file = tmp_path / "list.csv"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(CommandError):
        call_command("import_signatories", "conduct", file)
    with pytest.raises(CommandError):
        call_command("import_signatories", "nowhere", file)
