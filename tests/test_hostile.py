"""One table of hostile strings (tests/hostile.py), typed wherever one can type, and read in every output."""

import csv
import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from email import policy
from email.parser import BytesParser
from html import unescape
from html.parser import HTMLParser
from itertools import islice
from urllib.parse import quote

import docx
import openpyxl
import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from lxml import etree
from pypdf import PdfReader

from letter import recipients, serving
from letter.cells import unprotected
from letter.characters import BIDI_CONTROLS, without_hidden
from letter.models import Letter, Recipient, RevisionText
from letter.publishing import publish, request_publication
from signatories import exporting, links, mail, moderation
from signatories.desk.bringing_in import carry
from signatories.forms import new_stamp
from signatories.lines import approved_lines
from signatories.list_file import Unreadable, read_table
from signatories.models import Decision, Message, Partner, SavedReason, Signatory
from signatories.names import NameRefused, clean_name
from tests.factories import NOW, OrganizationFactory, SignatoryFactory, UserFactory, make_letter
from tests.fuzz.parsers import is_clean
from tests.hostile import STRINGS
from tests.letter import atom
from tests.signatories import test_mail_templates as mails
from tests.test_closed import Strict

State = Signatory.State
# Nothing of these is ever in a page, but as text.
ACTIVE = re.compile(
    r"<script>alert|<img src=x|<svg onload|href=.?(javascript|data):", re.IGNORECASE
)
EVIL = "evil.example"
FIRST_STRONG, POP = "\u2068", "\u2069"


def batched(strings: Sequence[str], count: int) -> Iterator[tuple[str, ...]]:
    left = iter(strings)
    while batch := tuple(islice(left, count)):
        yield batch


def stored(text: str, length: int) -> str:
    """What the database takes of it, as PostgreSQL and the columns' lengths have it."""
    return without_hidden(text)[:length]


def name_of(text: str) -> str:
    """What becomes of it as a name; as a coordinator could write it past every form where it is refused."""
    try:
        return clean_name(text)
    except NameRefused:
        return " ".join(stored(text, 250).split()) or "-"


@pytest.fixture
def poisoned(db, work):
    """A letter with that text in every field, straight through the models."""

    def made(strings: Sequence[str]) -> dict[str, object]:
        text = "\n".join(strings)
        names = [f"{name_of(each)[:240]} {number}" for number, each in enumerate(strings)]
        name = names[0]
        letter = make_letter(
            slug="conduct",
            title=text[:200],
            addressee=text,
            salutation=text[:200],
            closing_line=text[:200],
            letterhead=text[:200],
            sign_on_text=text,
            privacy_text=text,
        )
        revision = letter.revisions.get()
        revision.note = text[:300]
        revision.save()
        for body in RevisionText.objects.all():
            body.body = f"{text}\n\n# {text}\n\n- {text}"
            body.save()
        contact = {
            "contact_name": text[:150],
            "contact_role": text[:150],
            "note": text,
            "email": "a@example.org",
        }
        partner = Partner.objects.create(letter=letter, name=text[:250], code="pax")
        listed = SignatoryFactory(
            letter=letter,
            name=name,
            state=State.APPROVED,
            label=text[:250],
            other_names={"fr": name},
            partner=partner,
            **contact,
        )
        pending = SignatoryFactory(
            letter=letter, name=f"{quote(names[0])[:240]} again", label=text[:250], **contact
        )
        others = [
            SignatoryFactory(letter=letter, name=each, label=each[:250], state=State.APPROVED)
            for each in names[1:]
        ]
        request_publication(letter, at=NOW)
        publish(letter.pk, approved_lines, at=NOW)
        letter.deliveries.create(
            edition=letter.newest_edition(), to=text[:300], delivered_on=NOW.date()
        )
        update = letter.updates.create(published_at=NOW)
        update.texts.create(title=text[:200], body=text)
        recipients.keep(
            letter, [Recipient(position=0, name=stored(text, 200) or "-", title=stored(text, 200))]
        )
        OrganizationFactory(name=name[:200] + " elsewhere")
        message = Message.objects.create(
            kind="rejected",
            letter=letter,
            signatory=listed,
            reason=text,
            given_up_at=NOW,
            error=stored(text, 200),
        )
        SavedReason.objects.filter(event="reject").first().texts.update_or_create(
            language="en", defaults={"text": text}
        )
        request_publication(letter, at=NOW)
        publish(letter.pk, approved_lines, at=NOW)
        vouch = pending.vouches.create(
            email="info@example.org", asked_at=NOW, words=text, user=UserFactory(is_superuser=True)
        )
        return {
            "letter": letter,
            "listed": listed,
            "pending": pending,
            "names": [each.name for each in (listed, *others)],
            "message": message,
            "token": links.new_link(listed),
            "pending_token": links.new_link(pending),
            "vouch": links.new_vouch_link(vouch),
            "update": update,
            "partner": partner,
            "organization": listed.organization_id,
        }

    return made


class Words(HTMLParser):
    """A page's text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data):
        self.found.append(data)


def check_page(url: str, response) -> str:
    """It runs nothing, loads nothing from elsewhere, turns nothing round; gives its text."""
    body = b"".join(response).decode()
    assert response.status_code == 200, (url, response.status_code)
    page = Strict()
    page.feed(body)
    assert page.forbidden == [], url
    assert not [each for each in page.loads if EVIL in each], url
    assert not [
        each
        for each in page.leads_to
        if re.match(r"\s*(javascript|data|vbscript):", each, re.IGNORECASE)
    ], url
    assert not ACTIVE.search(body), url
    assert not set(BIDI_CONTROLS) & set(unescape(body)), url
    assert "\0" not in body
    words = Words()
    words.feed(body)
    return " ".join(" ".join(words.found).split())


PAGES = (
    "",
    "share/",
    "embed/",
    "editions/",
    "editions/1/",
    "editions/1/1/",
    "revisions/1/",
    "countries/",
    "via/pax/",
    "sign/",
    "sign/sent/",
    "signature/{token}/",
    "signature/{pending_token}/",
    "signature/{token}/withdraw/",
    "signature/{token}/updates/",
    "organisation/{vouch}/",
)
DESK = (
    "letter/letter/",
    "letter/letter/{letter}/change/",
    "letter/letter/{letter}/history/",
    "letter/letter/{letter}/preview/",
    "letter/letter/{letter}/recipients/",
    "letter/letter/{letter}/deliveries/",
    "letter/revision/",
    "letter/update/",
    "letter/update/{update}/change/",
    "signatories/signatory/",
    "signatories/signatory/?state=all",
    "signatories/signatory/{pending}/change/",
    "signatories/signatory/{listed}/change/",
    "signatories/signatory/review/",
    "signatories/signatory/{pending}/ask/",
    "signatories/signatory/{pending}/place/",
    "signatories/signatory/bring-in/",
    "signatories/signatory/take-out/",
    "signatories/signatory/campaign/{letter}/",
    "signatories/partner/",
    "signatories/partner/{partner}/change/",
    "signatories/organization/",
    "signatories/organization/{organization}/change/",
    "signatories/message/",
    "signatories/message/{message}/change/",
    "signatories/savedreason/",
)


def test_in_every_page_it_is_text(poisoned, subtests_of_strings):
    for world in subtests_of_strings(poisoned):
        values = {key: getattr(value, "pk", value) for key, value in world.items()}
        client, desk = Client(), Client()
        desk.force_login(UserFactory(is_superuser=True, group="coordinator"))
        for url in PAGES:
            words = check_page(url, client.get(f"/conduct/{url.format(**values)}"))
            if url in {"", "editions/1/"}:
                for name in world["names"]:
                    assert " ".join(name.split()) in words, url
        for url in DESK:
            check_page(url, desk.get(f"/admin/{url.format(**values)}"))


@pytest.fixture
def subtests_of_strings(db):
    """Each string of the table with a world of its own, which goes again."""

    def each_of(poisoned):
        for strings in batched(STRINGS, 14):
            with transaction.atomic():
                try:
                    yield poisoned(strings)
                except AssertionError as error:
                    raise AssertionError(f"{strings!r}: {error}") from error
                finally:
                    transaction.set_rollback(True)
            serving.forget()

    return each_of


def test_in_every_file_it_is_data(poisoned, subtests_of_strings):
    for world in subtests_of_strings(poisoned):
        letter, names = world["letter"], world["names"]
        client = Client()
        _spreadsheets(letter, names)
        for url in ("signatories.json", "countries.json", "editions/1/signatories.json"):
            said = json.loads(b"".join(client.get(f"/conduct/{url}")))
            if "signatories" in url:
                assert {*names} <= {each["name"] for each in said["signatories"]}
        assert json.loads(b"".join(client.get(f"/conduct/sign/hint/?name={quote(names[0][:200])}")))
        assert atom.faults(b"".join(client.get("/conduct/feed.atom"))) == []
        for url in (f"badge/{world['listed'].line_id}.svg", "qr.svg"):
            answer = client.get(f"/conduct/{url}")
            if answer.status_code == 200:  # none where no font shows it
                _picture(b"".join(answer))
        _word(b"".join(client.get("/conduct/letter.docx")))
        _word(exporting.public_docx(letter))
        plain = b"".join(client.get("/conduct/letter.txt")).decode()
        for said in (plain, exporting.public_text(letter).decode()):
            _turns_nothing(said)
            assert not {char for char in said if unicodedata.category(char) == "Cc"} - {"\n", "\t"}


def _spreadsheets(letter: Letter, names: Sequence[str]) -> None:
    for data in (
        exporting.public_csv(letter),
        exporting.private_csv(letter),
        b"".join(Client().get("/conduct/signatories.csv")),
    ):
        said = data.decode("utf-8-sig")
        found = list(csv.reader(io.StringIO(said, newline="")))
        assert len({len(row) for row in found}) == 1
        assert {*names} <= {unprotected(cell) for row in found for cell in row}
        for row in found:
            for cell in row:
                assert not re.match(r"[\s\"]*[=+\-@＝＋－＠]", cell)
        assert not set(BIDI_CONTROLS) & set(said)
    for data in (exporting.public_xlsx(letter), exporting.private_xlsx(letter)):
        cells = [
            cell
            for row in openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows()
            for cell in row
        ]
        assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}
        assert {*names} <= {cell.value for cell in cells}


def _picture(data: bytes) -> None:
    root = etree.fromstring(data)
    for element in root.iter():
        if isinstance(element.tag, str):
            assert etree.QName(element).localname not in {"script", "foreignObject", "iframe", "a"}
            assert not [key for key in element.attrib if key.startswith("on")]
            assert not [
                value
                for value in element.attrib.values()
                if value.startswith(("http", "javascript"))
            ]


def _turns_nothing(text: str) -> None:
    """But for a pair of our own round what runs the other way, which sets it apart (UAX #9)."""
    assert not ({*BIDI_CONTROLS} - {FIRST_STRONG, POP}) & {*text}
    assert text.count(FIRST_STRONG) == text.count(POP)


def _word(data: bytes) -> None:
    docx.Document(io.BytesIO(data))
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        for each in packed.namelist():
            if each.endswith((".xml", ".rels")):
                part = packed.read(each)
                etree.fromstring(part)
                assert b"javascript:" not in part or b'Target="javascript:' not in part
                assert b"<w:fldSimple" not in part
                _turns_nothing(part.decode())


def test_on_paper_and_in_copies_it_is_text(poisoned, tmp_path, work):
    """All of them under one letter, and as its words."""
    world = poisoned([" ".join(stored(each, 60) for each in STRINGS)[:6000]])
    letter = world["letter"]
    shown = []
    for number, text in enumerate(STRINGS):
        name = f"{name_of(text)[:240]} {number}"
        # What has no font has no paper, and says so elsewhere.
        if len(name) < 200 and not re.search("[\U0001f000-\U0001ffff\u2066]", name):
            shown.append(SignatoryFactory(letter=letter, name=name, state=State.APPROVED).name)
    request_publication(letter, at=NOW)
    publish(letter.pk, approved_lines, at=NOW)

    answer = Client().get("/conduct/letter.pdf")
    assert answer.status_code == 200
    pages = PdfReader(io.BytesIO(b"".join(answer))).pages
    said = "".join("".join(page.extract_text() for page in pages).split())
    for part in (
        "#eval(",
        "#import",
        "$x$",
        "@label",
        "{{settings.SECRET_KEY}}",
        "%(name)s",
        "<script>alert(1)</script>",
    ):
        assert part in said
    targets = [
        note.get_object().get("/A", {}).get("/URI", "")
        for page in pages
        for note in page.get("/Annots", [])
    ]
    assert not [target for target in targets if target.startswith(("javascript", "data", "file"))]
    assert Client().get("/conduct/card-3.png").status_code in {200, 404}

    call_command("export_site", "conduct", str(tmp_path / "copy"), stdout=io.StringIO())
    for path in (tmp_path / "copy").rglob("*.html"):
        page = Strict()
        page.feed(path.read_text())
        assert page.forbidden == [], path
        assert not ACTIVE.search(path.read_text()), path


@pytest.mark.parametrize("kind", mails.KINDS)
def test_in_every_mail_it_is_text_and_no_header(kind, mailoutbox):
    for text in STRINGS:
        words, name = stored(text, 150), name_of(text)
        letter = mails.make_letter(title=stored(" ".join(text.split()), 200))
        signatory = mails.make_signatory(
            letter=letter, name=name, contact_name=name[:150], contact_role=name[:150]
        )
        changes = {"others": [signatory], "listed": signatory, "standing": signatory}
        context = mails.make_context(
            kind,
            signatory,
            **changes,
            reason=words,
            correction=mails.make_correction(signatory, name=f"{name}!", is_accepted=False),
            closes_text=words,
        )
        message = Message(pk=1, kind=kind, letter=letter, signatory=signatory)
        mail._compose(message, ["amina@genocide-alert.example"], context).send()

        sent = BytesParser(policy=policy.default).parsebytes(mailoutbox.pop().message().as_bytes())
        headers = {
            *mails.HEADERS,
            *(("List-Unsubscribe", "List-Unsubscribe-Post") if kind == "update" else ()),
        }
        assert {*sent.keys()} <= headers, text
        assert sent["To"] == "amina@genocide-alert.example"
        assert sent["Subject"].splitlines() == [sent["Subject"]]
        plain, page = (sent.get_body((each,)).get_content() for each in ("plain", "html"))
        seen = Strict()
        seen.feed(page)
        assert {*seen.forbidden} <= {"style"}, text  # mail programs know no stylesheets
        assert not ACTIVE.search(page), text
        assert not set(BIDI_CONTROLS) & {*plain, *unescape(page), *sent["Subject"]}, text


# --- The ways in ------------------------------------------------------------------------------------


def test_the_form_takes_it_cleaned_or_refuses_it_in_words(letter):
    together = (
        ("organization", "contact_name", "contact_role", "via"),
        ("website", "other_name_fr"),
        ("email",),
        ("countries",),
    )
    for text in STRINGS:
        for fields in together:
            typed = {
                "organization": "PAX",
                "contact_name": "Ana",
                "contact_role": "director",
                "email": "ana@pax.example",
                "authorised": "on",
                "privacy": "on",
                "stamp": new_stamp(),
                **dict.fromkeys(fields, text.encode("utf-8", "replace").decode()),
            }
            response = Client().post("/conduct/sign/", typed)
            if response.status_code == 422:
                page = response.content.decode()
                assert "Error: " in page
                assert not ACTIVE.search(page)
            else:
                assert response.status_code == 302
                made = Signatory.objects.get()
                for value in (made.name, made.contact_name, made.contact_role):
                    is_clean(value)
                assert made.email.isprintable()
                assert made.website.isprintable()
                made.decisions.all().delete()
                made.messages.all().delete()
                made.delete()


def test_the_desk_and_the_importers_take_it_cleaned_or_refuse_it_in_words(letter):
    desk = Client()
    desk.force_login(UserFactory(is_superuser=True, group="coordinator"))
    together = (
        ("name", "label", "sort_as", "contact_name", "contact_role", "note"),
        ("label", "note"),
        ("other_names",),
        ("website", "email"),
    )
    for text in STRINGS:
        sent = text.encode("utf-8", "replace").decode()
        for fields in together:
            told = {name: f"fr: {sent}" if name == "other_names" else sent for name in fields}
            data = {"letter": letter.pk, "name": "PAX", **told}
            assert desk.post("/admin/signatories/signatory/add/", data).status_code in {200, 302}
        data = {"letter": letter.pk, "text": f"name;countries;note\n{sent};Kenya;{sent}"}
        assert desk.post("/admin/signatories/signatory/bring-in/", data).status_code in {200, 422}
        try:
            carry(read_table(data["text"]))
        except Unreadable as refused:
            assert str(refused).endswith(".")  # noqa: PT017
    for made in Signatory.objects.all():
        is_clean(made.name)
        for value in (
            made.label,
            made.sort_as,
            made.contact_name,
            made.contact_role,
            made.note,
            *made.other_names.values(),
        ):
            assert value == without_hidden(value)


def test_what_the_desk_notes_of_a_change_is_cleaned_too(letter):
    entry = SignatoryFactory(letter=letter, state=State.PENDING)
    moderation.edit(
        entry.pk,
        {"note": f"came by {BIDI_CONTROLS[0]}fax\0"},
        by=moderation.By(Decision.Actor.SYSTEM),
    )
    assert entry.changes.get().new == "came by fax"
