"""What is public: letters, the revisions of their text, and the editions published of them.

Nothing here knows of contacts, e-mail addresses or moderation: a public page reads these
tables alone, so it cannot leak what they do not hold. Of people there are the accounts alone:
who may work on a letter, and who changed what about it.
"""

import gzip
import json
import secrets
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from django.conf import settings
from django.conf.global_settings import LANGUAGES as LANGUAGE_NAMES
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language_info, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from letter.readable import Readable

LANGUAGE_CODES = tuple(code for code, _name in LANGUAGE_NAMES)
# First path segments that lead elsewhere; a letter may not sit on one.
RESERVED_SLUGS = frozenset(
    {
        "admin",
        "static",
        "healthz",
        "readyz",
        "inbox",
        "metrics",
        "sign",
        "erased",
        "privacy",
        "editions",
        "revisions",
        "schemas",
        "embed",
        "s",
        *LANGUAGE_CODES,
    }
)
NAME_MAX_LENGTH = 250
# Short enough to read in a URL, long enough that ids never collide within a letter.
LINE_ID_BYTES = 6
# For how long after a letter has closed its contacts can be kept at all.
KEEP_CONTACTS_DAYS_AT_MOST = 730


def language_choices() -> list[tuple[str, str]]:
    """(code, "français (French)") for every language that a letter can be written in."""
    return [
        (code, f"{get_language_info(code)['name_local']} ({name})") for code, name in LANGUAGE_NAMES
    ]


def time_zone_choices() -> list[tuple[str, str]]:
    names = zoneinfo.available_timezones()
    return [
        (name, name.replace("_", " ")) for name in sorted(names) if "/" in name or name == "UTC"
    ]


def new_line_id() -> str:
    return secrets.token_hex(LINE_ID_BYTES)


validate_is_lowercase = RegexValidator(
    r"^[a-z0-9]+(-[a-z0-9]+)*$", _("Use small letters, digits and hyphens.")
)


def validate_slug_is_free(slug: str) -> None:
    if slug in RESERVED_SLUGS:
        raise ValidationError(
            _("“%(slug)s” is used for another page. Choose another address."), params={"slug": slug}
        )


def direction_of(language: str) -> str:
    """Which way a language is written, as HTML has it: "ltr" or "rtl"."""
    return "rtl" if get_language_info(language)["bidi"] else "ltr"


class RevisionLocked(Exception):
    """A text that organisations have signed was about to be changed; write a new revision instead."""


@dataclass(frozen=True)
class Text:
    """A letter's words in one language, as they are printed."""

    language: str
    title: str
    addressee: str
    salutation: str
    body: str
    closing_line: str

    @property
    def direction(self) -> str:
        return direction_of(self.language)

    def as_dict(self) -> dict[str, str]:
        """What the revision's digest covers, by the names in its canonical form."""
        return {
            "title": self.title,
            "addressee": self.addressee,
            "salutation": self.salutation,
            "body": self.body,
            "closing_line": self.closing_line,
        }


def entrusted(user: Any, letter: str = "pk") -> Q:
    """What narrows rows to the letters that somebody may work on; `letter` is the path from a row to its letter.

    All letters with the permission for it, which narrows nothing and costs nothing; else the assigned ones.
    """
    if user.has_perm("letter.all_letters"):
        return Q()
    # In a list: nobody is logged in with the key None, and that would mean letters assigned to nobody.
    return Q(**{f"{letter}__in": Letter.objects.filter(coordinators__in=[user.pk])})


class LetterQuerySet(models.QuerySet["Letter"]):
    def public(self) -> "LetterQuerySet":
        """Letters that anyone may read: open ones, and closed ones with their final list."""
        return self.exclude(state=Letter.State.DRAFT)

    def entrusted_to(self, user: Any) -> "LetterQuerySet":
        """Letters that somebody may work on."""
        return self.filter(entrusted(user))


class Letter(Readable):
    """One open letter that organisations co-sign."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")

    class Ordering(models.TextChoices):
        ALPHABETICAL = "alphabetical", _("Alphabetically")
        APPROVAL = "approval", _("By date of approval")
        COUNTRY = "country", _("Grouped by country")

    class Status(models.TextChoices):
        """What a letter is at a given moment, for a reader: its state and its times together."""

        DRAFT = "draft"
        NOT_YET = "not_yet"
        OPEN = "open"
        PAST_DEADLINE = "past_deadline"
        CLOSED = "closed"

    slug = models.SlugField(
        _("address"),
        max_length=60,
        unique=True,
        validators=[validate_is_lowercase, validate_slug_is_free],
        help_text=_("The last part of the letter's web address. It cannot change once published."),
    )
    title = models.CharField(_("title"), max_length=200)
    addressee = models.TextField(
        _("addressee"), blank=True, help_text=_("To whom the letter goes; one or several lines.")
    )
    salutation = models.CharField(
        _("salutation"), max_length=200, blank=True, help_text=_("For example “Excellency,”.")
    )
    closing_line = models.CharField(
        _("closing line"), max_length=200, blank=True, help_text=_("For example “Sincerely,”.")
    )
    letterhead = models.CharField(
        _("letterhead"),
        max_length=200,
        blank=True,
        help_text=_("At the top of the letter on paper: for example the coalition’s name."),
    )
    state = models.CharField(
        _("state"),
        max_length=10,
        choices=State,
        default=State.DRAFT,
        help_text=_(
            "A draft is seen by coordinators alone. An open letter takes signatures. "
            "A closed one shows its final list."
        ),
    )
    opens_at = models.DateTimeField(_("opens"), null=True, blank=True)
    closes_at = models.DateTimeField(
        _("public deadline"), null=True, blank=True, help_text=_("The deadline that readers see.")
    )
    cutoff_at = models.DateTimeField(
        _("internal cut-off"),
        null=True,
        blank=True,
        help_text=_(
            "Until then the form still takes latecomers who have its address. "
            "Empty: the public deadline is the end."
        ),
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        default="UTC",
        choices=time_zone_choices,
        help_text=_("The times below are given, and shown to readers, in this zone."),
    )
    default_language = models.CharField(
        _("default language"), max_length=12, default="en", choices=language_choices
    )
    ordering = models.CharField(
        _("order of the list"), max_length=12, choices=Ordering, default=Ordering.ALPHABETICAL
    )
    sign_on_text = models.TextField(
        _("sign-on text"),
        blank=True,
        help_text=_(
            "Stands above the form: who is asked to sign, and what signing means. Markdown."
        ),
    )
    privacy_text = models.TextField(
        _("privacy notice"),
        blank=True,
        help_text=_(
            "Who keeps the contact's details, what for and until when. Markdown. "
            "Empty: the standard notice."
        ),
    )
    keep_contacts_days = models.PositiveSmallIntegerField(
        _("days for which contacts are kept"),
        default=180,
        validators=[MinValueValidator(1), MaxValueValidator(KEEP_CONTACTS_DAYS_AT_MOST)],
        help_text=_(
            "Counted from when the letter is over; then who signed is erased, and the list stays. "
            "The standard notice says so, and once somebody has signed it can only be made shorter."
        ),
    )
    contact_address = models.EmailField(
        _("contact address"),
        blank=True,
        help_text=_(
            "Named in every mail, as the address to answer to; use the coalition's, not a person's. "
            "It is not on the public pages, where robots collect addresses."
        ),
    )
    coordinators: models.ManyToManyField[Any, Any] = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="+",
        verbose_name=_("coordinators"),
        help_text=_(
            "Who may work on this letter without having all letters. What they may do there, "
            "their group says."
        ),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    objects = LetterQuerySet.as_manager()

    class Meta:
        verbose_name = _("letter")
        verbose_name_plural = _("letters")
        ordering = ("-created_at", "-pk")
        permissions = (("all_letters", "Can work on all letters"),)
        constraints = (
            models.CheckConstraint(
                name="letter_opens_before_it_closes",
                condition=Q(opens_at__isnull=True)
                | Q(closes_at__isnull=True)
                | Q(opens_at__lt=F("closes_at")),
                violation_error_message=_("The letter must open before its deadline."),
            ),
            models.CheckConstraint(
                name="letter_cutoff_not_before_deadline",
                condition=Q(cutoff_at__isnull=True)
                | (Q(closes_at__isnull=False) & Q(cutoff_at__gte=F("closes_at"))),
                violation_error_message=_("The internal cut-off comes after the public deadline."),
            ),
            models.CheckConstraint(
                name="letter_keeps_contacts_for_a_time",
                condition=Q(keep_contacts_days__range=(1, KEEP_CONTACTS_DAYS_AT_MOST)),
            ),
        )

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("letter:page", args=[self.slug])

    def text_in(self, language: str) -> "Text | None":
        """What is read today in that language, else in the default one; None where there is no text."""
        revision = self.current_revision()
        texts = revision.texts() if revision else {}
        return texts.get(language) or texts.get(self.default_language)

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def keeps_contacts_for(self) -> timedelta:
        """How long after the letter has closed whoever signed is still known."""
        return timedelta(days=self.keep_contacts_days)

    def status(self, *, at: datetime) -> Status:
        """What a reader is told at the moment `at`; the internal cut-off stays internal."""
        if self.state == self.State.DRAFT:
            return self.Status.DRAFT
        if self.state == self.State.CLOSED:
            return self.Status.CLOSED
        if self.opens_at and at < self.opens_at:
            return self.Status.NOT_YET
        if self.closes_at and at >= self.closes_at:
            return self.Status.PAST_DEADLINE
        return self.Status.OPEN

    def takes_signatures(self, *, at: datetime) -> bool:
        """Whether the form accepts a sign-on at `at`: until the cut-off, which may be after the deadline."""
        status = self.status(at=at)
        if status == self.Status.PAST_DEADLINE:
            return self.cutoff_at is not None and at < self.cutoff_at
        return status == self.Status.OPEN

    def current_revision(self) -> "Revision | None":
        """The newest published revision: what is read and signed today."""
        return self.revisions.published().first()

    def newest_edition(self) -> "Edition | None":
        """What readers see today; None for a letter that was never published."""
        return self.editions.order_by("-number").select_related("revision__letter").first()

    def is_signed(self) -> bool:
        """Whether any organisation has signed any of its texts."""
        return self.revisions.filter(locked_at__isnull=False).exists()


class LetterChange(models.Model):
    """One field of a letter that a person changed: who, when, from what to what. Goes only with its letter."""

    letter = models.ForeignKey(Letter, on_delete=models.CASCADE, related_name="changes")
    at = models.DateTimeField(_("when"), default=timezone.now)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("by")
    )
    field = models.CharField(_("field"), max_length=20)
    # As a person reads them, but of a choice the value, whose words are in each reader's language.
    old = models.TextField(_("before"), blank=True)
    new = models.TextField(_("after"), blank=True)

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("changes")
        ordering = ("-at", "pk")  # newest first; what was saved at once in the order of the form

    def __str__(self) -> str:
        return f"{self.field} {self.at:%Y-%m-%d %H:%M}"

    @property
    def field_name(self) -> str:
        """The field as the letter's page calls it."""
        field = Letter._meta.get_field(self.field)
        # The logo is a row of its own.
        named: Any = Logo._meta if field.auto_created else field
        return str(named.verbose_name)

    @property
    def before(self) -> str:
        return self._in_words(self.old)

    @property
    def after(self) -> str:
        return self._in_words(self.new)

    def _in_words(self, value: str) -> str:
        choices = dict(getattr(Letter._meta.get_field(self.field), "flatchoices", ()))
        return str(choices.get(value, value))


class RevisionQuerySet(models.QuerySet["Revision"]):
    def published(self) -> "RevisionQuerySet":
        """Those that are, or were, read and signed; of each letter the newest first."""
        return self.filter(published_at__isnull=False).order_by("-number")

    def substantive(self) -> "RevisionQuerySet":
        """Those that changed what the letter asks for, and are read."""
        return self.filter(kind=Revision.Kind.SUBSTANTIVE, published_at__isnull=False)

    def lock(self, *, at: datetime) -> int:
        """Fix these texts for good: an organisation has put its name under them."""
        return self.filter(locked_at__isnull=True).update(locked_at=at)


class Revision(Readable):
    """The numbered text of a letter; the first is what the first organisations signed."""

    class Kind(models.TextChoices):
        FIRST = "first", _("First text")
        EDITORIAL = "editorial", _("Editorial: signatures carry over")
        SUBSTANTIVE = "substantive", _("Substantive: what the letter asks for changes")

    letter = models.ForeignKey(Letter, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField(_("number"), default=1)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.FIRST)
    note = models.CharField(
        _("what changed"), max_length=300, blank=True, help_text=_("One sentence, shown publicly.")
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    published_at = models.DateTimeField(_("published"), null=True, blank=True, editable=False)
    locked_at = models.DateTimeField(_("locked"), null=True, blank=True, editable=False)

    objects = RevisionQuerySet.as_manager()

    class Meta:
        verbose_name = _("revision")
        verbose_name_plural = _("revisions")
        ordering = ("letter", "number")
        constraints = (
            models.UniqueConstraint(
                fields=("letter", "number"), name="revision_number_unique_per_letter"
            ),
        )

    def __str__(self) -> str:
        return f"{self.letter}, {self.number}"

    def lock(self, *, at: datetime) -> None:
        """Fix this text for good: an organisation has put its name under it."""
        if self.locked_at is None:  # a lock is never taken off, so this needs no second look
            Revision.objects.filter(pk=self.pk).lock(at=at)

    def last_substantive(self) -> "Revision | None":
        """The newest text, up to this one, that changed what the letter asks for; None where none did."""
        return (
            Revision.objects.substantive()
            .filter(letter=self.letter_id, number__lte=self.number)
            .order_by("-number")
            .first()
        )

    def texts(self) -> Mapping[str, Text]:
        """The words in each language, the letter's default language first."""
        rows = {row.language: row.as_text(self.letter) for row in self.bodies.all()}
        first = self.letter.default_language
        return {code: rows[code] for code in sorted(rows, key=lambda code: (code != first, code))}


class RevisionText(Readable):
    """A revision's words in one language. What is left empty is as the letter itself has it."""

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="bodies")
    language = models.CharField(
        _("language"), max_length=12, default="en", choices=language_choices
    )
    title = models.CharField(_("title"), max_length=200, blank=True)
    addressee = models.TextField(_("addressee"), blank=True)
    salutation = models.CharField(_("salutation"), max_length=200, blank=True)
    body = models.TextField(
        _("body"),
        help_text=_(
            "Markdown: **bold**, *emphasis*, [link](https://…), a footnote as [^1] with “[^1]: …” below."
        ),
    )
    closing_line = models.CharField(_("closing line"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("text")
        verbose_name_plural = _("texts")
        ordering = ("revision", "language")
        constraints = (
            models.UniqueConstraint(
                fields=("revision", "language"),
                name="revision_has_one_text_per_language",
                violation_error_message=_("This revision already has a text in that language."),
            ),
        )

    def __str__(self) -> str:
        return str(get_language_info(self.language)["name_local"])

    @transaction.atomic
    def save(self, *args: Any, **kwargs: Any) -> None:
        self._refuse_if_locked()
        super().save(*args, **kwargs)

    @transaction.atomic
    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        self._refuse_if_locked()
        return super().delete(*args, **kwargs)

    def _refuse_if_locked(self) -> None:
        # Asked of the database, not of the instance: the first signature may have come in since it
        # was read. The row stays locked until the words are saved, so that none comes in between.
        revision = Revision.objects.select_for_update().get(pk=self.revision_id)
        if revision.locked_at is not None:
            raise RevisionLocked(f"revision {self.revision_id} has been signed")

    def as_text(self, letter: Letter) -> Text:
        return Text(
            language=self.language,
            title=self.title or letter.title,
            addressee=self.addressee or letter.addressee,
            salutation=self.salutation or letter.salutation,
            # Browsers send CRLF; the digest must not depend on who typed the text.
            body=self.body.replace("\r\n", "\n").strip(),
            closing_line=self.closing_line or letter.closing_line,
        )


class Edition(models.Model):
    """One publication of a letter with its list: immutable, numbered, chained to the one before by its digest."""

    letter = models.ForeignKey(Letter, on_delete=models.PROTECT, related_name="editions")
    number = models.PositiveIntegerField(_("number"))
    published_at = models.DateTimeField(_("published"))
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="editions")
    revision_digest = models.CharField(max_length=64)
    previous_digest = models.CharField(max_length=64, blank=True)
    digest = models.CharField(_("digest"), max_length=64)
    organization_count = models.PositiveIntegerField(_("organisations"))
    country_count = models.PositiveIntegerField(_("countries"))

    class Meta:
        verbose_name = _("edition")
        verbose_name_plural = _("editions")
        ordering = ("letter", "-number")
        constraints = (
            models.UniqueConstraint(
                fields=("letter", "number"), name="edition_number_unique_per_letter"
            ),
        )

    def __str__(self) -> str:
        return f"{self.letter}, {self.number}"


class Listed(NamedTuple):
    """What a list prints of a listing: under the same names, and read in a tenth of the time.

    Of a list with thousands of lines most are as they were, and a model of each is what a publication would cost.
    """

    line_id: str
    name: str
    countries_json: str
    label: str | None
    other_names_json: str
    signed_text: int | None
    sort_key: bytes
    commitment: str
    redacted_at: str | None  # as the database writes it

    @property
    def countries(self) -> tuple[str, ...]:
        return _countries(self.countries_json)

    @property
    def other_names(self) -> Mapping[str, str]:
        return _NO_OTHERS if self.other_names_json == "{}" else json.loads(self.other_names_json)


_NO_OTHERS: Mapping[str, str] = MappingProxyType({})


@lru_cache(maxsize=4096)
def _countries(codes: str) -> tuple[str, ...]:
    return tuple(json.loads(codes))


class ListingQuerySet(models.QuerySet["Listing"]):
    def current(self) -> "ListingQuerySet":
        """The lines of the newest edition."""
        return self.filter(last_edition__isnull=True)

    def in_edition(self, number: int) -> "ListingQuerySet":
        """The lines that stood in edition `number`."""
        return self.filter(
            Q(last_edition__isnull=True) | Q(last_edition__gte=number), first_edition__lte=number
        )

    def in_order(self) -> "ListingQuerySet":
        """In the order of the list; a sort key ends in the line's own id, so the order is total."""
        return self.order_by("sort_key", "pk")

    def listed(self) -> list[Listed]:
        """As plain rows, in the order of the list."""
        text = models.TextField()
        rows = self.in_order().values_list(
            "line_id",
            "name",
            # As the database has them: what is the same in many lines is read once, and few have other names.
            Cast("countries", text),
            "label",
            Cast("other_names", text),
            "signed_text",
            "sort_key",
            "commitment",
            Cast("redacted_at", text),
        )
        return list(map(Listed._make, rows))


class Listing(models.Model):
    """One public line, from the first edition it stood in to the last."""

    letter = models.ForeignKey(Letter, on_delete=models.PROTECT, related_name="listings")
    line_id = models.CharField(_("line"), max_length=24)
    name = models.CharField(_("name"), max_length=NAME_MAX_LENGTH, blank=True)
    countries = models.JSONField(_("countries"), default=list, blank=True)
    # None: made from the countries in the page's language. Empty: none is printed.
    label = models.CharField(_("label"), max_length=NAME_MAX_LENGTH, null=True, blank=True)
    # What is printed for `name` in other languages, by their codes, where the organisation gave it.
    other_names = models.JSONField(_("names in other languages"), default=dict, blank=True)
    # The number of the text that it stands under since a revision changed what the letter asks for; None: the first.
    signed_text = models.PositiveIntegerField(_("text signed"), null=True, blank=True)
    # Bytes, because both databases compare them as bytes, whatever the locale they were made with.
    sort_key = models.BinaryField(editable=False)
    salt = models.CharField(max_length=32, blank=True)
    commitment = models.CharField(_("commitment"), max_length=64)
    first_edition = models.PositiveIntegerField(_("first edition"))
    last_edition = models.PositiveIntegerField(_("last edition"), null=True, blank=True)
    redacted_at = models.DateTimeField(_("redacted"), null=True, blank=True)

    objects = ListingQuerySet.as_manager()

    class Meta:
        verbose_name = _("listing")
        verbose_name_plural = _("listings")
        constraints = (
            models.UniqueConstraint(
                fields=("letter", "line_id"),
                condition=Q(last_edition__isnull=True),
                name="listing_line_current_once",
            ),
        )
        indexes = (
            # The current list in its order, and a line's place in it.
            models.Index(
                fields=("letter", "sort_key"),
                condition=Q(last_edition__isnull=True),
                name="listing_current_in_order",
            ),
        )

    def __str__(self) -> str:
        return self.name or str(_("redacted"))


Printable: TypeAlias = Listing | Listed


class Delivery(Readable):
    """An edition was handed over: to whom, and when. It stays to be read beside the live letter."""

    letter = models.ForeignKey(
        Letter, on_delete=models.PROTECT, related_name="deliveries", verbose_name=_("letter")
    )
    edition = models.ForeignKey(
        Edition, on_delete=models.PROTECT, related_name="deliveries", verbose_name=_("edition")
    )
    to = models.CharField(
        _("to whom"),
        max_length=300,
        help_text=_("Shown publicly: for example “the 193 permanent missions in New York”."),
    )
    delivered_on = models.DateField(_("when"))

    class Meta:
        # Of the letter; a mail is delivered, too.
        verbose_name = pgettext_lazy("of a letter", "delivery")
        verbose_name_plural = pgettext_lazy("of a letter", "deliveries")
        ordering = ("letter", "-delivered_on", "-pk")

    def __str__(self) -> str:
        return f"{self.delivered_on:%Y-%m-%d}, {self.to}"


class UpdateQuerySet(models.QuerySet["Update"]):
    def public(self) -> "UpdateQuerySet":
        """What readers see, newest first."""
        return self.filter(published_at__isnull=False).order_by("-published_at", "-pk")


class Update(models.Model):
    """A dated note under the letter about what became of it."""

    letter = models.ForeignKey(
        Letter, on_delete=models.CASCADE, related_name="updates", verbose_name=_("letter")
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    published_at = models.DateTimeField(_("published"), null=True, blank=True, editable=False)
    changed_at = models.DateTimeField(_("changed"), null=True, blank=True, editable=False)
    # Asked for by a coordinator; whoever sends mail notes when it took it up.
    mail_asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    mailed_at = models.DateTimeField(_("mailed"), null=True, blank=True, editable=False)

    objects = UpdateQuerySet.as_manager()

    class Meta:
        verbose_name = _("update")
        verbose_name_plural = _("updates")
        ordering = ("letter", "-created_at", "-pk")

    def __str__(self) -> str:
        text = self.text_in(self.letter.default_language)
        return text.title if text else str(self.pk)

    @property
    def anchor(self) -> str:
        """Its id on the letter's page."""
        return f"update-{self.pk}"

    def text_in(self, language: str, otherwise: str = "en") -> "UpdateText | None":
        """The note in that language, else in another, else in the first there is."""
        texts = {text.language: text for text in self.texts.all()}
        first = next(iter(texts.values()), None)
        return texts.get(language) or texts.get(otherwise) or first


class UpdateText(Readable):
    """An update's words in one language."""

    update = models.ForeignKey(Update, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(
        _("language"), max_length=12, default="en", choices=language_choices
    )
    title = models.CharField(
        _("title"), max_length=200, help_text=_("For example “Delivered to 193 missions”.")
    )
    body = models.TextField(_("text"), blank=True, help_text=_("Markdown, as in the letter."))

    class Meta:
        verbose_name = _("text")
        verbose_name_plural = _("texts")
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(
                fields=("update", "language"),
                name="update_has_one_text_per_language",
                violation_error_message=_("This update already has a text in that language."),
            ),
        )

    def __str__(self) -> str:
        return self.title


class Logo(Readable):
    """The picture at the head of a letter on paper, as we have drawn it again from what was uploaded."""

    letter = models.OneToOneField(Letter, on_delete=models.CASCADE, related_name="logo")
    picture = models.BinaryField()  # PNG
    width = models.PositiveIntegerField()  # pixels
    height = models.PositiveIntegerField()
    # Said by screen readers in the picture's place.
    description = models.CharField(_("what the logo shows"), max_length=200)

    class Meta:
        verbose_name = _("logo")
        verbose_name_plural = _("logos")

    def __str__(self) -> str:
        return self.description


class Document(models.Model):
    """One form in which a letter's newest edition is served: the bytes, made once, and kept compressed."""

    letter = models.ForeignKey(Letter, on_delete=models.CASCADE, related_name="documents")
    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="documents")
    kind = models.CharField(max_length=20)
    language = models.CharField(max_length=12, blank=True)
    content_type = models.CharField(max_length=80)
    body_gzip = models.BinaryField()
    etag = models.CharField(max_length=64)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("letter", "kind", "language"), name="document_once_per_letter_kind_language"
            ),
        )

    def __str__(self) -> str:
        return f"{self.letter}, {self.kind} {self.language}"

    @property
    def body(self) -> bytes:
        """It as it is."""
        return gzip.decompress(bytes(self.body_gzip))


class Recipient(models.Model):
    """Somebody to whom a letter is handed over with their own name on it; private to who may change the letter."""

    letter = models.ForeignKey(Letter, on_delete=models.CASCADE, related_name="recipients")
    position = models.PositiveIntegerField(_("position"))
    name = models.CharField(_("name"), max_length=200)
    title = models.CharField(_("title"), max_length=200, blank=True)
    # Empty: as the letter has it.
    salutation = models.CharField(_("salutation"), max_length=200, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    language = models.CharField(_("language"), max_length=12, blank=True)

    class Meta:
        verbose_name = _("recipient")
        verbose_name_plural = _("recipients")
        ordering = ("letter", "position")

    def __str__(self) -> str:
        return self.name


class PublicationRequestQuerySet(models.QuerySet["PublicationRequest"]):
    def due(self, at: datetime) -> "PublicationRequestQuerySet":
        """Those to be attempted: for the first time at once, however far ahead the clock was of whoever asked."""
        return self.filter(models.Q(attempts=0) | models.Q(due_at__lte=at))


class PublicationRequest(models.Model):
    """Something changed that readers should see: the letter is to be published again.

    Written in the transaction of the change, removed in the transaction of the publication that
    took it in, so neither can be lost: a change committed while an edition is being written leaves
    its own row behind and is published next.
    """

    letter = models.ForeignKey(
        Letter, on_delete=models.CASCADE, related_name="publication_requests"
    )
    # Those that may have changed, by their ids; None: any, and whatever else the page shows.
    line_ids = models.JSONField(null=True, editable=False)
    requested_at = models.DateTimeField(_("requested"), default=timezone.now)
    attempts = models.PositiveIntegerField(_("failed attempts"), default=0)
    due_at = models.DateTimeField(_("next attempt"), default=timezone.now, db_index=True)
    error = models.CharField(_("last error"), max_length=200, blank=True)

    objects = PublicationRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("publication request")
        verbose_name_plural = _("publication requests")

    def __str__(self) -> str:
        return f"{self.letter}, {self.requested_at:%Y-%m-%d %H:%M}"
