"""Taking a list out at the desk: who may take which, and what the log keeps of it."""

import re
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.urls import reverse
from django.utils import timezone

from letter.publishing import request_publication
from signatories.models import Signatory
from tests.factories import LetterFactory, SignatoryFactory, UserFactory
from tests.reading import text_of

URL = "/admin/signatories/signatory/take-out/"
PUBLIC = ["public_csv", "public_xlsx", "public_docx", "public_text"]
PRIVATE = ["private_csv", "private_xlsx"]


@pytest.fixture
def listed(letter, work):
    """A published letter with one line and one entry that waits."""
    SignatoryFactory(letter=letter, name="Amani", state=Signatory.State.APPROVED)
    SignatoryFactory(letter=letter, name="PAX", email="private@contact.example")
    request_publication(letter, at=timezone.now())
    work()
    return letter


def take(client, letter, form):
    return client.post(URL, {"letter": letter.pk, "form": form})


def test_the_page_has_the_address_that_others_link_to():
    assert reverse("admin:signatories_signatory_take_out") == URL


@pytest.mark.parametrize(
    ("group", "page", "public", "private"),
    [
        (None, 302, 302, 302),
        ("editor", 403, 403, 403),
        ("observer", 200, 200, 403),
        ("coordinator", 200, 200, 200),
    ],
)
def test_each_takes_out_what_their_group_may(client, listed, group, page, public, private):
    if group:
        client.force_login(UserFactory(group=group))

    response = client.get(URL)

    assert response.status_code == page
    assert (b"private_csv" in response.content) == (private == 200)
    assert {take(client, listed, form).status_code for form in PUBLIC} == {public}
    assert {take(client, listed, form).status_code for form in PRIVATE} == {private}
    taken = len(PUBLIC) * (public == 200) + len(PRIVATE) * (private == 200)
    assert LogEntry.objects.count() == taken


def test_the_permission_to_export_alone_opens_nothing(client, listed):
    user = UserFactory()
    user.user_permissions.add(Permission.objects.get(codename="export_signatory"))
    client.force_login(user)

    assert take(client, listed, "private_csv").status_code == 403


@pytest.mark.parametrize(
    ("form", "suffix", "words"),
    [
        ("public_docx", "docx", "Took out the public list as DOCX: 1 line"),
        ("private_xlsx", "xlsx", "Took out the private list as XLSX: 2 entries"),
    ],
)
def test_a_file_has_a_plain_name_is_not_kept_and_is_logged(
    client, listed, coordinator, form, suffix, words
):
    client.force_login(coordinator)

    response = take(client, listed, form)

    private = "-private" if form in PRIVATE else ""
    assert re.fullmatch(
        rf'attachment; filename="conduct{private}-signatories-\d{{4}}-\d\d-\d\d\.{suffix}"',
        response["Content-Disposition"],
    )
    assert "no-store" in response["Cache-Control"]
    log = LogEntry.objects.get()
    assert (log.user, log.get_edited_object()) == (coordinator, listed)
    assert log.get_change_message() == words


def test_a_file_is_not_had_by_looking(client, listed, coordinator):
    client.force_login(coordinator)

    response = client.get(URL, {"letter": listed.pk, "form": "private_csv"})

    assert "Content-Disposition" not in response.headers
    assert f'<option value="{listed.pk}" selected>' in response.content.decode()
    assert not LogEntry.objects.exists()


def test_what_cannot_be_had_is_refused_in_words(client, listed, coordinator):
    client.force_login(coordinator)
    draft = LetterFactory(state="draft")

    response = take(client, draft, "public_csv")

    assert response.status_code == 422
    assert "This letter has not been published yet." in text_of(response)
    assert take(client, listed, "anything").status_code == 422
    assert client.post(URL, {"form": "public_csv"}).status_code == 422
    assert client.get(URL, {"letter": "x"}).status_code == 200
    assert not LogEntry.objects.exists()


def test_the_permission_goes_as_it_came(db):
    migration = import_module("signatories.migrations.0005_export_permission")
    holders = Group.objects.filter(permissions__codename="export_signatory")
    assert {group.name for group in holders} == {"coordinator", "letter coordinator"}

    migration.take_back(apps, None)
    assert not Permission.objects.filter(codename="export_signatory").exists()

    for _twice in range(2):
        migration.grant(apps, None)
    assert [group.name for group in holders.all()] == ["coordinator"]
    assert Group.objects.get(name="coordinator").permissions.filter(codename="decide_signatory")
