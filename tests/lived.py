"""A site with a past, as an operator's processes see it: `python -m tests.lived WHAT`, where the environment says.

Each prints a line of JSON. Other processes of the tests run it on one database or another.
"""

import hashlib
import io
import json
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

# Nothing of the tests' own is imported up here: tests.settings would put the environment aside.
BASE_DIR = Path(__file__).resolve().parent.parent
PASSWORD = "a coalition of 33"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def environ_of(folder: Path, database: dict[str, str], key: str) -> dict[str, str]:
    """What a site's processes are started with: data under `folder`, signed by a key of its own."""
    from tests.browser.site import clean_environ

    return (
        clean_environ()
        | database
        | {
            "ALLOWED_HOSTS": "testserver",
            "BASE_URL": "http://testserver",
            "DEBUG": "1",  # the static files need not be collected
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "REQUIRE_SECOND_FACTOR": "1",
            "SECRET_KEY": key * 10,
            "VAR_DIR": str(folder),
        }
    )


def told(environ: dict[str, str], what: str, *arguments: str) -> Any:
    """What this module, run as a program there, prints."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.lived", what, *arguments],
        cwd=BASE_DIR,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


# --- In a process of its own ----------------------------------------------------


def _sign(letter, name: str, **fields):
    from signatories import moderation
    from signatories.models import Signatory

    key = name.partition(" ")[0].lower()
    typed = {
        "website": f"https://{key}.example.org",
        "email": f"office@{key}.example.org",
        "contact_name": "Aline Bahati",
        "countries": ["CD", "RW"],
        "seconds_taken": 95,
    } | fields
    revision = letter.current_revision()
    form = Signatory.Source.FORM
    return moderation.submit(
        Signatory(letter=letter, revision=revision, source=form, name=name, **typed)
    )


def _confirmed(letter, name: str, **fields):
    from signatories.models import Event
    from signatories.moderation import CONTACT, decide

    entry = _sign(letter, name, **fields)
    decide(entry.pk, Event.CONFIRM, by=CONTACT)
    return entry


def fill() -> object:
    """A letter with all that there can be, and one that will be busy; gives the links in the mails that went out."""
    from signatories.models import Signatory
    from tests.factories import make_letter

    grace = _coordinator()
    letter = make_letter(
        slug="conduct", title="A code of “conduct”", contact_address="us@example.org"
    )
    _furnish(letter, grace)
    _live(letter, grace)
    make_letter(slug="busy", title="A busy letter")
    assert set(Signatory.objects.values_list("state", flat=True)) == set(Signatory.State.values)
    return sorted(link for mail in _mails() for link in mail)


def _coordinator():
    """Grace, with a password, an app, recovery codes and a group; and a session of somebody."""
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.totp.internal.auth import TOTP
    from django.contrib.sessions.backends.db import SessionStore

    from tests.factories import UserFactory

    grace = UserFactory(username="grace", group="coordinator")
    grace.set_password(PASSWORD)
    grace.save()
    TOTP.activate(grace, SECRET)
    RecoveryCodes.activate(grace)
    SessionStore().create()
    return grace


def _furnish(letter, grace) -> None:
    """What belongs to a letter and not to its list."""
    from django.contrib.admin.models import CHANGE, LogEntry
    from django.contrib.contenttypes.models import ContentType
    from PIL import Image

    from letter import logo
    from letter.models import Letter, LetterChange, Recipient
    from tests.factories import RevisionTextFactory

    RevisionTextFactory(
        revision=letter.revisions.get(), language="fr", body="Nous demandons un *code*."
    )
    letter.coordinators.add(grace)
    picture = io.BytesIO()
    Image.new("RGB", (40, 20), "navy").save(picture, "PNG")
    picture.seek(0)
    logo.keep(letter, logo.drawn(picture), "A lamp")
    LetterChange.objects.create(letter=letter, user=grace, field="title", old="A", new="B")
    LogEntry.objects.create(
        user=grace,
        content_type=ContentType.objects.get_for_model(Letter),
        object_id=letter.pk,
        object_repr="conduct",
        action_flag=CHANGE,
        change_message="[]",
    )
    Recipient.objects.create(letter=letter, position=1, name="H.E. Ms Zo", country="MG")


def _live(letter, grace) -> None:
    """All that happens to sign-ons, edition by edition."""
    from django.utils import timezone

    from letter.publishing import redact
    from signatories import duplicates, merging, moderation, vouching
    from signatories.models import Event, Message, Partner
    from signatories.moderation import By, decide
    from signatories.worker import run_due

    now, by = timezone.now(), By.coordinator(grace)
    partner = Partner.objects.create(letter=letter, name="Amnesty", code="amnesty")
    _sign(letter, "Unconfirmed Union")
    kept = _confirmed(letter, "Kivu « Centre »", partner=partner, wants_updates=True)
    twice = _confirmed(letter, "Centre Kivu", email="other@kivu.example.org")
    arabic = _confirmed(
        letter, "مركز الشهادة", other_names={"en": "Witness Centre"}, email="a@witness.example.org"
    )
    gone, hidden = _confirmed(letter, "Gone Tomorrow"), _confirmed(letter, "Hidden Name")
    returned, rejected = _confirmed(letter, "Returned Aid"), _confirmed(letter, "Rejected Ltd")
    waiting = _confirmed(letter, "Waiting Group", email="group@example.com")
    run_due()
    for entry in (kept, arabic, gone, hidden):
        decide(entry.pk, Event.APPROVE, by=by)
        run_due()
    decide(returned.pk, Event.RETURN, by=by, reason="Which city?")
    decide(rejected.pk, Event.REJECT, by=by, reason="A company.")
    decide(gone.pk, Event.WITHDRAW, by=by, reason="You asked.")
    merging.merge_entries(kept.pk, twice.pk, by=by, with_alias=True)
    duplicates.judge("Kivu « Centre »", "Waiting Group", "different", user=grace, at=now)
    vouching.ask(waiting.pk, "info@example.org", by=by)
    moderation.correct(arabic.pk, {"name": "مركز الشهادة والعدالة"})
    run_due()
    redact(letter, hidden.line_id, at=now)
    moderation.edit(kept.pk, {"sort_as": "Centre"}, by=by)
    _follow_up(letter, now)
    run_due()
    Message.objects.filter(kind="rejected").update(sent_at=None, given_up_at=now, error="550")
    _sign(letter, "Latecomers’ League")  # whose mail waits


def _follow_up(letter, now) -> None:
    from letter.models import Delivery, Update, UpdateText
    from tests.factories import RevisionTextFactory

    second = letter.editions.get(number=2)
    Delivery.objects.create(letter=letter, edition=second, to="missions", delivered_on=now.date())
    update = Update.objects.create(letter=letter, published_at=now, mail_asked_at=now)
    UpdateText.objects.create(update=update, title="Delivered", body="To *193* missions.")
    RevisionTextFactory(
        revision__letter=letter,
        revision__number=2,
        revision__kind="substantive",
        revision__published_at=now,
        body="We ask for more.",
    )


def _mails() -> list[list[str]]:
    """The links in each mail that was sent."""
    import re
    from email import policy
    from email.parser import BytesParser

    from django.conf import settings

    parse = BytesParser(policy=policy.default).parsebytes
    texts = [
        parse(path.read_bytes()).get_body(("plain",)).get_content()
        for path in sorted(settings.EMAIL_FILE_PATH.glob("*.eml"))
    ]
    return [re.findall(r"http://testserver(/\S+)", text) for text in texts]


def pages() -> object:
    """How each public page of the letter is served: status, entity tag, where it leads, the SHA-256 of its bytes."""
    from django.test import Client

    from letter.archiving import pages_of
    from letter.models import Letter

    letter = Letter.objects.get(slug="conduct")
    made = pages_of(letter, letter.newest_edition(), date(2025, 3, 5))
    client = Client()
    served = {}
    for address in sorted({page.address for page in made}):
        answer = client.get(address)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        served[address] = [
            answer.status_code,
            answer.headers.get("ETag"),
            answer.headers.get("Location"),
            hashlib.sha256(body).hexdigest(),
        ]
    return served


def visit(*links: str) -> object:
    """What somebody is answered who opens these links, from mails of long ago."""
    from django.test import Client

    return [Client().get(link).status_code for link in links]


def go_on() -> object:
    """Log in with both factors, take a sign-on in and decide about it."""
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
    from django.contrib.auth.models import User
    from django.contrib.sessions.models import Session
    from django.test import Client

    from letter.models import Letter
    from signatories.models import Event
    from signatories.moderation import By, decide
    from signatories.worker import run_due

    sessions = Session.objects.count()
    client = Client()
    client.post("/admin/login/", {"username": "grace", "password": PASSWORD})
    code = format_hotp_value(hotp_value(SECRET, int(time.time()) // 30))
    client.post("/admin/account/log-in/code/", {"code": code})
    letter = Letter.objects.get(slug="conduct")
    number = letter.newest_edition().number
    run_due()
    entry = _confirmed(letter, "Newcomers’ Network")
    by = By.coordinator(User.objects.get(username="grace"))
    decide(entry.pk, Event.APPROVE, by=by)
    run_due()
    shown = client.get("/conduct/").content.decode()
    return {
        "sessions": sessions,
        "desk": client.get("/admin/signatories/signatory/").status_code,
        "editions": letter.newest_edition().number - number,
        "shown": "Newcomers’ Network" in shown,
    }


def write() -> object:
    """Take in and decide, and publish, until the line in is closed and once more; a line out each time."""
    import threading

    from letter.models import Letter
    from signatories.models import Event, Signatory
    from signatories.moderation import SYSTEM, decide_many
    from signatories.worker import run_due

    letter = Letter.objects.get(slug="busy")
    told_to_stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), told_to_stop.set()), daemon=True).start()
    count, is_last = 0, False
    while not is_last:
        is_last = told_to_stop.is_set()
        entries = [_confirmed(letter, f"Busy{count + n} Bees") for n in range(5)]
        count += len(entries)
        decide_many([entry.pk for entry in entries], Event.APPROVE, by=SYSTEM)
        run_due()
        print(count, flush=True)
    return Signatory.objects.count()


# --- The first release ----------------------------------------------------------

FIRST = [
    ("letter", "0001_letters_editions_listings"),
    ("signatories", "0001_registry_decisions_messages"),
]
THEN = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)
TOKENS = ("of-the-mail-to-confirm", "of-the-mail-that-thanks")


def begin() -> object:
    """A database as the first release left it: made by its migrations, filled by the models that it had."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    around = [key for key in newest if key[0] in {"admin", "auth", "contenttypes", "sessions"}]
    executor.migrate([*around, *FIRST])
    apps = executor.loader.project_state([*around, *FIRST]).apps
    # It left no column that came later.
    assert not hasattr(apps.get_model("signatories", "Signatory"), "other_names")
    grace = apps.get_model("auth", "User").objects.create(username="grace", is_staff=True)
    letter = apps.get_model("letter", "Letter").objects.create(
        slug="conduct", title="A code of conduct", state="open", salutation="Excellency,"
    )
    revision = letter.revisions.create(number=1, published_at=THEN, locked_at=THEN)
    revision.bodies.create(language="en", body="We ask for a **code of conduct**.")
    names = [("Centre Kivu", ["CD", "RW"]), ("Zarga", ["SD"]), ("Left Long Ago", [])]
    entries = [
        _first_entry(apps, letter, revision, grace, name, countries) for name, countries in names
    ]
    _first_entry(apps, letter, revision, grace, "Waiting Group", ["KE"], is_approved=False)
    _first_editions(apps, letter, revision, entries)
    return letter.slug


def _first_entry(apps, letter, revision, user, name, countries, *, is_approved=True):
    from letter.ordering import collation_key
    from signatories.names import name_key
    from signatories.tokens import token_hash

    organization = apps.get_model("signatories", "Organization").objects.create(
        name=name, name_key=name_key(name)
    )
    entry = apps.get_model("signatories", "Signatory").objects.create(
        letter=letter,
        revision=revision,
        organization=organization if is_approved else None,
        state="approved" if is_approved else "pending",
        source="form",
        name=name,
        name_key=name_key(name),
        countries=countries,
        collation_key=collation_key(name),
        website="https://kivu.example.org",
        contact_name="Aline Bahati",
        email="aline@kivu.example.org",
        note="She called.",
        submitted_at=THEN,
        confirmed_at=THEN,
        approved_at=THEN if is_approved else None,
        seconds_taken=95,
    )
    entry.decisions.create(event="submit", to_state="submitted", actor="contact", at=THEN)
    entry.decisions.create(
        event="confirm", from_state="submitted", to_state="pending", actor="contact", at=THEN
    )
    entry.messages.create(kind="confirm", letter=letter, created_at=THEN, sent_at=THEN)
    if is_approved:
        entry.decisions.create(
            event="approve",
            from_state="pending",
            to_state="approved",
            actor="coordinator",
            user=user,
            at=THEN,
        )
        entry.corrections.create(name=f"{name}, Goma", countries=countries, asked_at=THEN)
    if name == "Centre Kivu":
        for token in TOKENS:
            entry.links.create(token_hash=token_hash(token), created_at=THEN)
    return entry


def _first_editions(apps, letter, revision, entries) -> None:
    """Two editions: all of them, and all but the last, who withdrew."""
    from letter.digest import commitment, edition_digest, revision_digest
    from letter.ordering import country_key, sort_key

    text = {
        "title": letter.title,
        "addressee": "",
        "salutation": letter.salutation,
        "body": "We ask for a **code of conduct**.",
        "closing_line": "",
    }
    of_text = revision_digest(letter.slug, 1, {"en": text})
    listings = [
        letter.listings.create(
            line_id=entry.line_id,
            name=entry.name,
            countries=entry.countries,
            sort_key=sort_key(
                letter.ordering,
                name=entry.collation_key,
                country=country_key(""),
                approved_at=THEN,
                line_id=entry.line_id,
            ),
            salt=f"{number:032}",
            commitment=commitment(f"{number:032}", entry.name, entry.countries, None),
            first_edition=1,
            last_edition=None if entry.countries else 1,
        )
        for number, entry in enumerate(entries)
    ]
    in_order = sorted(listings, key=lambda listing: listing.sort_key)
    previous = ""
    for number in (1, 2):
        lines = [one for one in in_order if number == 1 or one.last_edition is None]
        edition = letter.editions.create(
            number=number,
            published_at=THEN + timedelta(hours=number),
            revision=revision,
            revision_digest=of_text,
            previous_digest=previous,
            digest=edition_digest(
                letter=letter.slug,
                number=number,
                published_at=THEN + timedelta(hours=number),
                previous=previous,
                revision=of_text,
                lines=[line.commitment for line in lines],
            ),
            organization_count=len(lines),
            country_count=3,
        )
        previous = edition.digest
    leaving = apps.get_model("signatories", "Signatory").objects.filter(pk=entries[2].pk)
    leaving.update(state="withdrawn")
    entries[2].decisions.create(
        event="withdraw", from_state="approved", to_state="withdrawn", actor="contact", at=THEN
    )


def found() -> object:
    """What is there of the first release's letter, after the worker has done what it does at a start."""
    from django.test import Client

    from letter.models import Letter
    from signatories.models import Decision, Message, NameKey, Signatory
    from signatories.worker import request_all, run_due

    request_all()
    run_due()
    letter = Letter.objects.get(slug="conduct")
    client = Client()
    served = client.get("/conduct/signatories.json").json()
    confirm, thank = TOKENS
    return {
        "editions": letter.editions.count(),
        "listed": [line["name"] for line in served["signatories"]],
        "page": "Centre Kivu" in client.get("/conduct/").content.decode(),
        "past": "Left Long Ago" in client.get("/conduct/editions/1/").content.decode(),
        "links": [
            client.get(f"/conduct/{path}/").status_code
            for path in (f"confirm/{confirm}", f"signature/{thank}")
        ],
        "states": sorted(Signatory.objects.values_list("name", "state")),
        "private": sorted(set(Signatory.objects.values_list("email", "note", "seconds_taken"))),
        "decisions": Decision.objects.count(),
        "by": sorted({each.user.username for each in Decision.objects.filter(event="approve")}),
        "mails": Message.objects.filter(sent_at=THEN).count(),
        "is_found_by_name": NameKey.objects.filter(signatory__name="Zarga").exists(),
    }


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
