"""Who may open what at the desk, and do what there: every page under /admin/, for every role.

A page, or an action of a list, that is not in the table fails a test that names it.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.urls import get_resolver
from PIL import Image

from letter import recipients
from letter.documents import compressed
from letter.models import Logo, Revision
from letter.publishing import publish, request_publication
from signatories import duplicates, links, merging, moderation
from signatories.desk.bringing_in import carry
from signatories.lines import approved_lines
from signatories.list_file import read_table
from signatories.models import Message, Partner, SavedReason, Signatory
from tests.factories import (
    NOW,
    OrganizationFactory,
    RevisionTextFactory,
    SignatoryFactory,
    UserFactory,
    make_letter,
)

State = Signatory.State

# On the letter of the table works everyone but `elsewhere`, a letter coordinator who has another one.
ROLES = (
    "anonymous",
    "staff",
    "observer",
    "editor",
    "coordinator",
    "assigned",
    "elsewhere",
    "superuser",
)
NOBODY: frozenset[str] = frozenset()
SUPERUSER = frozenset({"superuser"})
STAFF = frozenset(ROLES) - {"anonymous"}
# Pages about all that somebody may see: whoever has another letter sees that one's there.
READING = frozenset({"observer", "coordinator", "assigned", "elsewhere", "superuser"})
READING_LETTERS = READING | {"editor"}
DECIDING = READING - {"observer"}
# Pages about one letter and what is on it.
READS = READING - {"elsewhere"}
READS_LETTER = READING_LETTERS - {"elsewhere"}
DECIDES = DECIDING - {"elsewhere"}
WRITES = frozenset({"editor", "superuser"})
# Whoever works on a letter says what became of it.
FOLLOWS_UP = DECIDES | WRITES
# What all letters share.
SHARED = frozenset({"coordinator", "superuser"})

# Words that stand in the private rows of the letter, and of the other one; and in their titles.
PRIVATE, TITLE = "Qwertz", "Azerty"
PRIVATE_OTHER, TITLE_OTHER = "Dvorak", "Colemak"
ALIASES = "signatories.Alias"
SHARED_TABLES = (
    ALIASES,
    "signatories.Verdict",
    "signatories.Organization",
    "signatories.SavedReason",
    "signatories.SavedReasonText",
)
Rows = dict[str, list[Any]]  # by the model's label
# Whoever logs in or looks at an entry changes these.
NOT_COUNTED = {"last_login", "claimed_by", "claimed_until"}


@dataclass(frozen=True)
class Post:
    """Something done on a page; `shows` if it only shows something of the letter and changes nothing."""

    data: dict[str, Any]
    by: frozenset[str]
    shows: bool = False


@dataclass(frozen=True)
class Page:
    """A page: its pattern, an address that it matches, who may open it, and what may be done there by whom."""

    route: str
    url: str
    get: frozenset[str]
    posts: list[Post] = field(default_factory=list)


def action(name: str, pk: str, by: frozenset[str], **data: Any) -> Post:
    return Post({"action": name, "_selected_action": pk, **data}, by)


def pages_of(
    model: str,
    pk: str,
    *,
    lists: frozenset[str],
    reads: frozenset[str],
    adds: frozenset[str] = NOBODY,
    makes: frozenset[str] | None = None,
    changes: frozenset[str] = NOBODY,
    deletes: frozenset[str] = NOBODY,
    actions: tuple[Post, ...] = (),
    added: dict[str, Any] | None = None,
    changed: dict[str, Any] | None = None,
    deleted: str = "",
) -> list[Page]:
    """The admin's own pages of a model.

    `makes` who may add to this letter, where that is not all who may add; `deleted` another row than the
    one of the other pages.
    """
    one = f"{model}/<path:object_id>/"
    return [
        Page(f"{model}/", f"{model}/", lists, list(actions)),
        Page(
            f"{model}/add/",
            f"{model}/add/",
            adds,
            [Post(added or {}, adds if makes is None else makes)],
        ),
        Page(f"{one}change/", f"{model}/{pk}/change/", reads, [Post(changed or {}, changes)]),
        Page(f"{one}history/", f"{model}/{pk}/history/", reads),
        Page(
            f"{one}delete/",
            f"{model}/{deleted or pk}/delete/",
            deletes,
            [Post({"post": "yes"}, deletes)],
        ),
        Page(one, f"{model}/{pk}/", reads),
    ]


LETTER_FIELDS = {
    "title": "Made here",
    "slug": "made-here",
    "state": "draft",
    "default_language": "en",
    "time_zone": "UTC",
    "ordering": "alphabetical",
    "keep_contacts_days": "180",
}
TEXT = {
    "kind": "editorial",
    "note": "A comma",
    "bodies-TOTAL_FORMS": "1",
    "bodies-INITIAL_FORMS": "0",
    "bodies-0-language": "en",
    "bodies-0-body": "Words",
}
REASON_FIELDS = {
    "event": "reject",
    "title": "Made here",
    "position": "1",
    "texts-TOTAL_FORMS": "1",
    "texts-INITIAL_FORMS": "0",
    "texts-0-language": "en",
    "texts-0-text": "Words",
}
UPDATE_TEXT = {
    "texts-TOTAL_FORMS": "1",
    "texts-INITIAL_FORMS": "0",
    "texts-0-language": "fr",
    "texts-0-title": "Made here",
}
ENTRIES = "signatories/signatory/"
AS_SEEN = {"seen": ["{entry_as_seen}", "{returned_as_seen}"]}
PAGES: list[Page] = [
    # --- The admin's own ---
    Page("", "", STAFF),
    Page("login/", "login/", frozenset({"anonymous"})),
    Page("logout/", "logout/", NOBODY),
    Page(
        "password_change/",
        "password_change/",
        STAFF,
        [
            Post(
                {"old_password": "old", "new_password1": "Zq7!mmpo", "new_password2": "Zq7!mmpo"},
                STAFF,
            )
        ],
    ),
    Page("password_change/done/", "password_change/done/", STAFF),
    Page("jsi18n/", "jsi18n/", STAFF),
    Page("^(?P<app_label>auth|letter|signatories)/$", "letter/", READING_LETTERS),
    Page("^(?P<app_label>auth|letter|signatories)/$", "signatories/", READING),
    Page("^(?P<app_label>auth|letter|signatories)/$", "auth/", SUPERUSER),
    Page("(?P<url>.*)$", "nowhere/", NOBODY),
    # Not for anybody: it would tell where a draft is.
    Page("r/<path:content_type_id>/<path:object_id>/", "r/{letter_type}/{letter}/", NOBODY),
    *(
        Page(
            "autocomplete/",
            f"autocomplete/?app_label=signatories&model_name={model}&field_name={name}&term={term}",
            by,
        )
        for model, name, term, by in (
            ("signatory", "letter", "", READING_LETTERS),
            ("signatory", "organization", "", READING),
            ("message", "signatory", PRIVATE, READING),
        )
    ),
    # --- One's own second factor; where one is asked for, see tests/config/test_second_factor.py ---
    Page("account/", "account/", STAFF),
    Page("account/passkeys/", "account/passkeys/", STAFF),
    *(
        Page(f"account/{page}/", f"account/{page}/", by)
        for page, by in (
            ("log-in/code", NOBODY),
            ("log-in/passkey", NOBODY),
            ("confirm/password", STAFF),
            # Whoever has none to confirm by, or has not confirmed yet, is led to a page of their own.
            ("confirm/code", STAFF),
            ("confirm/passkey", STAFF),
            ("app", STAFF),
            ("app/remove", NOBODY),
            ("passkeys/add", STAFF),
            ("recovery-codes", NOBODY),
            ("recovery-codes/new", STAFF),
        )
    ),
    Page("account/passkeys/<int:pk>/remove/", "account/passkeys/{message}/remove/", STAFF),
    # --- Accounts ---
    *pages_of(
        "auth/group",
        "{group}",
        lists=SUPERUSER,
        reads=SUPERUSER,
        adds=SUPERUSER,
        changes=SUPERUSER,
        deletes=SUPERUSER,
        actions=(action("delete_selected", "{group}", SUPERUSER, post="yes"),),
        added={"name": "made here"},
        changed={"name": "changed here"},
    ),
    *pages_of(
        "auth/user",
        "{neighbour}",
        lists=SUPERUSER,
        reads=SUPERUSER,
        adds=SUPERUSER,
        changes=SUPERUSER,
        deletes=SUPERUSER,
        actions=(action("delete_selected", "{neighbour}", SUPERUSER, post="yes"),),
        added={
            "username": "new",
            "usable_password": "true",
            "password1": "Zq7!mmpo",
            "password2": "Zq7!mmpo",
        },
        changed={
            "username": "changed",
            "date_joined_0": "2025-03-03",
            "date_joined_1": "09:00",
        },
    ),
    Page(
        "auth/user/<id>/password/",
        "auth/user/{neighbour}/password/",
        SUPERUSER,
        [
            Post(
                {"usable_password": "true", "password1": "Zq7!mmpo", "password2": "Zq7!mmpo"},
                SUPERUSER,
            )
        ],
    ),
    # --- Letters ---
    *pages_of(
        "letter/letter",
        "{letter}",
        lists=READING_LETTERS,
        reads=READS_LETTER,
        adds=WRITES,
        changes=WRITES,
        deletes=SUPERUSER,
        added=LETTER_FIELDS,
        changed={**LETTER_FIELDS, "state": "closed", "logo_description": "A dove"},
        deleted="{draft_letter}",
    ),
    # What is published is never deleted.
    Page(
        "letter/letter/<path:object_id>/delete/",
        "letter/letter/{letter}/delete/",
        NOBODY,
        [Post({"post": "yes"}, NOBODY)],
    ),
    Page(
        "letter/letter/<int:pk>/preview/",
        "letter/letter/{letter}/preview/",
        READS_LETTER,
        [Post({}, READS_LETTER, shows=True)],
    ),
    Page("letter/letter/<int:pk>/logo/", "letter/letter/{letter}/logo/", READS_LETTER),
    Page(
        "letter/letter/<int:pk>/revise/",
        "letter/letter/{draft_letter}/revise/",
        NOBODY,
        [Post({}, WRITES)],
    ),
    Page(
        "letter/letter/<int:pk>/recipients/",
        "letter/letter/{letter}/recipients/",
        WRITES,
        [Post({"recipients": "Made here; Ambassador"}, WRITES)],
    ),
    Page(
        "letter/letter/<int:pk>/recipients/make/",
        "letter/letter/{letter}/recipients/make/",
        WRITES,  # led back to the recipients
        [Post({}, WRITES)],
    ),
    Page(
        "letter/letter/<int:pk>/recipients/zip/", "letter/letter/{letter}/recipients/zip/", WRITES
    ),
    *pages_of(
        "letter/revision",
        "{draft}",
        lists=READING_LETTERS,
        reads=READS_LETTER,
        changes=WRITES,
        changed=TEXT,
    ),
    Page(
        "letter/revision/<int:pk>/preview/",
        "letter/revision/{revision}/preview/",
        READS_LETTER,
        [Post(TEXT, READS_LETTER, shows=True)],
    ),
    Page(
        "letter/revision/<int:pk>/publish/",
        "letter/revision/{ready}/publish/",
        NOBODY,
        [Post({}, WRITES)],
    ),
    Page(
        "letter/letter/<int:pk>/deliveries/",
        "letter/letter/{letter}/deliveries/",
        READS_LETTER,
        [
            Post(
                {"edition": "{edition}", "to": "Missions", "delivered_on": "2025-03-04"},
                FOLLOWS_UP,
            ),
            Post({"remove": "{delivery}"}, FOLLOWS_UP),
        ],
    ),
    *pages_of(
        "letter/update",
        "{update}",
        lists=READING_LETTERS,
        reads=READS_LETTER,
        adds=FOLLOWS_UP | {"elsewhere"},
        makes=FOLLOWS_UP,
        changes=FOLLOWS_UP,
        deletes=FOLLOWS_UP,
        added={"letter": "{letter}", "_publish_mail": "1", **UPDATE_TEXT},
        changed=UPDATE_TEXT,
    ),
    # --- Sign-ons ---
    *pages_of(
        "signatories/signatory",
        "{entry}",
        lists=READING,
        reads=READS,
        adds=DECIDING,
        changes=DECIDES,
        deletes=SUPERUSER,
        actions=(
            action("approve", "{entry}", DECIDES),
            action("reject", "{entry}", DECIDES, reason="No"),
            action("return_for_changes", "{entry}", DECIDES, reason="No"),
            action("assign", "{entry}", DECIDES, colleague="{assigned}"),
            action("assign", "{entry}", NOBODY, colleague="{elsewhere}"),
            Post(
                {"action": "reject", "_selected_action": "{entry}", "select_across": "1"},
                READS,  # those who may not are shown the list again
                shows=True,
            ),
        ),
        added={"letter": "{letter}", "name": "Made here"},
        changed={"name": "Changed here"},
        makes=DECIDES,
    ),
    Page(
        ENTRIES,
        f"{ENTRIES}?state=all",
        READING,
        [action("withdraw", "{listed}", DECIDES, reason="No")],
    ),
    # What is on the list is never deleted.
    Page(
        f"{ENTRIES}<path:object_id>/delete/",
        f"{ENTRIES}{{listed}}/delete/",
        NOBODY,
        [Post({"post": "yes"}, NOBODY)],
    ),
    Page(
        f"{ENTRIES}<int:pk>/burst/",
        f"{ENTRIES}{{entry}}/burst/",
        DECIDES,
        [Post({"entry": "{entry}"}, DECIDES)],
    ),
    Page(
        f"{ENTRIES}review/",
        f"{ENTRIES}review/",
        DECIDING,
        [
            Post({"decision": decision, "entry": "{entry}", f"reason_{decision}": "No"}, DECIDES)
            for decision in ("approve", "return", "reject", "reject:{reason}")
        ],
    ),
    Page(f"{ENTRIES}review/", f"{ENTRIES}review/?letter={{letter}}&entry={{entry}}", DECIDING),
    Page(
        f"{ENTRIES}bring-in/",
        f"{ENTRIES}bring-in/?letter={{letter}}",
        DECIDING,
        [
            Post(
                {"letter": "{letter}", "table": "{table}", "name-1": "Made here", "store": "1"},
                DECIDES,
            )
        ],
    ),
    Page(
        f"{ENTRIES}take-out/",
        f"{ENTRIES}take-out/?letter={{letter}}",
        READING,
        [
            *(
                Post({"letter": "{letter}", "form": form}, READS)
                for form in ("public_csv", "public_xlsx", "public_docx", "public_text")
            ),
            *(
                Post({"letter": "{letter}", "form": form}, DECIDES)
                for form in ("private_csv", "private_xlsx")
            ),
        ],
    ),
    Page(f"{ENTRIES}campaign/<int:pk>/", f"{ENTRIES}campaign/{{letter}}/", READS),
    *(
        Page(
            f"{ENTRIES}<int:pk>/decide/<str:event>/",
            f"{ENTRIES}{{{of}}}/decide/{event}/",
            NOBODY,
            [Post({"reason": "No"}, DECIDES)],
        )
        for of, event in (
            ("entry", "approve"),
            ("entry", "return"),
            ("entry", "reject"),
            ("listed", "withdraw"),
            ("listed", "reopen"),
            ("returned", "resubmit"),
        )
    ),
    Page(
        f"{ENTRIES}<int:pk>/judge/",
        f"{ENTRIES}{{entry}}/judge/",
        NOBODY,
        [
            Post({"verdict": f"different:{PRIVATE} pending again"}, DECIDES),
            Post({"verdict": "same:Somebody"}, NOBODY),
        ],
    ),
    Page(
        f"{ENTRIES}<int:pk>/ask/",
        f"{ENTRIES}{{entry}}/ask/",
        DECIDES,
        [Post({"mailbox": "info"}, DECIDES)],
    ),
    Page(
        f"{ENTRIES}<int:pk>/combine/<int:other>/",
        f"{ENTRIES}{{entry}}/combine/{{returned}}/",
        DECIDES,
        [
            Post(AS_SEEN, DECIDES),
            Post({"alias": "on", "name": "other", "contact": "other", **AS_SEEN}, DECIDES),
            # What was not shown is shown first.
            Post({}, DECIDES, shows=True),
        ],
    ),
    Page(
        f"{ENTRIES}<int:pk>/combine/<int:other>/",
        f"{ENTRIES}{{listed}}/combine/{{returned}}/",
        DECIDES,
        [Post({"alias": "on", "seen": ["{listed_as_seen}", "{returned_as_seen}"]}, DECIDES)],
    ),
    # Never with what is on another letter: whoever sees both is led back, and told why.
    Page(
        f"{ENTRIES}<int:pk>/combine/<int:other>/",
        f"{ENTRIES}{{entry}}/combine/{{foreign}}/",
        SHARED,
        [Post({}, NOBODY)],
    ),
    Page(
        f"{ENTRIES}<int:pk>/place/",
        f"{ENTRIES}{{entry}}/place/",
        READS,
        [Post({"name": "Typed here"}, READS, shows=True)],
    ),
    Page(
        f"{ENTRIES}place/",
        f"{ENTRIES}place/",
        READING,
        [Post({"letter": "{letter}", "name": "Typed here"}, READS, shows=True)],
    ),
    *(
        Page(
            f"{ENTRIES}correction/<int:pk>/<str:answer>/",
            f"{ENTRIES}correction/{{correction}}/{answer}/",
            NOBODY,
            [Post({"reason": "No"}, DECIDES)],
        )
        for answer in ("accept", "decline")
    ),
    *pages_of(
        "signatories/partner",
        "{partner}",
        lists=READING,
        reads=READS,
        adds=DECIDING,
        makes=DECIDES,
        changes=DECIDES,
        deletes=DECIDES,
        added={"letter": "{letter}", "name": "Made here", "code": "made-here"},
        changed={"name": "Changed here"},
    ),
    # --- The registry and the mails ---
    *pages_of(
        "signatories/organization",
        "{organization}",
        lists=READING,
        reads=READING,
        changes=SHARED,
        changed={"name": "Changed here", "aliases-TOTAL_FORMS": "0", "aliases-INITIAL_FORMS": "0"},
    ),
    Page(
        "signatories/organization/",
        "signatories/organization/",
        READING,
        # It only leads to the page that asks.
        [action("combine", "{organization}", NOBODY)],
    ),
    Page(
        "signatories/organization/<int:pk>/combine/<int:other>/",
        "signatories/organization/{organization}/combine/{other_organization}/",
        SHARED,
        [Post({}, SHARED)],
    ),
    *pages_of("signatories/merge", "{merge}", lists=READING, reads=READS),
    Page(
        "signatories/merge/<int:pk>/undo/",
        "signatories/merge/{merge}/undo/",
        NOBODY,
        [Post({}, DECIDES)],
    ),
    *pages_of(
        "signatories/message",
        "{message}",
        lists=READING,
        reads=READS,
        # Its fields are all to be read; what is left of saving is a line in the log.
        changes=DECIDES,
        actions=(action("try_again", "{message}", DECIDES),),
    ),
    *pages_of(
        "signatories/savedreason",
        "{reason}",
        lists=READING,
        reads=READING,
        adds=SHARED,
        changes=SHARED,
        deletes=SHARED,
        added=REASON_FIELDS,
        changed=REASON_FIELDS | {"texts-TOTAL_FORMS": "0"},
        actions=(action("delete_selected", "{reason}", SHARED, post="yes"),),
    ),
]


# --- A world in which all of it can be done -------------------------------------------------------


@dataclass(frozen=True)
class World:
    """Accounts by role, and what stands for the names in addresses and data."""

    users: dict[str, Any]
    names: dict[str, Any]


@pytest.fixture
def world(db) -> World:
    return make_world()


def make_world() -> World:
    users = {
        "staff": UserFactory(username="staff"),
        "observer": UserFactory(username="observer", group="observer"),
        "editor": UserFactory(username="editor", group="editor"),
        "coordinator": UserFactory(username="coordinator", group="coordinator"),
        "assigned": UserFactory(username="assigned", group="letter coordinator"),
        "elsewhere": UserFactory(username="elsewhere", group="letter coordinator"),
        "superuser": UserFactory(username="superuser", is_superuser=True),
    }
    for user in users.values():
        user.set_password("old")
        user.save(update_fields=["password"])
    letter = make_letter(slug="conduct", title=f"{TITLE} of conduct")
    private = {
        "contact_name": f"{PRIVATE} Ann",
        "contact_role": PRIVATE,
        "email": f"{PRIVATE.lower()}@example.org",
        "note": PRIVATE,
    }
    listed = SignatoryFactory(letter=letter, name="PAX", state=State.APPROVED, **private)
    request_publication(letter, at=NOW)
    publish(letter.pk, approved_lines, at=NOW)
    edition = letter.newest_edition()
    delivery = letter.deliveries.create(edition=edition, to="Somebody", delivered_on=NOW.date())
    update = letter.updates.create()
    update.texts.create(title=f"{TITLE} news")
    letter.recipients.create(position=0, name="Her Excellency")
    dove = io.BytesIO()
    Image.new("RGB", (1, 1)).save(dove, "PNG")
    Logo.objects.create(
        letter=letter, picture=dove.getvalue(), width=1, height=1, description="A dove"
    )
    letter.documents.create(
        edition=letter.newest_edition(), kind=recipients.KIND, body_gzip=compressed(b"zip")
    )
    changes = {"name": f"PAX {PRIVATE}", "countries": [], "website": ""}
    correction = moderation.correct(listed.pk, changes, at=NOW)
    entry = SignatoryFactory(
        letter=letter, name=f"{PRIVATE} pending", website="https://pending.org", **private
    )
    twins = [SignatoryFactory(letter=letter, name=f"{PRIVATE} {number}") for number in "12"]
    by = moderation.By.coordinator(users["coordinator"])
    merge = merging.merge_entries(twins[0].pk, twins[1].pk, by=by)
    returned = SignatoryFactory(
        letter=letter, name=f"{PRIVATE} returned", state=State.RETURNED, **private
    )
    message = Message.objects.create(
        kind=Message.Kind.APPROVED, letter=letter, signatory=listed, given_up_at=NOW, error=PRIVATE
    )
    draft_letter = make_letter(slug="draft", title=f"{TITLE} draft", state="draft")
    for each in (letter, draft_letter):
        each.coordinators.add(users["assigned"])
    other = make_letter(slug="other", title=f"{TITLE_OTHER} of others")
    foreign = SignatoryFactory(letter=other, name=f"{PRIVATE_OTHER} pending", note=PRIVATE_OTHER)
    duplicates.index_signatory(SignatoryFactory(letter=letter, name=f"{PRIVATE} pending again"))
    other.coordinators.add(users["elsewhere"])
    names = {
        "letter": letter.pk,
        "letter_type": ContentType.objects.get_for_model(letter).pk,
        "draft_letter": draft_letter.pk,
        "revision": letter.revisions.get().pk,
        "draft": Revision.objects.create(letter=letter, number=2, kind="editorial").pk,
        "ready": RevisionTextFactory(
            revision__letter=letter,
            revision__number=3,
            revision__kind="editorial",
            revision__note="A comma.",
            revision__published_at=None,
            body="Other words.",
        ).revision_id,
        "entry": entry.pk,
        "listed": listed.pk,
        "returned": returned.pk,
        "organization": listed.organization_id,
        "other_organization": OrganizationFactory().pk,
        "merge": merge.pk,
        "correction": correction.pk,
        "message": message.pk,
        "edition": edition.pk,
        "delivery": delivery.pk,
        "update": update.pk,
        "partner": Partner.objects.create(letter=letter, name=PRIVATE, code="partner").pk,
        "reason": SavedReason.objects.filter(event="reject").first().pk,
        "group": Group.objects.create(name="spare").pk,
        "neighbour": UserFactory(username="neighbour").pk,
        "assigned": users["assigned"].pk,
        "elsewhere": users["elsewhere"].pk,
        "foreign": foreign.pk,
        "table": carry(read_table("1. Made here")),
        **{
            f"{name}_as_seen": f"{pk}:{Signatory.objects.get(pk=pk).version}"
            for name, pk in (("entry", entry.pk), ("listed", listed.pk), ("returned", returned.pk))
        },
    }
    return World(users, names)


def rows() -> Rows:
    """All that the database holds, but who is logged in, who looks at what, and what migrations made."""
    models = set(apps.get_models(include_auto_created=True)) - {Session, ContentType, Permission}
    return {
        model._meta.label: list(
            model._default_manager.order_by("pk").values_list(
                *(one.attname for one in model._meta.concrete_fields if one.name not in NOT_COUNTED)
            )
        )
        for model in models
    }


def filled(data: Any, world: World) -> Any:
    """Names in braces, in an address or in data, filled in."""
    if isinstance(data, dict):
        return {filled(key, world): filled(value, world) for key, value in data.items()}
    if isinstance(data, list):
        return [filled(each, world) for each in data]
    return data.format(**world.names)


def answers(
    world: World, before: Rows, method: str, url: str, data: Any = None
) -> Iterator[tuple[str, Any, list[str], Rows]]:
    """For each role, what it is answered in the end and by which ways, and the rows there are then.

    What it did is undone, and rows that nothing wrote into are not read again.
    """
    writes: list[str] = []

    def note(execute, statement, *arguments):
        if not statement.startswith(("SELECT", "WITH", "SAVEPOINT", "RELEASE", "ROLLBACK")):
            writes.append(statement)
        return execute(statement, *arguments)

    for role in ROLES:
        client = Client()
        with transaction.atomic():
            if role in world.users:
                client.force_login(world.users[role])
            writes.clear()
            with connection.execute_wrapper(note):
                response = getattr(client, method)(f"/admin/{url}", data, follow=True)
                if response.streaming:
                    response.streaming_content = list(response.streaming_content)
            ways = [way for way, _status in response.redirect_chain]
            yield role, response, ways, rows() if writes else before
            transaction.set_rollback(True)


def leaks(role: str, response: Any) -> set[str]:
    """What a role reads of letters that are not its own."""
    unseen = {
        "anonymous": {PRIVATE, TITLE, PRIVATE_OTHER, TITLE_OTHER},
        "staff": {PRIVATE, TITLE, PRIVATE_OTHER, TITLE_OTHER},
        "editor": {PRIVATE, PRIVATE_OTHER},
        "assigned": {PRIVATE_OTHER, TITLE_OTHER},
        "elsewhere": {PRIVATE, TITLE},
    }
    # What was typed comes back in the address of the log-in page.
    body = b"" if "/login/" in response.request["PATH_INFO"] else b"".join(response)
    read = body.decode(errors="replace").lower()
    return {word for word in unseen.get(role, ()) if word.lower() in read}


# --- The tests --------------------------------------------------------------------------------------


def routes(patterns: Any, before: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route


def test_the_table_has_every_page():
    there = {
        route.removeprefix("admin/")
        for route in routes(get_resolver().url_patterns)
        if route.startswith("admin/")
    }

    assert there == {page.route for page in PAGES}


def test_the_table_has_every_action_of_every_list(db):
    request = RequestFactory().get("/admin/")
    request.user = UserFactory(is_superuser=True)
    there = {
        (f"{model._meta.app_label}/{model._meta.model_name}/", name)
        for model, desk in admin.site._registry.items()
        for name in desk.get_actions(request)
    }

    done = {
        (page.route, post.data["action"])
        for page in PAGES
        for post in page.posts
        if "action" in post.data
    }
    assert there == done


def test_who_opens_which_page_and_that_looking_changes_nothing(world):
    before = rows()
    opened: dict[str, set[str]] = {page.url: set() for page in PAGES}
    for page in PAGES:
        for role, response, ways, now in answers(world, before, "get", filled(page.url, world)):
            assert now == before, (page.url, role)
            assert not leaks(role, response), (page.url, role)
            # The admin sends whoever looks for what is not there to its front page.
            is_refused = any(way == "/admin/" or "/login/" in way for way in ways)
            if response.status_code == 200 and not is_refused:
                opened[page.url].add(role)

    assert opened == {page.url: page.get for page in PAGES}


def test_who_does_what_and_that_nothing_is_changed_for_the_others(world):
    before = rows()
    table = {
        (page.url, number): post
        for page in PAGES
        for number, post in enumerate(page.posts or [Post({}, NOBODY)])
    }
    done: dict[tuple[str, int], set[str]] = {key: set() for key in table}
    for (url, number), post in table.items():
        data = filled(post.data, world)
        for role, response, ways, now in answers(world, before, "post", filled(url, world), data):
            assert not leaks(role, response), (url, post.data, role)
            is_done = now != before
            if role in {"assigned", "elsewhere"}:
                # What there was stays; a new organisation enters when a sign-on is approved.
                for label in SHARED_TABLES:
                    assert set(before[label]) <= set(now[label]), (url, post.data, role, label)
                assert now[ALIASES] == before[ALIASES], (url, post.data, role)
            if post.shows:
                assert not is_done, (url, post.data, role)
                is_done = not ways and (PRIVATE in response.text or TITLE in response.text)
            if is_done:
                done[url, number].add(role)

    assert done == {key: post.by for key, post in table.items()}


# --- What lies behind the links in mails ------------------------------------------------------------


def secret_routes() -> set[str]:
    return {route for route in routes(get_resolver().url_patterns) if "<str:token>" in route}


def test_a_link_opens_its_own_sign_on_alone(world):
    """Whoever has a link, and whoever is logged in: what another sign-on says and what becomes of it is not theirs."""
    mine = SignatoryFactory(letter=make_letter(slug="mine"), name="INSEC", state=State.SUBMITTED)
    token = links.new_link(mine)
    theirs = Signatory.objects.exclude(pk=mine.pk)
    before = list(theirs.order_by("pk").values())
    assert len(secret_routes()) == 10

    for route in secret_routes():
        for slug, secret in (("conduct", token), ("mine", token), ("conduct", "x" * len(token))):
            url = "/" + route.replace("<slug:slug>", slug).replace("<str:token>", secret)
            is_own = slug == "mine"
            for method in ("get", "post"):
                with transaction.atomic():
                    response = getattr(Client(), method)(url, follow=True)
                    body = b"".join(response).decode()
                    assert is_own or response.status_code in {404, 405}, url
                    assert not {word for word in (PRIVATE, PRIVATE_OTHER) if word in body}, url
                    assert list(theirs.order_by("pk").values()) == before, url
                    assert is_own or Signatory.objects.get(pk=mine.pk).state == State.SUBMITTED, url
                    transaction.set_rollback(True)


def test_a_draft_and_a_link_open_to_no_account_that_may_not(world):
    """Being logged in opens no door of the contacts', and a draft's page those alone who work on it."""
    entry = Signatory.objects.get(pk=world.names["entry"])
    opened = set()
    for role in ROLES:
        client = Client()
        if role in world.users:
            client.force_login(world.users[role])
        assert client.get(f"/conduct/signature/{entry.reference}/").status_code == 404
        if client.get("/draft/").status_code == 200:
            opened.add(role)

    assert opened == READS_LETTER
