"""From lines to editions: what is written, what is not, and that the chain holds."""

import gzip
import hashlib
import zlib
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from letter import documents, ordering
from letter.digest import commitment, edition_digest
from letter.models import (
    Document,
    Edition,
    Letter,
    Listing,
    PublicationRequest,
    RevisionLocked,
    RevisionText,
)
from letter.publishing import (
    Line,
    NotPublishable,
    digest_of_revision,
    number_of,
    place_of,
    publish,
    redact,
    request_publication,
    verify,
)
from tests.factories import NOW, LetterFactory, RevisionFactory, RevisionTextFactory, make_letter


def line(name, countries=("KE",), label=None, *, key="", sort_as=""):
    line_id = key or name.lower().replace(" ", "-")
    return Line(
        line_id=line_id,
        name=name,
        countries=tuple(countries),
        label=label,
        sort_key=ordering.sort_key(
            "alphabetical",
            name=ordering.collation_key(sort_as or name),
            country=b"",
            approved_at=None,
            line_id=line_id,
        ),
    )


def put_out(letter, *lines, at=NOW, named=None):
    """Publish these lines; where some are named, as the only ones that may have changed."""

    def lines_of(_letter, line_ids):
        assert line_ids is None if named is None else set(line_ids) == set(named)
        return [each for each in lines if line_ids is None or each.line_id in line_ids]

    request_publication(letter, at=at, line_ids=named)
    return publish(letter.pk, lines_of, at=at)


def listed(letter):
    return [listing.name for listing in letter.listings.current().in_order()]


def test_the_first_edition_has_the_lines_in_order(letter):
    edition = put_out(letter, line("PAX"), line("Action Paix", ["CD", "RW"]), line("INSEC", ["NP"]))

    assert listed(letter) == ["Action Paix", "INSEC", "PAX"]
    assert (edition.number, edition.organization_count, edition.country_count) == (1, 3, 4)
    assert (edition.previous_digest, edition.published_at) == ("", NOW)
    assert PublicationRequest.objects.count() == 0


def test_an_edition_that_would_change_nothing_is_not_written(letter):
    put_out(letter, line("PAX"))

    assert put_out(letter, line("PAX"), at=NOW + timedelta(hours=1)) is None
    assert Edition.objects.count() == 1


def test_nothing_is_published_where_nobody_asked(letter):
    assert publish(letter.pk, lambda _letter, _named: [line("PAX")], at=NOW) is None
    assert Edition.objects.count() == 0


def test_each_edition_follows_from_the_one_before(letter):
    first = put_out(letter, line("PAX"))
    second = put_out(letter, line("PAX"), line("INSEC"))
    third = put_out(letter, line("INSEC"))

    assert [first.number, second.number, third.number] == [1, 2, 3]
    assert [second.previous_digest, third.previous_digest] == [first.digest, second.digest]
    assert {
        number: [each.name for each in letter.listings.in_edition(number).in_order()]
        for number in (1, 2, 3)
    } == {1: ["PAX"], 2: ["INSEC", "PAX"], 3: ["INSEC"]}


@pytest.mark.parametrize(
    "changed",
    [
        line("PAX Netherlands", key="pax"),
        line("PAX", ["NL"]),
        line("PAX", label="Utrecht"),
        line("PAX", label=""),
        line("PAX", sort_as="Aa"),
    ],
    ids=["name", "countries", "label", "no label", "place"],
)
def test_a_changed_line_is_closed_and_opened_anew(letter, changed):
    put_out(letter, line("PAX"))

    put_out(letter, changed)

    rows = Listing.objects.order_by("pk").values_list(
        "name", "label", "first_edition", "last_edition"
    )
    assert list(rows) == [("PAX", None, 1, 1), (changed.name, changed.label, 2, None)]
    assert verify(letter).first_bad is None


def test_a_draft_is_not_published_and_asks_no_more(db):
    letter = make_letter(state=Letter.State.DRAFT)

    assert put_out(letter, line("PAX")) is None
    assert (
        Edition.objects.count(),
        Document.objects.count(),
        PublicationRequest.objects.count(),
    ) == (0, 0, 0)


def test_a_letter_without_text_is_refused_and_keeps_its_request(db):
    letter = LetterFactory()
    RevisionFactory(letter=letter)

    with pytest.raises(NotPublishable):
        put_out(letter, line("PAX"))

    assert (Edition.objects.count(), Listing.objects.count()) == (0, 0)


def test_a_publication_that_fails_leaves_the_last_edition(letter):
    put_out(letter, line("PAX"))
    before = list(Document.objects.order_by("pk").values_list("etag", "edition__number"))

    def fails(_letter, _named):
        yield line("INSEC")
        raise RuntimeError("boom")

    request_publication(letter, at=NOW)
    with pytest.raises(RuntimeError):
        publish(letter.pk, fails, at=NOW)

    assert listed(letter) == ["PAX"]
    assert list(Document.objects.order_by("pk").values_list("etag", "edition__number")) == before
    assert PublicationRequest.objects.count() == 1


def test_a_new_revision_makes_an_edition(letter):
    put_out(letter, line("PAX"))
    newer = RevisionTextFactory(
        revision__letter=letter, revision__number=2, body="Other words."
    ).revision

    edition = put_out(letter, line("PAX"))

    assert (edition.number, edition.revision) == (2, newer)
    assert Listing.objects.count() == 1


def test_words_are_free_until_a_name_stands_under_them(letter):
    text = RevisionText.objects.get()
    put_out(letter)
    text.body = "Better words."
    text.save()
    put_out(letter)
    assert letter.editions.count() == 2
    assert verify(letter).first_bad is None

    put_out(letter, line("PAX"))
    text.body = "Other words."
    with pytest.raises(RevisionLocked):
        text.save()
    with pytest.raises(RevisionLocked):
        text.delete()

    assert RevisionText.objects.get().body == "Better words."
    assert verify(letter).first_bad is None


def test_a_new_revision_under_old_names_is_fixed_at_once(letter):
    put_out(letter, line("PAX"))
    newer = RevisionTextFactory(revision__letter=letter, revision__number=2, body="Other words.")
    put_out(letter, line("PAX"))

    newer.body = "Yet others."
    with pytest.raises(RevisionLocked):
        newer.save()


def test_an_unpublished_revision_changes_nothing(letter):
    put_out(letter, line("PAX"))
    RevisionTextFactory(
        revision__letter=letter,
        revision__number=2,
        revision__published_at=None,
        body="Other words.",
    )

    assert put_out(letter, line("PAX")) is None


def test_the_digest_is_the_documented_one(letter):
    edition = put_out(letter, line("PAX", ["NL"]), line("INSEC", ["NP"], "Nepal"))

    commitments = [
        commitment(each.salt, each.name, each.countries, each.label)
        for each in letter.listings.current().in_order()
    ]
    assert edition.digest == edition_digest(
        letter="conduct",
        number=1,
        published_at=NOW,
        previous="",
        revision=digest_of_revision(edition.revision),
        lines=commitments,
    )


def tampered(letter, **kwargs):
    Listing.objects.filter(letter=letter, name="PAX").update(**kwargs)
    return verify(letter)


def test_verify_finds_the_first_bad_edition(letter):
    put_out(letter, line("INSEC"))
    put_out(letter, line("INSEC"), line("PAX"))
    put_out(letter, line("PAX"))
    assert (verify(letter).edition_count, verify(letter).first_bad) == (3, None)

    assert tampered(letter, countries=["NL"]).first_bad == 2
    assert tampered(letter, countries=["KE"]).first_bad is None
    Edition.objects.filter(number=3).update(digest="0" * 64)
    assert verify(letter).first_bad == 3
    Edition.objects.filter(number=1).update(organization_count=5)
    Edition.objects.filter(number=2).delete()
    assert verify(letter).first_bad == 2


def test_verify_sees_a_changed_text_and_a_vanished_line(letter):
    put_out(letter, line("INSEC"), line("PAX"))
    text = letter.revisions.get().bodies.get()
    type(text).objects.filter(pk=text.pk).update(body="Other words.")
    assert verify(letter).first_bad == 1
    type(text).objects.filter(pk=text.pk).update(body=text.body)
    assert verify(letter).first_bad is None

    Listing.objects.filter(name="PAX").delete()
    assert verify(letter).first_bad == 1


def test_verify_editions_exits_with_1_where_the_chain_breaks(letter, capsys):
    put_out(letter, line("PAX"))
    call_command("verify_editions")
    assert capsys.readouterr().out == "conduct: 1 edition(s) hold.\n"

    Edition.objects.update(digest="0" * 64)
    with pytest.raises(SystemExit) as exited:
        call_command("verify_editions", "conduct")
    assert exited.value.code == 1
    assert "edition 1 does not hold" in capsys.readouterr().err


def test_redacting_leaves_the_commitment_alone_and_the_chain_holds(letter):
    put_out(letter, line("Amnesty"), line("PAX"), line("Zarga"))
    put_out(letter, line("Amnesty"), line("PAX", label="Utrecht"), line("Zarga"))
    kept = list(
        Listing.objects.filter(line_id="pax").order_by("pk").values_list("commitment", flat=True)
    )

    assert redact(letter, "pax", at=NOW) == 2
    put_out(letter, line("Amnesty"), line("Zarga"))

    rows = Listing.objects.filter(line_id="pax").order_by("pk")
    assert list(rows.values_list("name", "countries", "label", "salt", "redacted_at")) == [
        ("", [], None, "", NOW),
        ("", [], None, "", NOW),
    ]
    assert list(rows.values_list("commitment", flat=True)) == kept
    assert not any(b"PAX" in bytes(row.sort_key) for row in rows)
    assert verify(letter).first_bad is None


def test_a_redacted_neighbour_is_not_spelt_by_the_keys_of_others(letter):
    put_out(letter, line("Amnesty"), line("INSEC"), line("PAX"))
    redact(letter, "pax", at=NOW)
    redact(letter, "insec", at=NOW)

    keys = [bytes(row.sort_key) for row in Listing.objects.all()]
    assert not any(b"INSEC" in key or b"PAX" in key for key in keys)
    assert verify(letter).first_bad is None


def test_place_and_number(letter):
    put_out(letter, line("Amnesty"), line("INSEC"), line("Zarga"))

    place = place_of(letter, line("PAX").sort_key, "pax")
    assert (place.number, place.before.name, place.after.name, place.following_count) == (
        3,
        "INSEC",
        "Zarga",
        1,
    )
    first = place_of(letter, line("Aa").sort_key, "aa")
    assert (first.number, first.before, first.after.name) == (1, None, "Amnesty")
    assert number_of(letter, "zarga") == 3
    assert number_of(letter, "nobody") is None
    moved = place_of(letter, line("Aa", key="zarga").sort_key, "zarga")
    assert (moved.number, moved.following_count) == (1, 2)


def test_old_documents_go_with_their_edition(letter):
    put_out(letter, line("PAX"))
    put_out(letter, line("PAX"), line("INSEC"))

    assert set(Document.objects.values_list("kind", "language", "edition__number")) == {
        ("page:open", "en", 2),
    }


def test_closing_replaces_the_page_without_a_new_edition(letter):
    put_out(letter, line("PAX"))
    Letter.objects.filter(pk=letter.pk).update(state=Letter.State.CLOSED)

    assert put_out(letter, line("PAX")) is None

    assert set(Document.objects.values_list("kind", flat=True)) == {"page:closed"}


NAMES = ["Amnesty", "INSEC", "PAX", "Zarga", "Éducation", "مركز", "和平"]
STEPS = st.lists(
    st.one_of(
        st.sets(st.sampled_from(NAMES)),
        st.tuples(st.just("redact"), st.sampled_from(NAMES)),
    ),
    min_size=1,
    max_size=8,
)


class AnyHistory(TestCase):
    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps=STEPS)
    def test_verifies_and_lists_what_was_handed_in(self, steps):
        letter = make_letter()
        gone: set[str] = set()
        for step in steps:
            if isinstance(step, tuple):
                redact(letter, step[1].lower(), at=NOW)
                if letter.listings.filter(line_id=step[1].lower()).exists():
                    gone.add(step[1])
            wanted = (set() if isinstance(step, tuple) else step) - gone
            put_out(letter, *(line(name) for name in wanted))

            assert set(listed(letter)) == wanted
            assert listed(letter) == sorted(wanted, key=ordering.collation_key)
            assert verify(letter).first_bad is None


class NamedLines(TestCase):
    """A publication that is told which lines changed says just what one that reads all of them says."""

    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        lists=st.lists(
            st.dictionaries(st.sampled_from(NAMES), st.sampled_from([None, "", "Utrecht"])),
            min_size=2,
            max_size=6,
        )
    )
    def test_say_the_same_as_all(self, lists):
        by_name, whole = make_letter(slug="by-name"), make_letter(slug="whole")
        before = {}
        put_out(by_name)
        put_out(whole)
        for wanted in lists:
            lines = [line(name, label=label) for name, label in wanted.items()]
            named = {name.lower() for name, _label in before.items() ^ wanted.items()}
            before = wanted

            assert bool(put_out(by_name, *lines, named=named)) == bool(put_out(whole, *lines))
            assert shown(by_name) == shown(whole)
            assert verify(by_name).first_bad is None


def shown(letter):
    """All that is kept of a letter's list, and the list on its page."""
    columns = ("name", "label", "first_edition", "last_edition")
    page = letter.documents.get().body.decode()
    facts = letter.editions.order_by("number").values_list("number", "organization_count")
    return (
        sorted(letter.listings.values_list(*columns), key=str),
        list(facts),
        page.partition('class="roll')[2].partition("</section>")[0],
    )


@pytest.mark.parametrize("sizes", [[0], [1], [10, 0, 300_000], [70_000, 70_000]], ids=str)
def test_pieces_are_one_gzip_member_that_says_what_they_say(sizes):
    pieces = [
        bytes((at * size + each) % 251 for each in range(size)) for at, size in enumerate(sizes)
    ]

    packed = documents.compressed(*pieces)

    assert gzip.decompress(packed) == b"".join(pieces)
    # By another reader, and with nothing behind the member.
    reader = zlib.decompressobj(wbits=31)
    assert reader.decompress(packed) == b"".join(pieces)
    assert (reader.eof, reader.unused_data) == (True, b"")


def test_a_long_list_changes_in_the_piece_where_a_line_does(letter):
    names = [f"Organisation {number:05}" for number in range(3000)]
    put_out(letter, *map(line, names))
    # Where a piece ends is up to the commitments, which have salt in them.
    listings = [
        each._replace(commitment=hashlib.sha256(each.name.encode()).hexdigest())
        for each in letter.listings.current().listed()
    ]
    before = documents.pieces_of_list(letter, listings)
    changed = [
        each._replace(name="Renamed") if each.name == names[1500] else each for each in listings
    ]
    after = documents.pieces_of_list(letter, changed)

    assert len(before) > 3
    assert len(set(before) - set(after)) <= 2
    assert "".join(before).replace(names[1500], "Renamed") == "".join(after)


def test_a_redacted_line_never_prints_again(letter):
    put_out(letter, line("Amnesty"), line("PAX"))
    redact(letter, "pax", at=NOW)

    put_out(letter, line("Amnesty"), replace(line("PAX"), label="Utrecht"))

    assert listed(letter) == ["Amnesty"]
    assert verify(letter).first_bad is None
