"""Who looked at what at the desk is in the log; whom they saw is not."""

import json
import logging

import pytest
from django.core.management import call_command
from django.test import Client

from config.logs import JsonLines
from signatories.models import Signatory
from tests.factories import SignatoryFactory, UserFactory
from tests.test_roles import PAGES, PRIVATE, filled, world

__all__ = ["world"]  # a fixture

# Who the contacts of `world` are.
CONTACT = (f"{PRIVATE} Ann".lower(), f"{PRIVATE}@example.org".lower())
ENTRY = "/admin/signatories/signatory/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def noted(caplog):
    """The records about access, as the JSON that is written of them."""
    caplog.set_level(logging.INFO)

    def take() -> list[dict]:
        lines = [
            json.loads(JsonLines().format(record))
            for record in caplog.records
            if record.name == "config.access"
        ]
        caplog.clear()
        return lines

    return take


def test_every_page_that_shows_a_contact_leaves_a_line_without_the_contact(world, noted):
    """All pages that tests/test_roles.py knows, and it knows all there are."""
    user, client = world.users["superuser"], Client()
    client.force_login(user)
    references = dict(Signatory.objects.values_list("reference", "pk"))
    showing = set()
    for page in PAGES:
        requests = [("get", page.url, None)]
        requests += [("post", page.url, post.data) for post in page.posts if post.shows]
        for method, url, data in requests:
            answer = getattr(client, method)(
                f"/admin/{filled(url, world)}", filled(data, world) if data else None
            )
            body = b"".join(answer).decode(errors="replace").lower()
            lines = noted()
            assert not [word for word in CONTACT if word in json.dumps(lines).lower()], url
            if any(word in body for word in CONTACT):
                showing.add(page.route)
                (line,) = lines
                assert (line["user"], line["method"]) == (user.pk, method.upper()), url
                # Which sign-ons these were, or, where it is about one, its number.
                known = {references[each] for each in line.get("read", ())}
                assert known | set(line.get("numbers", ())), url

    assert showing >= {
        "signatories/signatory/<path:object_id>/change/",
        "signatories/signatory/<int:pk>/ask/",
        "signatories/signatory/<int:pk>/combine/<int:other>/",
        "signatories/signatory/review/",
    }


@pytest.fixture
def entry(letter):
    return SignatoryFactory(letter=letter, contact_name="Quirina", email="quirina@planted.org")


@pytest.fixture
def desk(coordinator):
    client = Client()
    client.force_login(coordinator)
    return client


@pytest.mark.parametrize(
    ("url", "view", "more"),
    [
        ("{pk}/change/", "change", {"numbers": ["{pk}"], "read": ["{reference}"], "count": 1}),
        ("?q=quirina%40planted.org", "changelist", {"read": ["{reference}"], "count": 1, "searched": True}),
        ("?q=nobody%40planted.org", "changelist", {"searched": True}),
        ("review/", "review", {"read": ["{reference}"], "count": 1}),
        ("{pk}/history/", "history", {"numbers": ["{pk}"], "read": ["{reference}"], "count": 1}),
    ],
)  # fmt: skip
def test_a_line_says_who_what_and_which(entry, desk, coordinator, noted, url, view, more):
    names = {"pk": entry.pk, "reference": entry.reference}

    answer = desk.get(ENTRY + url.format(**names))

    assert answer.status_code == 200
    (line,) = noted()
    assert "planted" not in json.dumps(line)
    for name in ("at", "level", "logger", "message", "request"):
        line.pop(name, None)
    expected = {
        name: [type_of(name)(each.format(**names)) for each in value]
        if isinstance(value, list)
        else value
        for name, value in more.items()
    }
    assert line == {
        "user": coordinator.pk,
        "view": f"admin:signatories_signatory_{view}",
        "method": "GET",
        **expected,
    }


def type_of(name):
    return int if name == "numbers" else str


def test_a_file_that_is_taken_out_is_named(letter, entry, desk, noted):
    desk.post(f"{ENTRY}take-out/", {"letter": letter.pk, "form": "private_csv"})

    (line,) = noted()
    assert "conduct-private-signatories-" in line["file"]
    assert "conduct-private-signatories-" in line["message"]


def test_what_is_refused_shows_nothing_and_leaves_no_line(entry, noted):
    client = Client()
    client.get(f"{ENTRY}{entry.pk}/change/")
    client.force_login(UserFactory(group="editor"))
    client.get(f"{ENTRY}{entry.pk}/change/")
    client.get(f"{ENTRY}review/")
    client.get("/conduct/sign/")

    assert noted() == []


def test_a_form_that_is_refused_shows_the_page_again_and_leaves_a_line(entry, desk, noted):
    answer = desk.post(
        f"{ENTRY}review/", {"decision": "reject", "entry": entry.pk, "reason_reject": ""}
    )

    assert answer.status_code == 422
    assert [line["read"] for line in noted()] == [[entry.reference]]


def test_of_a_subject_request_the_log_says_that_there_was_one(entry, caplog, capsys):
    caplog.set_level(logging.INFO)

    call_command("subject", entry.email)

    (record,) = [each for each in caplog.records if each.name.endswith("commands.subject")]
    assert record.getMessage().startswith("subject request, given: signatures 1")
    assert "quirina" not in record.getMessage()
