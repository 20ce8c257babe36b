"""An organisation has a name in each language in which a letter is read, where it gives one."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from letter.models import LANGUAGE_CODES
from letter.publishing import request_publication, verify
from signatories import duplicates, links, moderation, other_names
from signatories.forms import new_stamp
from signatories.models import Signatory
from signatories.moderation import By
from signatories.names import NameRefused, clean_name
from tests.factories import NOW, RevisionTextFactory, SignatoryFactory
from tests.letter.test_history import items
from tests.signatories.test_views import typed

State = Signatory.State
NAMES = {"ar": "عدالة", "fr": "Justice pour tous"}


@pytest.fixture
def in_three(letter):
    """The letter in English, French and Arabic."""
    for language in ("fr", "ar"):
        RevisionTextFactory(revision=letter.revisions.get(), language=language)
    return letter


def listed(client, path="/conduct/"):
    return items(client.get(path))


def test_each_language_reads_the_name_given_for_it(in_three, client, work):
    SignatoryFactory(
        letter=in_three, name="Justice for All", other_names=NAMES, state=State.APPROVED
    )
    SignatoryFactory(letter=in_three, name="PAX", countries=[], state=State.APPROVED)
    request_publication(in_three, at=NOW)
    work()

    assert listed(client) == ["Justice for All (Kenya)", "PAX"]
    assert listed(client, "/fr/conduct/") == ["Justice pour tous (Kenya)", "PAX"]
    assert listed(client, "/ar/conduct/") == ["عدالة (كينيا)", "PAX"]
    served = json.loads(client.get("/conduct/signatories.json").content)["signatories"]
    assert served[0]["name"] == "Justice for All"
    assert served[0]["other_names"] == NAMES
    assert "other_names" not in served[1]


def test_they_are_part_of_the_chain(in_three, work):
    SignatoryFactory(letter=in_three, name="PAX", other_names=NAMES, state=State.APPROVED)
    request_publication(in_three, at=NOW)
    work()
    assert verify(in_three).first_bad is None

    in_three.listings.update(other_names={**NAMES, "fr": "Another"})

    assert verify(in_three).first_bad == 1


def test_the_form_asks_for_them_where_the_letter_has_several_languages(in_three, client, work):
    page = client.get("/conduct/sign/").content.decode()
    assert 'name="other_name_fr"' in page
    assert 'name="other_name_ar"' in page

    client.post("/conduct/sign/", typed(other_name_fr=" Centre  du Kivu ", other_name_ar=""))

    entry = Signatory.objects.get()
    # The same name again need not be kept.
    assert (entry.name, entry.other_names) == ("Centre Kivu", {"fr": "Centre du Kivu"})


def test_the_form_asks_for_one_name_where_there_is_one_language(letter, client):
    assert "other_name_" not in client.get("/conduct/sign/").content.decode()

    client.post("/conduct/sign/", typed(other_name_fr="Centre du Kivu"))

    assert Signatory.objects.get().other_names == {}


@pytest.mark.parametrize("bad", ["x" * 251, "\u202eevil", "see www.example.org", "!!"])
def test_a_bad_one_is_refused_beside_its_field_and_kept(in_three, client, bad):
    page = client.post("/conduct/sign/", typed(other_name_fr=bad, stamp=new_stamp()))

    html = page.content.decode()
    assert page.status_code == 422
    assert 'aria-invalid="true"' in html
    assert '<details class="more" open>' in html
    assert not Signatory.objects.exists()


def test_more_countries_keep_what_was_typed_in_other_languages(in_three, client):
    page = client.post("/conduct/sign/", typed(other_name_fr="Centre du Kivu", more_countries="1"))

    assert 'value="Centre du Kivu"' in page.content.decode()


def test_a_contact_corrects_them_and_a_coordinator_accepts(in_three, client, work, coordinator):
    entry = SignatoryFactory(
        letter=in_three, name="PAX", other_names={"de": "Frieden"}, state=State.APPROVED
    )
    request_publication(in_three, at=NOW)
    work()
    token = links.new_link(entry)
    client.post(
        f"/conduct/signature/{token}/correct/",
        {"organization": "PAX", "countries": ["KE"], "website": "", "other_name_fr": "PAIX"},
    )
    correction = entry.corrections.get()
    # What was not asked for stays.
    assert correction.other_names == {"de": "Frieden", "fr": "PAIX"}

    moderation.settle(correction.pk, accept=True, by=By.coordinator(coordinator))
    work()

    assert listed(client, "/fr/conduct/") == ["PAIX (Kenya)"]


def test_a_correction_where_one_language_is_left_keeps_all(letter, client):
    entry = SignatoryFactory(letter=letter, name="PAX", other_names=NAMES)
    token = links.new_link(entry)

    client.post(
        f"/conduct/signature/{token}/correct/",
        {"organization": "PAX Netherlands", "countries": ["NL"], "website": ""},
    )

    entry.refresh_from_db()
    assert (entry.name, entry.other_names) == ("PAX Netherlands", NAMES)


def test_a_coordinator_writes_one_on_each_line(in_three, client, coordinator):
    entry = SignatoryFactory(letter=in_three, name="PAX")
    client.force_login(coordinator)
    url = f"/admin/signatories/signatory/{entry.pk}/change/"
    fields = {"name": "PAX", "countries": ["KE"], "email": entry.email, "contact_name": "A"}

    refused = client.post(url, {**fields, "other_names": "PAIX"})
    assert "Write each name as a language’s code" in refused.content.decode()
    assert "PAIX" in refused.content.decode()

    client.post(url, {**fields, "other_names": "fr: PAIX\n\nAR: سلام"})
    entry.refresh_from_db()
    assert entry.other_names == {"fr": "PAIX", "ar": "سلام"}
    assert "fr: PAIX" in client.get(url).content.decode()


def test_a_duplicate_is_found_by_its_name_in_another_language(in_three):
    entry = SignatoryFactory(letter=in_three, name="Justice for All", other_names=NAMES)
    duplicates.index_signatory(entry)

    found = duplicates.find("Justice pour tous", letter=in_three)

    assert [like.signatory for like in found] == [entry]


@example({"af": "N||: |", "ar": "N0|: 0"})
@given(
    st.dictionaries(
        st.sampled_from(LANGUAGE_CODES),
        st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z", "M"]), min_size=1).map(
            lambda text: f"N{text}|: {text}"
        ),
        max_size=5,
    )
)
def test_what_is_written_is_read_again(names):
    try:
        names = {code: clean_name(name) for code, name in names.items()}
    except NameRefused:
        return
    # Unless a name itself goes on like another language's, which only a line of its own can say.
    assert other_names.read(other_names.written(names, "\n")) == names or any(
        f"{code}:" in name.lower() for code in LANGUAGE_CODES for name in names.values()
    )


@given(st.text())
def test_whatever_is_typed_is_read_or_refused(text):
    try:
        found = other_names.read(text)
    except NameRefused:
        return
    assert set(found) <= set(LANGUAGE_CODES)
    assert all(found.values())
