"""What the mails say, in all three forms; from models that were never saved, so without a database."""

import html
import re
import sys
from datetime import UTC, datetime
from html.parser import HTMLParser
from types import ModuleType

import pytest
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, include, path
from django.utils import translation

from config import inbox
from letter.models import Letter, UpdateText
from letter.text import plain_text, render_markdown
from signatories import mail
from signatories.models import Correction, Message, Signatory, Vouch

Kind = Message.Kind
State = Signatory.State
KINDS = list(Kind)
# Sent before the address's owner has shown that they know of it, or not to a contact at all.
IMPERSONAL = [Kind.CONFIRM, Kind.STANDING, Kind.WAITING]
NOT_TO_CONTACTS = {Kind.WAITING, Kind.VOUCH}
HEADERS = (
    *("Content-Type", "MIME-Version", "Subject", "From", "To", "Reply-To", "Date"),
    *("Auto-Submitted", "Message-ID"),
)
HOSTILE = 'Peace & Justice <script>alert(1)</script> "O\'Neill"'
SITE = "https://letters.example.org"
LINK = re.compile(r"https?://[^\s<>\"]+")


def make_letter(**fields):
    defaults = {
        "pk": 1,
        "slug": "code-of-conduct",
        "title": "A code of conduct for the Security Council & its members",
        "contact_address": "letter@coalition.example",
        "time_zone": "America/New_York",
    }
    return Letter(**{**defaults, **fields})


def make_signatory(**fields):
    defaults = {
        "letter": make_letter(),
        "reference": "K7Q-4MXP",
        "line_id": "a1b2c3d4e5f6",
        "state": State.PENDING,
        "name": "Genocide Alert",
        "countries": ["DE"],
        "contact_name": "Amina Diallo",
        "contact_role": "Programme officer",
        "email": "amina@genocide-alert.example",
        "submitted_at": datetime(2026, 11, 14, 23, 30, tzinfo=UTC),
    }
    return Signatory(**{**defaults, **fields})


def make_context(kind, signatory=None, **changes):
    """The names that mail.py hands to the templates of this kind."""
    signatory = signatory or make_signatory()
    letter = signatory.letter
    if kind == Kind.WAITING:
        context = {
            "letter": letter,
            "title": letter.title,
            "count": 3,
            "correction_count": 1,
            "answer_count": 2,
            "oldest": signatory,
            "letter_url": f"{SITE}/conduct/",
            "queue_url": f"{SITE}/admin/signatories/signatory/?letter__id__exact=1",
            "corrections_url": f"{SITE}/admin/signatories/signatory/?letter__id__exact=1&state=correction",
            "answers_url": f"{SITE}/admin/signatories/signatory/?letter__id__exact=1&organisation=answered",
        }
    elif kind == Kind.VOUCH:
        context = {
            "letter": letter,
            "title": letter.title,
            "signatory": signatory,
            "vouch": Vouch(signatory=signatory, email="info@genocide-alert.example"),
            "domain": "genocide-alert.example",
            "letter_url": f"{SITE}/{letter.slug}/",
            "vouch_url": f"{SITE}/{letter.slug}/organisation/secret/",
            "link_days": 30,
        }
    else:
        page = f"{SITE}/{letter.slug}/"
        context = {
            "letter": letter,
            "title": letter.title,
            "signatory": signatory,
            "contact_name": signatory.contact_name,
            "reason": "Please give the name as it stands in your statutes.\n\nThank you & see you.",
            "number": 14,
            "days": 5,
            "correction": make_correction(signatory) if kind == Kind.CORRECTED else None,
            "letter_url": page,
            "line_url": f"{page}signatory/{signatory.line_id}/",
            "confirm_url": f"{page}confirm/secret/",
            "not_us_url": f"{page}not-us/secret/",
            "signature_url": f"{page}signature/secret/",
            "closes_text": "5 December 2026, 23:59 (New York time)",
            "others": [make_signatory(name="Genocide Alert Austria", state=State.APPROVED)],
            "listed": make_signatory(name="Genocide Alert e.V.", state=State.APPROVED),
            "standing": make_signatory(name="Genocide Alert e.V.", state=State.APPROVED),
            "standing_number": 15,
            "updates_url": f"{page}signature/secret/updates/",
        }
        if kind == Kind.REVISED:
            context |= {"note": "A second demand.", "changes_url": f"{page}revisions/2/"}
        if kind == Kind.UPDATE:
            body = "All **193** missions have it."
            context |= {
                "update": UpdateText(title="Delivered & read", body=body),
                "update_text": plain_text(body),
                "update_html": render_markdown(body),
                "update_url": f"{page}#update-1",
            }
    return {**context, **changes}


def make_correction(signatory, **fields):
    defaults = {
        "signatory": signatory,
        "name": "Genocide Alert International",
        "countries": ["DE", "AT"],
        "is_accepted": True,
    }
    return Correction(**{**defaults, **fields})


def without_optional(kind):
    """The same where everything that may be missing is."""
    signatory = make_signatory(
        letter=make_letter(contact_address=""), contact_name="", contact_role="", countries=[]
    )
    if kind == Kind.WAITING:
        return make_context(kind, signatory, correction_count=0, answer_count=0, oldest=None)
    if kind == Kind.VOUCH:
        return make_context(kind, signatory)
    return make_context(
        kind,
        signatory,
        reason="" if kind in {Kind.WITHDRAWN, Kind.CORRECTED} else "The name is missing.",
        number=None,
        correction=None,
        closes_text="",
        others=[],
        listed=None,
        standing=None,
        standing_number=None,
    )


def render(kind, name, context):
    with translation.override("en"):
        return render_to_string(f"mail/{kind}/{name}", context)


class Reader(HTMLParser):
    """What a mail program shows, and where its links lead."""

    def __init__(self, source):
        super().__init__()
        self.text = ""
        self.links = set()
        self.open = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag not in {"meta", "br"}:
            self.open.append(tag)
        self.links |= {value for name, value in attrs if name == "href"}

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


def links_of(text):
    return set(LINK.findall(text))


def full_and_bare(kind):
    return [make_context(kind), without_optional(kind)]


# --- Every kind, with and without what is optional ---------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_name_that_a_mail_uses_is_given(kind, settings):
    settings.TEMPLATES = [
        {
            **settings.TEMPLATES[0],
            "OPTIONS": {**settings.TEMPLATES[0]["OPTIONS"], "string_if_invalid": "MISSING(%s)"},
        }
    ]

    for context in full_and_bare(kind):
        for name in ("subject.txt", "body.txt", "body.html"):
            assert "MISSING" not in render(kind, name, context)


@pytest.mark.parametrize("kind", KINDS)
def test_the_text_is_plain(kind):
    for context in full_and_bare(kind):
        text = render(kind, "body.txt", context)

        assert re.findall(r"&#?\w+;|<[^>]*>|\{[%{]", text) == []
        assert "\n\n\n" not in text
        assert [line for line in text.split("\n") if line != line.rstrip()] == []
        assert text.startswith(("Good day,\n\n", "Dear Amina Diallo,\n\n"))


@pytest.mark.parametrize("kind", KINDS)
def test_each_link_in_the_text_has_a_line_of_its_own(kind):
    for context in full_and_bare(kind):
        lines = render(kind, "body.txt", context).split("\n")

        assert [line for line in lines if LINK.search(line) and not LINK.fullmatch(line)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_html_is_well_formed_and_says_its_language(kind):
    for context in full_and_bare(kind):
        source = render(kind, "body.html", context)

        assert Reader(source).open == []
        assert '<html lang="en" dir="ltr">' in source
        assert " style=" not in source


@pytest.mark.parametrize("kind", KINDS)
def test_the_html_has_the_links_of_the_text(kind):
    for context in full_and_bare(kind):
        in_text = links_of(render(kind, "body.txt", context))
        in_html = {
            link
            for link in Reader(render(kind, "body.html", context)).links
            if not link.startswith("mailto:")
        }

        assert in_html == in_text


@pytest.mark.parametrize("kind", KINDS)
def test_the_buttons_address_can_be_read_and_copied(kind):
    source = render(kind, "body.html", make_context(kind))

    button = re.search(r'<p class="button"><a href="([^"]+)">', source)

    assert button
    assert source.count('<p class="button">') == 1
    assert html.unescape(button[1]) in Reader(source).text


@pytest.mark.parametrize("kind", KINDS)
def test_both_forms_say_the_same(kind):
    def words(text):
        return set(re.findall(r"\w+", re.sub(r"https?://\S+", "", text)))

    for context in full_and_bare(kind):
        in_text = words(render(kind, "body.txt", context))
        in_html = words(Reader(render(kind, "body.html", context)).text)

        assert in_text - in_html == set()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in NOT_TO_CONTACTS])
def test_the_footer_has_letter_reference_and_address(kind):
    text = render(kind, "body.txt", make_context(kind))
    bare = render(kind, "body.txt", without_optional(kind))

    footer = (
        "--\n"
        "A code of conduct for the Security Council & its members\n"
        f"{SITE}/code-of-conduct/\n\n"
        "Reference K7Q-4MXP — quote it when you write to us.\n"
        "{}You get this message because this address was given for an organisation that signs this letter."
    )
    assert text.rstrip().endswith(footer.format("Our address: letter@coalition.example\n"))
    assert bare.rstrip().endswith(footer.format(""))


# --- What a stranger typed ---------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_name_is_text_in_every_form(kind):
    signatory = make_signatory(
        name=HOSTILE, contact_name=HOSTILE, letter=make_letter(title=HOSTILE)
    )
    context = make_context(
        kind,
        signatory,
        others=[signatory],
        listed=signatory,
        standing=signatory,
        reason=HOSTILE,
        correction=make_correction(signatory, name=HOSTILE + "!", is_accepted=False),
        closes_text=HOSTILE,
    )

    source = render(kind, "body.html", context)
    text = render(kind, "body.txt", context)

    assert "<script" not in source
    assert HOSTILE in Reader(source).text
    assert HOSTILE in text
    assert "&lt;" not in text


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != Kind.WAITING])
@pytest.mark.parametrize(
    "name",
    [
        "Two\r\nlines\nBcc: someone@example.org",
        "Separators\u2028and\u2029more\x85",
        "Jeunes & Paix “d’Afrique”",
        "منظمة السلام",
        "和平" * 120,
    ],
)
def test_a_subject_is_one_short_line_whatever_the_name(kind, name, mailoutbox):
    signatory = make_signatory(name=name)
    context = make_context(kind, signatory, correction=None)
    message = Message(pk=1, kind=kind, letter=signatory.letter, signatory=signatory)

    mail._compose(message, ["amina@genocide-alert.example"], context).send()

    [sent] = mailoutbox
    assert isinstance(sent, EmailMultiAlternatives)
    assert sent.subject.splitlines() == [sent.subject]
    assert "&amp;" not in sent.subject
    assert len(sent.subject) < 160
    assert [str(name) for name in sent.message()] == [*HEADERS]


@pytest.mark.parametrize("kind", IMPERSONAL)
def test_no_contacts_name_where_its_owner_may_not_have_typed_it(kind):
    signatory = make_signatory()
    context = make_context(kind, signatory, others=[signatory], listed=signatory)
    context["contact_name"] = signatory.contact_name

    for name in ("subject.txt", "body.txt", "body.html"):
        said = render(kind, name, context)

        for private in (signatory.contact_name, signatory.contact_role, signatory.email):
            assert private not in said


def test_coordinators_are_told_counts_alone():
    signatory = make_signatory()

    said = render(Kind.WAITING, "body.txt", make_context(Kind.WAITING, signatory))

    assert signatory.name not in said
    assert signatory.reference not in said


# --- Each kind by itself -----------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        (Kind.CONFIRM, "Please confirm: {}Genocide Alert signs {}"),
        (Kind.STANDING, "Where things stand: Genocide Alert, {}"),
        (Kind.RECEIVED, "Received: Genocide Alert signs {}"),
        (Kind.APPROVED, "Approved: Genocide Alert signs {}"),
        (Kind.RETURNED, "Please correct: Genocide Alert, {}"),
        (Kind.REJECTED, "Not accepted: Genocide Alert, {}"),
        (Kind.WITHDRAWN, "Withdrawn: Genocide Alert, {}"),
        (Kind.CORRECTED, "Corrected: Genocide Alert, {}"),
        (Kind.VOUCH, "A question to {}Genocide Alert: do you sign {}?"),
        (Kind.COMBINED, "Combined with another: Genocide Alert, {}"),
        (Kind.WAITING, "Signatures and corrections wait for you: {}"),
    ],
)
def test_subject(kind, subject):
    title = "“A code of conduct for the Security Council & its members”"

    rendered = render(kind, "subject.txt", make_context(kind)).strip()

    assert rendered == subject.replace("{}Genocide", "Genocide").format(title)


def test_confirm_mentions_the_list_and_other_signatures_only_where_there_are_any():
    with_all = render(Kind.CONFIRM, "body.txt", make_context(Kind.CONFIRM))
    bare = render(Kind.CONFIRM, "body.txt", without_optional(Kind.CONFIRM))

    assert "on the list already:\n\n    Genocide Alert e.V. (Germany)\n\n" in with_all
    assert "If its line should change, please write to us:\nletter@coalition.example\n" in with_all
    assert (
        "- Genocide Alert Austria (Germany)\n"
        "  It is approved and on the list, or will be in a few minutes.\n"
    ) in with_all
    assert "on the list already" not in bare
    assert "already signed" not in bare
    assert "deadline" not in bare


@pytest.mark.parametrize(
    ("state", "number", "sentence"),
    [
        (
            State.PENDING,
            None,
            "It waits for a coordinator. That usually takes a few days at most.",
        ),
        (State.RETURNED, None, "A coordinator has asked for changes. It waits for you."),
        (State.APPROVED, 14, "It is on the list, today as No. 14."),
        (State.APPROVED, None, "It is approved and on the list, or will be in a few minutes."),
        (State.REJECTED, None, "It was not accepted. It is not on the list."),
        (State.WITHDRAWN, None, "It is withdrawn. It is not on the list."),
        (State.SUBMITTED, None, "It waits until its address is confirmed."),
    ],
)
def test_standing_says_the_state_in_words(state, number, sentence):
    context = make_context(Kind.STANDING, make_signatory(state=state), number=number)

    assert f"\n\n{sentence}\n\n" in render(Kind.STANDING, "body.txt", context)
    assert sentence in Reader(render(Kind.STANDING, "body.html", context)).text


def test_approved_says_the_number_or_that_it_will_come():
    numbered = render(Kind.APPROVED, "body.txt", make_context(Kind.APPROVED))
    early = render(Kind.APPROVED, "body.txt", make_context(Kind.APPROVED, number=None))

    assert "It is No. 14 on the list today." in numbered
    assert "It appears on the list shortly." in early
    assert "No." not in early


@pytest.mark.parametrize("kind", [Kind.RETURNED, Kind.REJECTED, Kind.WITHDRAWN, Kind.CORRECTED])
def test_a_reason_is_quoted_with_all_its_lines(kind):
    text = render(kind, "body.txt", make_context(kind, reason="Your name,\r\nin full.\n\nThanks."))

    assert ":\n\n> Your name,\n> in full.\n>\n> Thanks.\n\n" in text


@pytest.mark.parametrize(
    ("approved_at", "number", "sentence"),
    [
        (None, None, "It was not on the list."),
        (datetime(2026, 11, 15, tzinfo=UTC), 14, "Its line comes off the list in a few minutes"),
        (datetime(2026, 11, 15, tzinfo=UTC), None, "Its line is no longer on the list."),
    ],
)
def test_withdrawn_says_what_becomes_of_the_line(approved_at, number, sentence):
    signatory = make_signatory(state=State.WITHDRAWN, approved_at=approved_at)
    context = make_context(Kind.WITHDRAWN, signatory, number=number)

    assert sentence in render(Kind.WITHDRAWN, "body.txt", context)


@pytest.mark.parametrize(
    ("state", "number", "sentence"),
    [
        (State.APPROVED, 15, "today as No. 15:\n\n    Genocide Alert e.V. (Germany)\n\n"),
        (State.APPROVED, None, "Both stand as one line, which is on the list in a few minutes."),
        (State.PENDING, None, "The coordinators decide about both together."),
    ],
)
def test_combined_shows_of_the_other_what_is_public_alone(state, number, sentence):
    standing = make_signatory(name="Genocide Alert e.V.", state=state, contact_name="Somebody")
    context = make_context(Kind.COMBINED, standing=standing, standing_number=number)

    said = render(Kind.COMBINED, "body.txt", context)

    assert sentence in said
    assert ("Genocide Alert e.V." in said) == bool(number)
    assert "Somebody" not in said


def test_combined_says_when_it_was_taken_back():
    context = make_context(Kind.COMBINED, make_signatory(state=State.APPROVED), standing=None)

    assert render(Kind.COMBINED, "subject.txt", context).startswith("On its own again: Genocide")
    assert (
        "it is on its own again:\n\n    Genocide Alert (Germany)\n\n"
        "It is on the list, today as No. 14.\n\n"
    ) in render(Kind.COMBINED, "body.txt", context)


def test_corrected_says_whether_it_was_made():
    signatory = make_signatory(state=State.APPROVED)
    declined = make_correction(signatory, is_accepted=False)
    accepted = make_correction(signatory, is_accepted=True)

    def text(correction):
        return render(
            Kind.CORRECTED,
            "body.txt",
            make_context(Kind.CORRECTED, signatory, correction=correction),
        )

    assert "is accepted. The line now reads:\n\n    Genocide Alert (Germany)\n\n" in text(accepted)
    assert "You had asked for" not in text(accepted)
    assert "has not made it. The line still reads:\n\n    Genocide Alert (Germany)\n\n" in text(
        declined
    )
    assert "    Genocide Alert International (Germany, Austria)\n\n" in text(declined)
    # Where only the website was to change, the same line twice would puzzle.
    declined.name, declined.countries = signatory.name, signatory.countries
    assert "You had asked for" not in text(declined)


@pytest.mark.parametrize(
    ("count", "correction_count", "subject", "lines"),
    [
        (1, 0, "1 signature waits for you", ["- 1 signature to decide about"]),
        (12, 0, "12 signatures wait for you", ["- 12 signatures to decide about"]),
        (0, 1, "1 correction waits for you", ["- 1 correction of a line on the list"]),
        (0, 2, "2 corrections wait for you", ["- 2 corrections of lines on the list"]),
        (
            1,
            2,
            "Signatures and corrections wait for you",
            ["- 1 signature to decide about", "- 2 corrections of lines on the list"],
        ),
    ],
)
def test_waiting_counts(count, correction_count, subject, lines):
    context = make_context(
        Kind.WAITING,
        count=count,
        correction_count=correction_count,
        answer_count=0,
        oldest=make_signatory() if count else None,
    )

    text = render(Kind.WAITING, "body.txt", context)

    assert render(Kind.WAITING, "subject.txt", context).startswith(f"{subject}: “A code")
    assert [line for line in text.split("\n") if line.startswith("- ")] == lines
    # 23:30 in UTC is still the same day's evening in the letter's zone.
    assert ("The oldest signature came in on 14 November 2026." in text) == bool(count)
    assert ("&state=correction" in text) == bool(correction_count)


def test_waiting_counts_what_organisations_have_answered():
    one = render(Kind.WAITING, "body.txt", make_context(Kind.WAITING, answer_count=1))
    none = render(Kind.WAITING, "body.txt", make_context(Kind.WAITING, answer_count=0))

    assert (
        "- 3 signatures to decide about\n"
        "- 1 of them has an answer from the organisation itself\n"
        "- 1 correction"
    ) in one
    assert "See what organisations have answered:\n\nhttps://" in one
    assert "answer" not in none


def test_the_question_to_an_organisation_names_the_contact_and_role_and_no_address():
    said = render(Kind.VOUCH, "body.txt", make_context(Kind.VOUCH))

    assert said.rstrip() == (
        "Good day,\n\n"
        "Somebody has signed the open letter “A code of conduct for the Security Council & its members” in the "
        "name of your organisation. Before the letter’s coordinators decide, they would like to hear it from you.\n\n"
        "This line would be printed under the letter:\n\n"
        "    Genocide Alert (Germany)\n\n"
        "It was signed by Amina Diallo, who gave the role “Programme officer”. We ask you because the signature did "
        "not come from an address at genocide-alert.example.\n\n"
        "The letter can be read here:\n\n"
        f"{SITE}/code-of-conduct/\n\n"
        "Please tell us whether your organisation signs. The link opens a page with two buttons, “Yes, we sign” and "
        "“No, this is not from us”. You need no account, and a no helps us as much as a yes:\n\n"
        f"{SITE}/code-of-conduct/organisation/secret/\n\n"
        "The link works for 30 days. If somebody else decides this in your organisation, please pass this mail on to "
        "them: whoever has the link can answer. If nobody does, the coordinators decide with what they know. We write "
        "to this address about it twice at most.\n\n"
        "--\n"
        "A code of conduct for the Security Council & its members\n"
        f"{SITE}/code-of-conduct/\n\n"
        "Reference K7Q-4MXP — quote it when you write to us.\n"
        "Our address: letter@coalition.example\n"
        "You get this message because the letter’s coordinators looked for an address of your organisation. You are "
        "on no mailing list of ours."
    )


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"contact_role": ""}, "It was signed by Amina Diallo. We ask you because"),
        ({"contact_name": ""}, "\n\nWe ask you because"),
    ],
)
def test_the_question_leaves_out_what_is_not_known_of_the_contact(fields, sentence):
    context = make_context(Kind.VOUCH, make_signatory(**fields))

    assert sentence in render(Kind.VOUCH, "body.txt", context)
    assert " ".join(sentence.split()) in " ".join(
        Reader(render(Kind.VOUCH, "body.html", context)).text.split()
    )


# --- The demo's inbox --------------------------------------------------------


@pytest.fixture
def demo_urls(monkeypatch, settings):
    """The site's addresses with those of the inbox, which exist in the demo alone."""
    demo = ModuleType("demo_urls")
    vars(demo)["urlpatterns"] = [
        path("inbox/", inbox.inbox, name="inbox"),
        path("inbox/<str:name>/", inbox.message, name="inbox_message"),
        path("", include("config.urls")),
    ]
    monkeypatch.setitem(sys.modules, "demo_urls", demo)
    settings.ROOT_URLCONF = "demo_urls"


MAIL = {
    "name": "20261114T233000000000-a1b2c3",
    "to": "amina@genocide-alert.example",
    "subject": f"Please confirm: {HOSTILE}",
    "at": datetime(2026, 11, 14, 23, 30),  # noqa: DTZ001 - as config.inbox reads it off the file's name
    "text": f"Good day,\n\n{SITE}/code-of-conduct/confirm/secret/\n\n{HOSTILE}\n",
}


def test_the_inbox_page_is_friendly_when_empty(demo_urls):
    source = render_to_string("inbox/inbox.html", {"messages_sent": []})

    assert "No mail yet. Sign the letter, then look here." in source


def test_the_inbox_page_lists_mails(demo_urls):
    source = render_to_string("inbox/inbox.html", {"messages_sent": [MAIL]})

    reader = Reader(source.replace("<link ", "<meta "))
    assert f"/inbox/{MAIL['name']}/" in reader.links
    assert "14 November 2026, 23:30 UTC" in reader.text
    assert HOSTILE in reader.text
    assert "<script>" not in source


def test_the_message_page_makes_links_of_addresses_and_text_of_the_rest(demo_urls):
    source = render_to_string("inbox/message.html", {"message_sent": MAIL})

    reader = Reader(source.replace("<link ", "<meta "))
    assert f"{SITE}/code-of-conduct/confirm/secret/" in reader.links
    assert {"/", "/inbox/"} <= reader.links
    assert HOSTILE in reader.text
    assert "<script>" not in source


def test_the_inbox_has_no_address_outside_of_the_demo():
    with pytest.raises(NoReverseMatch):
        render_to_string("inbox/inbox.html", {"messages_sent": [MAIL]})
