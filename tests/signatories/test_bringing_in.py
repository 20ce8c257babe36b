"""The desk's page for a list: what is shown, what is kept, what is stored."""

import html
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.translation import get_language, override

from signatories import importing, moderation
from signatories.desk import bringing_in
from signatories.duplicates import find_twins, index_signatory, judge
from signatories.models import Alias, Decision, Signatory
from tests.factories import NOW, LetterFactory, SignatoryFactory
from tests.reading import text_of

URL = "/admin/signatories/signatory/bring-in/"
QUEUE = "/admin/signatories/signatory/"


@pytest.fixture
def desk(client, coordinator):
    client.force_login(coordinator)
    return client


def fields_of(response):
    """What a browser would send back with this page."""
    page = response.content.decode()
    page = page[page.index('class="bring-in"') :]
    sent = {}
    for tag in re.findall(r"<input [^>]*>", page):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        is_sent = attributes["type"] != "checkbox" or " checked" in tag
        if is_sent and attributes["name"] != "csrfmiddlewaretoken":
            sent[attributes["name"]] = html.unescape(attributes["value"])
    for name, options in re.findall(r'<select [^>]*name="([^"]+)">(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected>', options)
        sent[name] = chosen.group(1)
    return sent


def paste(desk, letter, text):
    return desk.post(URL, {"letter": letter.pk, "text": text})


def names():
    return sorted(Signatory.objects.values_list("name", flat=True))


def test_a_pasted_list_is_shown_and_then_stored(letter, desk, coordinator):
    preview = paste(desk, letter, "1. PAX (Netherlands)\n2. Genocide Watch – USA\n")
    assert (preview.status_code, names()) == (200, [])
    assert "Genocide Watch (USA)" in text_of(preview)
    assert "Bring in 2 rows" in text_of(preview)

    done = desk.post(URL, {**fields_of(preview), "store": "1"})

    assert done.headers["Location"] == f"{QUEUE}?letter__id__exact={letter.pk}"
    stored = Signatory.objects.order_by("pk").values_list("name", "countries", "label", "source")
    assert list(stored) == [
        ("PAX", ["NL"], "", "import"),
        ("Genocide Watch", ["US"], "USA", "import"),
    ]
    assert {each.user for each in Decision.objects.all()} == {coordinator}
    assert "2 organisations came in" in text_of(desk.get(done.headers["Location"]))


def test_a_problem_stands_beside_its_field_and_refuses_all(letter, desk):
    preview = paste(desk, letter, "PAX (Kenia)\nINSEC (Nepal)")
    sent = {**fields_of(preview), "name-2": "INSEC Nepal", "store": "1"}

    refused = desk.post(URL, sent)

    assert (refused.status_code, names()) == (422, [])
    page = text_of(refused)
    assert "“Kenia” is not a country known here; did you mean Kenya?" in page
    assert "1 row has something to mend" in page
    kept = fields_of(refused)
    assert (kept["name-2"], kept["countries-1"]) == ("INSEC Nepal", "Kenia")

    desk.post(URL, {**kept, "countries-1": "Kenya", "store": "1"})

    assert names() == ["INSEC Nepal", "PAX"]
    assert Signatory.objects.get(name="PAX").countries == ["KE"]


def test_what_is_on_the_letter_is_left_out_unless_somebody_says_otherwise(letter, desk):
    SignatoryFactory(letter=letter, name="PAX")
    preview = paste(desk, letter, "PAX\nINSEC")
    sent = fields_of(preview)
    assert [name for name in sent if name.startswith("leave")] == ["leave-1"]
    assert "On the letter already" in text_of(preview)

    desk.post(URL, {**sent, "store": "1"})
    assert names() == ["INSEC", "PAX"]

    sent = {**fields_of(paste(desk, letter, "PAX")), "store": "1"}
    del sent["leave-1"]
    desk.post(URL, sent)
    assert names() == ["INSEC", "PAX", "PAX"]


@pytest.mark.parametrize("state", ["submitted", "returned", "pending", "approved"])
def test_an_entry_that_nobody_will_decide_leaves_out_no_row(letter, desk, state):
    SignatoryFactory(letter=letter, name="PAX", state=state)
    preview = paste(desk, letter, "PAX")
    is_settled = state in {"pending", "approved"}

    assert ("leave-1" in fields_of(preview)) == is_settled
    assert ("This row comes in unless you leave it out." in text_of(preview)) != is_settled
    desk.post(URL, {**fields_of(preview), "store": "1"})
    assert names() == (["PAX"] if is_settled else ["PAX", "PAX"])


def test_what_was_meant_is_chosen_with_one_click(letter, desk):
    sent = fields_of(paste(desk, letter, "PAX (Kenya, Congo)"))
    assert (sent["meant-1"], sent["countries-1"]) == ("", "Kenya, Congo")
    choice = "Kenya, Republic of the Congo"

    again = fields_of(desk.post(URL, {**sent, "meant-1": choice}))

    assert (again["countries-1"], "meant-1" in again) == (choice, False)
    desk.post(URL, {**sent, "meant-1": choice, "store": "1"})
    assert Signatory.objects.get().countries == ["KE", "CG"]


def test_lines_around_a_numbered_list_are_left_out_unless_somebody_takes_them(letter, desk):
    preview = paste(desk, letter, "Excellency,\n1. PAX\n2. INSEC\n3. Kivu\nFourth")
    sent = fields_of(preview)
    assert {name for name in sent if name.startswith("leave")} == {"leave-1", "leave-5"}
    assert "2 lines have no number" in text_of(preview)

    del sent["leave-5"]
    desk.post(URL, {**sent, "store": "1"})

    assert names() == ["Fourth", "INSEC", "Kivu", "PAX"]


def test_a_file_of_a_european_spreadsheet_is_read_with_a_remark(letter, desk):
    data = "Organisation;Land;Sitz\nÄrzte;Kenia;Nepal\n".encode("cp1252")
    file = SimpleUploadedFile("list.csv", data)

    preview = desk.post(URL, {"letter": letter.pk, "file": file})

    assert "Read as Windows-1252: look at the accents." in text_of(preview)
    assert "The column “Sitz” seems to hold countries, and is not used." in text_of(preview)
    again = desk.post(URL, fields_of(preview))
    assert "Read as Windows-1252: look at the accents." in text_of(again)
    assert fields_of(again)["name-2"] == "Ärzte"


def test_what_is_wrong_with_a_file_stands_beside_its_field(letter, desk):
    file = SimpleUploadedFile("list.csv", b"%PDF")
    page = desk.post(URL, {"letter": letter.pk, "file": file}).content.decode()

    assert page.index('for="id_file"') < page.index("This is a PDF") < page.index('id="id_file"')


def test_what_came_onto_the_letter_meanwhile_is_shown_first(letter, desk):
    sent = {**fields_of(paste(desk, letter, "PAX\nINSEC")), "store": "1"}
    SignatoryFactory(letter=letter, name="PAX")

    again = desk.post(URL, sent)

    assert (again.status_code, names()) == (422, ["PAX"])
    assert fields_of(again)["leave-1"] == "1"


def test_a_row_with_a_problem_can_be_left_out(letter, desk):
    sent = fields_of(paste(desk, letter, "PAX\nPax\nINSEC"))

    desk.post(URL, {**sent, "leave-2": "1", "store": "1"})

    assert names() == ["INSEC", "PAX"]


def test_another_reading_of_the_columns_loses_no_correction(letter, desk):
    file = SimpleUploadedFile("list.csv", b"name,country\nPAX,Netherlands\nINSEC,Nepal\n")
    sent = fields_of(desk.post(URL, {"letter": letter.pk, "file": file}))
    assert (sent["column-0"], sent["column-1"]) == ("name", "countries")

    sent |= {"name-3": "INSEC Nepal", "column-1": "note", "store": "1"}
    again = desk.post(URL, sent)

    assert (again.status_code, names()) == (422, [])
    sent = fields_of(again)
    assert [sent[name] for name in ("name-3", "countries-3", "note-3", "name-2")] == [
        "INSEC Nepal", "", "Nepal", "PAX",
    ]  # fmt: skip


def test_the_label_goes_with_the_countries_it_was(letter, desk):
    sent = fields_of(paste(desk, letter, "PAX (USA)"))
    assert sent["label-1"] == "USA"

    desk.post(URL, {**sent, "countries-1": "Kenya", "store": "1"})

    pax = Signatory.objects.get()
    assert (pax.countries, pax.label) == (["KE"], "")


def test_of_a_long_list_the_rows_with_something_to_say_are_shown(letter, desk, monkeypatch):
    monkeypatch.setattr(bringing_in, "MOST_SHOWN", 2)
    preview = paste(desk, letter, "A1\nB1\nC1 (Kenia)\nD1\n")
    sent = fields_of(preview)
    assert {name for name in sent if name.startswith("name")} == {"name-3"}
    assert "3 rows are not shown" in text_of(preview)

    again = fields_of(desk.post(URL, {**sent, "countries-3": "Kenya"}))
    assert again["countries-3"] == "Kenya"
    desk.post(URL, {**again, "store": "1"})

    assert names() == ["A1", "B1", "C1", "D1"]


@pytest.mark.parametrize("text", ["", "name\n"])
def test_what_cannot_be_read_keeps_what_was_typed(letter, desk, text):
    response = paste(desk, letter, text)

    assert response.status_code == 422
    assert response.context["form"]["text"].value() == text


def test_a_broken_file_or_a_letter_without_text_is_told(letter, desk):
    file = SimpleUploadedFile("list.xlsx", b"PK junk")
    broken = desk.post(URL, {"letter": letter.pk, "file": file})
    empty = paste(desk, LetterFactory(), "PAX")

    assert (broken.status_code, empty.status_code) == (422, 422)
    assert "This spreadsheet cannot be read." in text_of(broken)
    assert "This letter has no text yet" in text_of(empty)
    assert "PAX" in text_of(empty)


@pytest.mark.parametrize("table", ["", "forged", "eyJhIjoxfQ:1a:zzz"])
def test_columns_that_are_not_ours_are_refused(letter, desk, table):
    response = desk.post(URL, {"letter": letter.pk, "table": table, "store": "1"})

    assert (response.status_code, response.headers["Location"], names()) == (302, URL, [])


def test_the_queue_links_to_it_for_those_who_may(letter, desk, observer):
    assert URL in desk.get(QUEUE).content.decode()
    desk.force_login(observer)
    assert URL not in desk.get(QUEUE).content.decode()
    desk.logout()
    assert desk.get(URL).status_code == 302


def test_rows_that_are_probably_duplicates_are_marked_and_come_in_unless_left_out(letter, desk):
    on_it = SignatoryFactory(letter=letter, name="Centre Kivu")
    index_signatory(on_it)
    preview = paste(desk, letter, "Kivu Center asbl\nGenocide Watch\nGenocide Watsh Inc.\n")
    shown = text_of(preview)

    assert f"Probably the same as “Centre Kivu”, on the letter: {on_it.reference}" in shown
    assert "Probably the same as “Genocide Watch” in line 2" in shown
    assert "2 are probably duplicates" in shown
    left_out = desk.post(URL, {**fields_of(preview), "leave-2": "1"})
    assert "in line 2" not in text_of(left_out)
    desk.post(URL, {**fields_of(preview), "leave-1": "1", "store": "1"})
    assert names() == ["Centre Kivu", "Genocide Watch", "Genocide Watsh Inc."]


def test_what_was_judged_different_and_what_is_gone_are_no_duplicates(letter, desk, coordinator):
    index_signatory(SignatoryFactory(letter=letter, name="Centre Kivu"))
    gone = SignatoryFactory(letter=letter, name="Genocide Watch", state="rejected")
    index_signatory(gone)
    judge("Centre Kivu", "Kivu Center asbl", "different", user=coordinator, at=NOW)

    assert find_twins(letter, {1: "Kivu Center asbl", 2: "Genocide Watsh"}) == {}


def test_an_organization_of_the_letter_is_found_by_its_other_name(letter):
    entry = SignatoryFactory(letter=letter, name="Ligue des droits", state="approved")
    index_signatory(entry)
    Alias.objects.create(
        organization=entry.organization, name="Rights League", name_key="rights league"
    )

    assert find_twins(letter, {1: "The Rights Leage"})[1].entry.name == "Ligue des droits"


@pytest.mark.parametrize("count", [1, 30])
def test_a_list_is_compared_in_as_many_queries_however_long(
    letter, count, django_assert_num_queries
):
    for number in range(count):
        index_signatory(SignatoryFactory(letter=letter, name=f"Kivu Centre {number}"))

    with django_assert_num_queries(4):
        find_twins(letter, {number: f"Kivu Center {number}" for number in range(count)})


def test_a_long_list_shows_how_far_it_is_and_what_came_of_it(letter, desk, monkeypatch):
    monkeypatch.setattr(moderation, "BATCH", 2)
    preview = paste(desk, letter, "A1\nB1\nC1\n")

    done = desk.post(URL, {**fields_of(preview), "store": "1"})
    pieces = [piece.decode() for piece in done.streaming_content]

    assert (done.status_code, done.streaming) == (200, True)
    assert [re.sub("<[^>]*>", "", piece) for piece in pieces[1:-1]] == [
        "0 of 3 rows",
        "2 of 3 rows",
        "3 of 3 rows",
        "3 organisations came in; they wait for a decision. To the queue",
    ]
    assert pieces[0].lstrip().startswith("<!DOCTYPE html>")
    assert pieces[-1].rstrip().endswith("</html>")
    assert names() == ["A1", "B1", "C1"]


def test_the_lines_of_progress_are_in_the_language_of_the_request(letter, desk, monkeypatch):
    said = []
    monkeypatch.setattr(moderation, "BATCH", 1)
    monkeypatch.setattr(bringing_in, "gettext", lambda text: said.append(get_language()) or text)
    sent = {**fields_of(paste(desk, letter, "A1\nB1\n")), "store": "1"}
    done = desk.post(URL, sent, headers={"Accept-Language": "fr"})
    with override("ar"):
        said.clear()
        for _piece in done.streaming_content:
            assert get_language() == "ar"

    assert set(said) == {"fr"}


def test_a_long_list_whose_reader_goes_away_is_not_stored_in_part(letter, desk, monkeypatch):
    monkeypatch.setattr(moderation, "BATCH", 1)
    preview = paste(desk, letter, "A1\nB1\nC1\n")
    done = desk.post(URL, {**fields_of(preview), "store": "1"})
    for _piece in range(4):
        next(done.streaming_content)
    assert len(names()) == 2

    done._iterator.close()  # as a server closes what it sends

    assert names() == []


def test_a_long_list_that_fails_says_so_and_stores_nothing(letter, desk, monkeypatch):
    monkeypatch.setattr(moderation, "BATCH", 1)
    preview = paste(desk, letter, "A1\nB1\n")
    done = desk.post(URL, {**fields_of(preview), "store": "1"})
    monkeypatch.setattr(importing, "signable_revision", {}.get)

    page = b"".join(done.streaming_content).decode()

    assert "Nothing was brought in: This letter has no text yet" in page
    assert names() == []


def test_a_text_too_long_to_paste_is_answered_in_words(letter, desk, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

    answer = paste(desk, letter, "Genocide Watch\n" * 100)

    assert answer.status_code == 422
    assert "save it as a file and upload that" in text_of(answer)
    file = SimpleUploadedFile("list.txt", b"Genocide Watch\n" + b"\n" * 2000)
    assert desk.post(URL, {"letter": letter.pk, "file": file}).status_code == 200


def test_a_forged_form_is_refused(letter, coordinator):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(coordinator)

    assert paste(browser, letter, "Genocide Watch").status_code == 403
