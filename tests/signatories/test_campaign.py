"""The campaign at a glance: the numbers, the pictures, and who may see them."""

import re
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_countries import countries

from letter import world_map
from letter.models import Letter
from letter.world_grid import TILES
from signatories import campaign, charts, moderation
from signatories.models import Message, Signatory
from signatories.retention import CONFIRM_WITHIN
from tests.factories import NOW, SignatoryFactory, make_letter
from tests.reading import text_of

State = Signatory.State
WORDS = charts.Words("id", "Title", "Description")


def page_of(letter):
    return f"/admin/signatories/signatory/campaign/{letter.pk}/"


def attention(letter, at=NOW):
    return campaign.attention(letter, campaign.state_counts(letter), at=at)


@pytest.fixture
def desk(client, coordinator):
    client.force_login(coordinator)
    return client


# --- The numbers --------------------------------------------------------------------------------


def test_days_add_up_on_the_letters_own_calendar(db):
    letter = make_letter(time_zone="Pacific/Auckland")
    SignatoryFactory(letter=letter, submitted_at=NOW, confirmed_at=NOW + timedelta(days=1))
    SignatoryFactory(letter=letter, submitted_at=NOW + timedelta(hours=4))  # there, it is the 4th
    SignatoryFactory(letter=letter, state=State.APPROVED, submitted_at=NOW)
    SignatoryFactory(letter=make_letter())

    assert campaign.days(letter) == [
        campaign.Day(date(2025, 3, 3), came_in=2, confirmed=0, approved=1),
        campaign.Day(date(2025, 3, 4), came_in=3, confirmed=1, approved=1),
    ]


def test_days_begin_at_midnight_also_where_that_is_not_on_the_hour(db):
    letter = make_letter(time_zone="Asia/Kathmandu")  # five hours and three quarters ahead
    for minute in (14, 15):
        SignatoryFactory(letter=letter, submitted_at=NOW.replace(hour=18, minute=minute))

    assert [(day.date, day.came_in) for day in campaign.days(letter)] == [
        (date(2025, 3, 3), 1),
        (date(2025, 3, 4), 2),
    ]


def test_an_organisation_counts_in_each_of_its_countries_once_approved(letter):
    SignatoryFactory(letter=letter, state=State.APPROVED, countries=["KE", "UG"])
    SignatoryFactory(letter=letter, state=State.APPROVED, countries=["UG"])
    SignatoryFactory(letter=letter, state=State.APPROVED, countries=[])
    SignatoryFactory(letter=letter, state=State.PENDING, countries=["FR"])

    counts = campaign.country_counts(letter)

    assert [(each.code, each.count) for each in counts] == [("UG", 2), ("KE", 1)]


def test_the_queue_has_its_median_and_its_oldest(letter):
    for hours in (1, 2, 30):
        SignatoryFactory(letter=letter, submitted_at=NOW - timedelta(hours=hours))
    SignatoryFactory(letter=letter, state=State.APPROVED, submitted_at=NOW - timedelta(days=9))

    queue = campaign.queue(letter, campaign.state_counts(letter))

    assert queue.count == 3
    assert queue.median_since == NOW - timedelta(hours=2)
    assert queue.oldest.submitted_at == NOW - timedelta(hours=30)


def test_an_empty_letter_needs_nothing(letter):
    assert campaign.days(letter) == []
    assert campaign.queue(letter, campaign.state_counts(letter)) == campaign.Queue(0)
    assert not attention(letter).is_needed


def test_what_failed_asks_for_attention(letter):
    Message.objects.create(letter=letter, kind=Message.Kind.RECEIVED, given_up_at=NOW)
    letter.publication_requests.create(attempts=3, error="disk full")

    found = attention(letter)

    assert (found.mails_given_up, found.publication_attempts) == (1, 3)
    assert found.publication_error == "disk full"
    assert found.is_needed


def test_who_waits_longer_than_promised_is_named(letter, settings):
    SignatoryFactory(letter=letter, submitted_at=NOW - settings.DECIDE_WITHIN)
    assert not attention(letter).is_needed

    SignatoryFactory(
        letter=letter, submitted_at=NOW - settings.DECIDE_WITHIN - timedelta(minutes=1)
    )

    assert attention(letter).late == 1
    assert attention(letter).is_needed


@pytest.mark.parametrize(
    ("left", "is_soon"),
    [(timedelta(days=3), True), (timedelta(days=4), False), (timedelta(seconds=-1), False)],
)
def test_a_letter_about_to_close_is_named(db, left, is_soon):
    letter = make_letter(closes_at=NOW + left)

    assert (attention(letter).closes_at is not None) == is_soon


def test_unconfirmed_entries_in_their_last_day_are_named(letter):
    for age in (CONFIRM_WITHIN - timedelta(hours=2), CONFIRM_WITHIN - timedelta(hours=26)):
        SignatoryFactory(letter=letter, state=State.SUBMITTED, submitted_at=NOW - age)

    found = attention(letter)

    assert (found.unconfirmed, found.expiring) == (2, 1)


# --- The pictures -------------------------------------------------------------------------------


def test_every_country_has_one_tile_of_its_own():
    assert set(TILES) == set(countries.countries)
    assert len(set(TILES.values())) == len(TILES)


def test_the_map_names_each_country_and_shades_by_count():
    tree = ET.fromstring(charts.map_of_world(WORDS, {"KE": 40, "XK": 1}))  # noqa: S314  # our own
    tiles = {
        each.find("text").text: each
        for each in tree.iter("g")
        if "tile-legend" not in each.get("class")
    }

    assert tiles["KE"].find("title").text == "Kenya: 40"
    assert tiles["XK"].find("title").text == "Kosovo: 1"
    assert [tiles[code].get("class") for code in ("FR", "XK", "KE")] == [
        "tile tile-0", "tile tile-1", "tile tile-5",
    ]  # fmt: skip


@pytest.mark.parametrize("most", [0, 1, 2, 3, 5, 17, 50_000])
def test_shades_rise_from_one(most):
    steps = world_map.thresholds(most)

    assert len(steps) <= world_map.SHADES
    assert steps == sorted(set(steps))
    assert steps[:1] == ([1] if most else [])


@pytest.mark.parametrize("values", [[1], [0, 3], [1, 2, 50_000]])
def test_the_line_chart_stays_in_its_frame(values):
    dates = [NOW.date() + timedelta(days=3 * n) for n in range(len(values))]

    tree = ET.fromstring(charts.line_chart(WORDS, dates, {"approved": values}))  # noqa: S314  # our own

    for shape in tree.iter("polyline"):
        for point in shape.get("points").split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= charts.WIDTH
            assert 0 <= y <= charts.HEIGHT


def test_pictures_have_names_and_no_style():
    drawn = charts.stacked_bar(WORDS, [("approved", "A <b>", 2), ("pending", "P", 0)])

    assert 'role="img" aria-labelledby="id-title id-desc"' in drawn
    assert "A &lt;b&gt;: 2" in drawn
    assert "chart-state-pending" not in drawn
    assert "style=" not in drawn + charts.map_of_world(WORDS, {"KE": 1}) + charts.bar(0.5)


# --- The pages ----------------------------------------------------------------------------------


def test_the_page_says_in_words_what_its_pictures_show(letter, desk):
    SignatoryFactory(letter=letter, state=State.APPROVED, countries=["KE"])
    waiting = SignatoryFactory(letter=letter, name="PAX", submitted_at=timezone.now())

    response = desk.get(page_of(letter))
    page = response.content.decode()

    assert "Nothing needs attention." in text_of(response)
    assert f"/admin/signatories/signatory/{waiting.pk}/change/" in page
    assert f'href="{letter.get_absolute_url()}"' in page
    assert re.search(r'<th scope="row">Kenya</th>.*<td>1</td>', page)
    assert " style=" not in page


def test_more_countries_than_fifteen_are_summed_up(letter, desk):
    SignatoryFactory(letter=letter, state=State.APPROVED, countries=list(countries.countries)[:18])

    response = desk.get(page_of(letter))

    assert "3 others" in text_of(response)


def test_an_empty_letter_has_a_page(letter, desk):
    said = text_of(desk.get(page_of(letter)))

    assert "Nothing has come in yet." in said
    assert "Nobody waits for a decision." in said
    assert desk.get("/admin/signatories/signatory/campaign/999/").status_code == 404


def test_the_page_costs_the_same_for_one_and_for_three(letter, desk):
    costs = []
    for count in (1, 2):
        for state in State:
            SignatoryFactory.create_batch(count, letter=letter, state=state)
        desk.get(page_of(letter))
        with CaptureQueriesContext(connection) as queries:
            desk.get(page_of(letter))
        costs.append(len(queries))

    assert costs[0] == costs[1] <= 20


def test_the_front_page_lists_letters_and_costs_the_same_for_one_and_for_three(letter, desk):
    SignatoryFactory.create_batch(2, letter=letter)
    desk.get("/admin/")
    with CaptureQueriesContext(connection) as for_one:
        response = desk.get("/admin/")
    assert page_of(letter) in response.content.decode()
    assert "0 organisations listed · 2 waiting" in text_of(response)

    make_letter(state=Letter.State.DRAFT)
    make_letter(closes_at=timezone.now())
    with CaptureQueriesContext(connection) as for_three:
        desk.get("/admin/")
    assert len(for_one) == len(for_three)


def test_the_front_page_gives_the_deadline_on_the_letters_clock(db, desk):
    make_letter(closes_at=NOW, time_zone="Pacific/Auckland")

    assert "deadline 3 Mar 2025, 22:00 (Pacific/Auckland)" in text_of(desk.get("/admin/"))


def test_the_front_page_shows_campaigns_to_those_alone_who_see_sign_ons(letter, client, editor):
    client.force_login(editor)

    assert "Campaigns" not in text_of(client.get("/admin/"))


def test_a_correction_is_linked_to(letter, desk):
    listed = SignatoryFactory(letter=letter, state=State.APPROVED)
    moderation.correct(listed.pk, {"name": "New", "countries": [], "website": ""}, at=NOW)

    assert "1 correction waits." in text_of(desk.get(page_of(letter)))


def test_countries_named_are_those_of_the_letters_alone_each_list_once(db):
    one, two, other, _empty = (make_letter() for _n in range(4))
    for letter, codes in (
        (one, ["KE"]),
        (one, ["KE"]),
        (one, ["KE", "UG"]),
        (one, []),
        (two, ["KE"]),
        (two, ["FR"]),
        (other, ["DE"]),
    ):
        SignatoryFactory(letter=letter, countries=codes)

    named = campaign.countries_named(Letter.objects.exclude(pk=other.pk))

    assert sorted(named) == [[], ["FR"], ["KE"], ["KE", "UG"]]
