import csv
from pathlib import Path

import pytest

from letter.publishing import request_publication
from signatories import moderation
from signatories.duplicates import find, index_organization, index_signatory, judge
from signatories.likeness import LIKELY, keys_of, likeness, readings
from signatories.models import Alias, Event, Signatory, Verdict
from signatories.moderation import By
from signatories.names import name_key
from signatories.retention import take_out
from tests.factories import NOW, OrganizationFactory, SignatoryFactory, make_letter

with (Path(__file__).parent / "pairs.csv").open(encoding="utf-8") as file:
    PAIRS = list(csv.DictReader(file))


def test_likeness_finds_nearly_all_of_the_same_and_few_of_the_different():
    same = [pair["verdict"] == "same" for pair in PAIRS]
    likely = [likeness(pair["one"], pair["other"]) >= LIKELY for pair in PAIRS]
    hits = sum(is_same and is_likely for is_same, is_likely in zip(same, likely, strict=True))
    assert len(PAIRS) >= 300
    assert hits / sum(same) >= 0.97
    assert hits / sum(likely) >= 0.90


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair['one']}~{pair['other']}")
def test_likeness_is_the_same_from_both_sides(pair):
    one, other = pair["one"], pair["other"]
    assert likeness(one, other) == pytest.approx(likeness(other, one))
    assert 0 <= likeness(one, other) <= 1
    assert likeness(one, one) == 1


def names_of(found):
    return [like.name for like in found]


def registered(name, **kwargs):
    organization = OrganizationFactory(name=name, **kwargs)
    index_organization(organization)
    return organization


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Human Rights Watch", "HRW"),
        ("Human Rights Watch", "Human Rigths Watch Inc."),
        ("Front Line Defenders", "Frontline Defenders"),
        ("Centre Kivu", "Kivu Center"),
        ("Informal Sector Service Centre (INSEC)", "INSEC"),
        ("Informal Sector Service Centre", "INSEC"),
        ("Association Africaine de Défense des Droits de l'Homme", "ASADHO"),
        ("Asociación Pro Derechos Humanos", "APRODEH"),
        ("Bytes for All", "Bytes4All"),
        ("中国人权律师团", "中國人權律師團"),
        ("ヒューマンライツ・ナウ", "ヒューマンライツナウ"),
    ],
)
def test_names_that_are_likely_one_share_a_key(one, other):
    assert keys_of(one) & keys_of(other)


@pytest.mark.parametrize("name", ["سلام وال ـ حقوق", "\u064f سلام", "ال ال ال (HRW)", "ـــ"])
def test_a_word_without_a_letter_is_a_word(name):
    assert all(word for each in readings(name) for word in (*each.words, *each.written))
    assert 0 <= likeness(name, "ABC (XYZ)") <= 1


def test_a_website_of_their_own_is_a_key_and_a_page_on_a_shared_site_is_not():
    assert keys_of("A", "https://www.hrw.org/x") & keys_of("B", "https://hrw.org")
    assert not keys_of("A", "https://facebook.com/a") & keys_of("B", "https://facebook.com/b")
    assert not keys_of("A", "https://[broken") & keys_of("B", "https://[broken")


def test_entries_and_organizations_are_found_best_first(letter):
    registered("Human Rights Watch")
    moderation.submit(
        SignatoryFactory.build(
            letter=letter, revision=letter.revisions.get(), name="Human Right Watch"
        )
    )
    registered("Women for Peace")
    found = find("human rights watch", letter=letter)
    assert names_of(found) == ["Human Rights Watch", "Human Right Watch"]
    assert found[0].score == 1
    assert LIKELY <= found[1].score <= 1
    assert found[1].signatory is not None


def test_entries_of_another_letter_are_not_found(letter):
    other = make_letter()
    index_signatory(SignatoryFactory(letter=other, name="Human Rights Watch"))
    assert find("Human Rights Watch", letter=letter) == []
    assert names_of(find("HRW", letter=other)) == ["Human Rights Watch"]


def test_an_alias_and_a_website_lead_to_an_organization(letter):
    organization = registered(
        "Memorial Human Rights Centre", website="https://memorial.example.org"
    )
    Alias.objects.create(
        organization=organization,
        name="Правозащитный центр «Мемориал»",
        name_key=name_key("Правозащитный центр «Мемориал»"),
    )
    index_organization(organization)
    assert names_of(find("Правозащитный центр Мемориал", letter=letter)) == [organization.name]
    by_website = find("Something else", letter=letter, website=organization.website)
    assert by_website[0].score < LIKELY
    assert [str(reason) for reason in by_website[0].reasons] == ["the same website"]


def test_what_was_judged_different_is_not_shown_again_and_a_branch_is_shown_as_such(
    letter, coordinator
):
    registered("Amnesty International")
    name = "Amnesty International Kenya"
    assert find(name, letter=letter)[0].verdict == ""
    judge(name, "AMNESTY international", "branch", user=coordinator, at=NOW)
    assert find(name, letter=letter)[0].verdict_in_words == "one is a branch of the other"
    judge("Amnesty International", name, "different", user=coordinator, at=NOW)
    assert find(name, letter=letter) == []
    assert Verdict.objects.count() == 1


def test_the_number_of_queries_does_not_grow(letter, django_assert_max_num_queries):
    for number in range(30):
        registered(f"Human Rights Watch {number}")
        index_signatory(SignatoryFactory(letter=letter, name=f"Human Rights Watch {number} Club"))
    with django_assert_max_num_queries(7):
        assert len(find("Human Rights Watch", letter=letter, exclude_pk=1)) == 8


def test_names_are_indexed_as_they_come_in_and_change(letter, coordinator):
    entry = SignatoryFactory.build(
        letter=letter, revision=letter.revisions.get(), name="Centre Kivu"
    )
    moderation.add(entry, by=By.coordinator(coordinator), source=Signatory.Source.HAND)
    moderation.correct(entry.pk, {"name": "Centre Goma"})
    assert find("Centre Kivu", letter=letter) == []
    assert names_of(find("Centre Goma asbl", letter=letter)) == ["Centre Goma"]
    moderation.decide(entry.pk, Event.APPROVE, by=By.coordinator(coordinator))
    assert names_of(find("Centre Goma asbl", letter=make_letter())) == ["Centre Goma"]


def test_taking_an_organization_out_forgets_what_was_judged_about_it(letter, coordinator):
    entry = SignatoryFactory(letter=letter, name="Centre Kivu", state="approved")
    judge("Centre Kivu", "Centre Goma", "different", user=coordinator, at=NOW)
    judge("Centre Goma", "Centre Bukavu", "different", user=coordinator, at=NOW)
    take_out(letter, entry.line_id, at=NOW)
    assert [verdict.first_key for verdict in Verdict.objects.all()] == ["centre bukavu"]


def test_the_entrys_page_says_who_may_be_the_same(letter, client, coordinator):
    registered("Human Rights Watch")
    entry = SignatoryFactory(letter=letter, name="Human Right Watch")
    client.force_login(coordinator)
    page = client.get(f"/admin/signatories/signatory/{entry.pk}/change/").content.decode()
    assert "Perhaps the same organisation" in page
    assert "probably the same" in page


def test_a_coordinator_adds_another_name(letter, client, coordinator):
    organization = registered("Human Rights Watch")
    client.force_login(coordinator)
    answer = client.post(
        f"/admin/signatories/organization/{organization.pk}/change/",
        {
            "name": organization.name,
            "website": "",
            "aliases-TOTAL_FORMS": "1",
            "aliases-INITIAL_FORMS": "0",
            "aliases-0-name": "Observatoire des droits humains",
            "aliases-0-organization": organization.pk,
        },
    )
    assert answer.status_code == 302
    found = find("Observatoire droits humains", letter=letter)
    assert names_of(found) == ["Human Rights Watch"]


def test_the_hint_knows_likely_names_on_the_public_list_alone(letter, client, work):
    listed = SignatoryFactory(letter=letter, name="Genocide Watch", state="approved")
    hidden = SignatoryFactory(letter=letter, name="Human Rights Watch")
    for entry in (listed, hidden):
        index_signatory(entry)
    request_publication(letter, at=NOW)
    work()
    answer = client.get("/conduct/sign/hint/", {"name": "Genocide Watsh Inc."}).json()
    assert answer["message"].startswith("This looks like Genocide Watch")
    for name in ("HRW", "Human Right Watch", "Genocide Watch Kenya"):
        assert client.get("/conduct/sign/hint/", {"name": name}).json() == {"listed": False}


def test_letters_of_another_script_that_imitate_hide_nothing(letter):
    SignatoryFactory(letter=letter, name="Genocide Watch")
    index_signatory(Signatory.objects.get())

    (found,) = find("G\u0435nocide W\u0430tch", letter=letter)

    assert found.score >= LIKELY
    assert likeness("Мемориал", "Memorial") < LIKELY
