"""What is kept about one person, as a document: for themselves, and for whoever answers their request.

GDPR, articles 15 and 20.
"""

from typing import Any, Final

from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.db.models import Max

from letter.models import Letter
from signatories.models import Change, Decision, Signatory, Vouch
from signatories.retention import CONTACT_FIELDS, changes_of

FIELDS: Final = (
    "name",
    "other_names",
    "countries",
    "label",
    "website",
    "contact_name",
    "contact_role",
    "email",
    "state",
    "source",
    "language",
    "wants_updates",
    "seconds_taken",
    "network",
    "is_free_mail",
    "takes_mail",
    "submitted_at",
    "confirmed_at",
    "approved_at",
)
CORRECTED: Final = (
    "name",
    "other_names",
    "countries",
    "website",
    "asked_at",
    "settled_at",
    "is_accepted",
)


def of_signature(signatory: Signatory) -> dict[str, Any]:
    """What is kept about a sign-on and its contact, as JSON can have it."""
    decisions = signatory.decisions.in_order()
    return {
        "letter": signatory.letter.slug,
        "reference": signatory.reference,
        **{name: getattr(signatory, name) for name in FIELDS},
        "revision": signatory.revision.number,
        "came_by_link_of": signatory.partner.name if signatory.partner else None,
        "history": list(decisions.values("event", "from_state", "to_state", "at", "reason")),
        "changes": _changes(signatory),
        "corrections": list(signatory.corrections.values(*CORRECTED)),
        # Where it was asked and in which words it answered is the organisation's.
        "organization_asked": list(signatory.vouches.values("asked_at", "answered_at", "answer")),
        "mails": list(signatory.messages.order_by("pk").values("kind", "created_at", "sent_at")),
    }


def _changes(signatory: Signatory) -> list[dict[str, Any]]:
    """What was changed since this contact is it; what was before is another's."""
    of_contact = signatory.changes.filter(field__in=CONTACT_FIELDS).exclude(field="note")
    became = of_contact.filter(field="email").aggregate(at=Max("at"))["at"]
    since = of_contact.filter(at__gt=became) if became else of_contact
    return list(map(dict, since.values("at", "field", "old", "new")))


def of_address(address: str) -> dict[str, Any]:
    """All that is kept about whoever has an e-mail address, over all letters; each part is empty where nothing is."""
    entries = Signatory.objects.filter(email__iexact=address).select_related(
        "letter", "revision", "partner"
    )
    asked = Vouch.objects.filter(email__iexact=address).select_related("signatory__letter")
    users = get_user_model().objects.filter(email__iexact=address)
    return {
        "address": address,
        "signatures": [
            {
                **of_signature(each),
                # What coordinators wrote for themselves alone: look at it before it is handed on.
                "note": each.note,
                "notes_before": list(
                    each.changes.filter(field="note").exclude(old="").values("at", "old")
                ),
                "links_mailed_at": list(each.links.values_list("created_at", flat=True)),
            }
            for each in entries.order_by("pk")
        ],
        "was_contact_of": [_before(change, address) for change in changes_of(address)],
        "organization_asked_here": [
            {
                "letter": each.signatory.letter.slug,
                "organization": each.signatory.name,
                "asked_at": each.asked_at,
                "answered_at": each.answered_at,
                "answer": each.answer,
                "words": each.words,
            }
            for each in asked.order_by("pk")
        ],
        "accounts": [_account(user) for user in users.order_by("pk")],
    }


def _before(change: Change, address: str) -> dict[str, Any]:
    """Of a contact who is it no more, or was not yet, what the history of the entry has; of the other nothing."""
    side = "old" if change.old.lower() == address.lower() else "new"
    at_once = Change.objects.filter(
        signatory=change.signatory_id, at=change.at, field__in=CONTACT_FIELDS
    )
    return {
        "letter": change.signatory.letter.slug,
        "reference": change.signatory.reference,
        "until" if side == "old" else "from": change.at,
        **dict(at_once.values_list("field", side)),
    }


def _account(user: Any) -> dict[str, Any]:
    fields = ("username", "email", "first_name", "last_name", "is_active", "is_staff")
    log = LogEntry.objects.filter(user=user).order_by("action_time", "pk")
    about = LogEntry.objects.filter(
        content_type__app_label="auth", content_type__model="user", object_id=str(user.pk)
    ).order_by("action_time", "pk")
    return {
        **{name: getattr(user, name) for name in (*fields, "date_joined", "last_login")},
        "groups": list(user.groups.order_by("name").values_list("name", flat=True)),
        "letters": list(
            Letter.objects.filter(coordinators=user).order_by("pk").values_list("slug", flat=True)
        ),
        # That there are any, and never their secrets.
        "second_factors": list(
            Authenticator.objects.filter(user=user.pk)
            .order_by("pk")
            .values("type", "created_at", "last_used_at")
        ),
        "decision_count": Decision.objects.filter(user=user).count(),
        "log": list(log.values("action_time", "object_repr", "change_message")),
        "log_about": list(about.values("action_time", "change_message")),
    }
