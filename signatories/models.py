"""What is private: the registry of organisations, their signatures with contacts, the log of decisions, the mail.

`Signatory.state` is assigned in `signatories.moderation` alone.
"""

import secrets
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from letter.documents import label_of, printed, printed_html, printed_name
from letter.models import (
    NAME_MAX_LENGTH,
    Letter,
    Revision,
    Update,
    entrusted,
    language_choices,
    new_line_id,
    validate_is_lowercase,
)
from letter.ordering import collation_key
from letter.readable import Readable
from signatories.names import KEY_MAX_LENGTH, NameRefused, clean_name, name_key

# PostgreSQL keeps at most 2,704 bytes in an index's row; a character takes up to four.
SOUGHT_MAX_LENGTH = 650
SORT_AS_MAX_LENGTH = 2 * NAME_MAX_LENGTH + 20  # see letter.ordering.sort_as_needed
# Without 0/O, 1/I/L and U: read out on a bad telephone line, copied from paper.
REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_reference() -> str:
    """A short reference such as "K7Q-4MXP", for talking about a sign-on; it opens nothing."""
    letters = "".join(secrets.choice(REFERENCE_ALPHABET) for _i in range(7))
    return f"{letters[:3]}-{letters[3:]}"


class Level(models.TextChoices):
    """How what was seen about an entry speaks for it; it informs a coordinator and decides nothing."""

    GOOD = "good", _("Good sign")
    NEUTRAL = "neutral", _("For information")
    CAUTION = "caution", _("Look twice")


def _cleaned(name: str) -> str:
    """A name typed into the registry, under the rules for all names; raises ValidationError."""
    try:
        return clean_name(name)
    except NameRefused as refused:
        raise ValidationError({"name": str(refused)}) from None


class Organization(Readable):
    """An organisation that has been approved on some letter; shared by all letters."""

    name = models.CharField(_("name"), max_length=NAME_MAX_LENGTH)
    name_key = models.CharField(
        _("normalised name"), max_length=KEY_MAX_LENGTH, unique=True, editable=False
    )
    website = models.URLField(_("website"), blank=True)
    created_at = models.DateTimeField(_("first seen"), default=timezone.now, editable=False)
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        related_name="merged_organizations",
        editable=False,
        verbose_name=_("combined with"),
    )

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.name = _cleaned(self.name)
        self.name_key = name_key(self.name)
        if Organization.objects.filter(name_key=self.name_key).exclude(pk=self.pk).exists():
            raise ValidationError(
                {"name": _("The registry already has an organisation of that name.")}
            )

    def standing(self) -> "Organization":
        """The organisation as which it stands in the registry: itself, unless it was combined with another."""
        return self if self.merged_into is None else self.merged_into.standing()


class Alias(Readable):
    """Another name of an organisation: a translation, a former name, its initials."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="aliases")
    name = models.CharField(_("name"), max_length=NAME_MAX_LENGTH)
    name_key = models.CharField(max_length=KEY_MAX_LENGTH, editable=False)

    class Meta:
        verbose_name = _("other name")
        verbose_name_plural = _("other names")
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "name_key"), name="alias_once_per_organization"
            ),
        )

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.name = _cleaned(self.name)
        self.name_key = name_key(self.name)
        others = Alias.objects.filter(organization=self.organization_id, name_key=self.name_key)
        if others.exclude(pk=self.pk).exists():
            raise ValidationError({"name": _("The organisation has that name already.")})


class SignatoryQuerySet(models.QuerySet["Signatory"]):
    def for_letter(self, letter: Letter) -> "SignatoryQuerySet":
        return self.filter(letter=letter)

    def entrusted_to(self, user: Any) -> "SignatoryQuerySet":
        """On the letters that somebody may work on."""
        return self.filter(entrusted(user, "letter"))

    def pending(self) -> "SignatoryQuerySet":
        """Waiting for a coordinator."""
        return self.filter(state=Signatory.State.PENDING)

    def approved(self) -> "SignatoryQuerySet":
        """On the list, or about to be."""
        return self.filter(state=Signatory.State.APPROVED)

    def live(self) -> "SignatoryQuerySet":
        """Neither turned down nor taken back: it may still come to something."""
        return self.exclude(state__in=[Signatory.State.REJECTED, Signatory.State.WITHDRAWN])

    def oldest_first(self) -> "SignatoryQuerySet":
        return self.order_by("submitted_at", "pk")

    def locked(self) -> "SignatoryQuerySet":
        """With their letters, each row locked until the transaction ends.

        Everyone locks in the same order, and organisations are linked in the order of their names,
        so two coordinators with overlapping selections wait for one another rather than deadlock.
        """
        locked = self.select_for_update(of=("self",)).select_related("letter")
        return locked.order_by("name_key", "pk")

    def for_desk(self) -> "SignatoryQuerySet":
        """With what a page about one entry shows of others."""
        return self.select_related("letter", "revision", "organization", "assigned_to")


class Signatory(Readable):
    """One organisation's signature on one letter, with the person who gave it."""

    class State(models.TextChoices):
        SUBMITTED = "submitted", _("Address not confirmed")
        PENDING = "pending", _("Waiting for a decision")
        RETURNED = "returned", _("Returned for changes")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    class Source(models.TextChoices):
        FORM = "form", _("Sign-on form")
        HAND = "hand", _("Added by a coordinator")
        IMPORT = "import", _("Imported")

    letter = models.ForeignKey(
        Letter, on_delete=models.PROTECT, related_name="signatories", verbose_name=_("letter")
    )
    revision = models.ForeignKey(
        Revision,
        on_delete=models.PROTECT,
        related_name="signatories",
        verbose_name=_("revision signed"),
        editable=False,
    )
    organization = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        related_name="signatories",
        verbose_name=_("organisation"),
        null=True,
        blank=True,
        editable=False,
    )
    reference = models.CharField(
        _("reference"), max_length=8, unique=True, default=new_reference, editable=False
    )
    # Public, in the link to the line; apart from the reference, which only the contact and we know.
    line_id = models.CharField(max_length=24, unique=True, default=new_line_id, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State, editable=False)
    source = models.CharField(_("came by"), max_length=6, choices=Source, editable=False)

    name = models.CharField(_("organisation's name"), max_length=NAME_MAX_LENGTH)
    name_key = models.CharField(max_length=KEY_MAX_LENGTH, editable=False)
    countries = models.JSONField(_("countries"), default=list, blank=True)
    label = models.CharField(
        _("label"),
        max_length=NAME_MAX_LENGTH,
        blank=True,
        help_text=_(
            "What stands in the parentheses. Empty: the countries, in the reader's language."
        ),
    )
    label_hidden = models.BooleanField(
        _("print no parentheses"), default=False, help_text=_("The line is the name alone.")
    )
    sort_as = models.CharField(
        _("sort as"),
        max_length=SORT_AS_MAX_LENGTH,
        blank=True,
        help_text=_("Places the name where readers look for it. Empty: by the name itself."),
    )
    collation_key = models.BinaryField(editable=False)
    # By language codes; printed for `name` where the letter is read in that language.
    other_names = models.JSONField(_("names in other languages"), default=dict, blank=True)
    website = models.URLField(_("website"), blank=True)

    contact_name = models.CharField(_("contact's name"), max_length=150, blank=True)
    contact_role = models.CharField(_("contact's role"), max_length=150, blank=True)
    email = models.EmailField(_("contact's e-mail address"), blank=True)
    language = models.CharField(_("language of mails"), max_length=12, default="en", editable=False)
    wants_updates = models.BooleanField(_("wants updates by mail"), default=False, editable=False)
    # By whose link the form was opened.
    partner = models.ForeignKey(
        "Partner",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="signatories",
        editable=False,
        verbose_name=_("came by the link of"),
    )
    note = models.TextField(
        _("note"),
        blank=True,
        help_text=_("For coordinators only: how it came in, who asked for it."),
    )

    submitted_at = models.DateTimeField(_("came in"), default=timezone.now, editable=False)
    confirmed_at = models.DateTimeField(_("address confirmed"), null=True, editable=False)
    approved_at = models.DateTimeField(_("approved"), null=True, editable=False)
    # Seconds between opening the form and sending it; a robot needs less than one.
    seconds_taken = models.PositiveIntegerField(null=True, editable=False)
    # Where the form was sent from, as signatories.networks hashes it; erased after two days.
    network = models.CharField(max_length=32, blank=True, editable=False)
    # A summary of signatories.evidence for the queue's filters; the entry's page looks anew.
    evidence_level = models.CharField(
        _("evidence"), max_length=7, choices=Level, blank=True, editable=False
    )
    is_free_mail = models.BooleanField(_("free-mail address"), default=False, editable=False)
    takes_mail = models.BooleanField(_("domain takes mail"), null=True, editable=False)
    # The likeliest of the entries on the same letter that are probably this organisation's, too.
    likely_same_as = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        editable=False,
        verbose_name=_("likely duplicate of"),
    )
    # None: the worker is to look at it.
    assessed_at = models.DateTimeField(null=True, editable=False)

    # What the desk's search looks in, in small letters; cut so that it always fits into its index.
    sought = models.GeneratedField(
        # No spaces behind its commas: Django reads SQLite's tables back, and would take what follows for a column.
        expression=models.Func(
            Lower(
                models.Func(
                    "reference",
                    models.Value("\n"),
                    "name_key",
                    models.Value("\n"),
                    "email",
                    models.Value("\n"),
                    "website",
                    models.Value("\n"),
                    "contact_name",
                    template="%(expressions)s",
                    arg_joiner=" || ",
                    output_field=models.TextField(),
                )
            ),
            models.Value(1),
            models.Value(SOUGHT_MAX_LENGTH),
            function="SUBSTR",
            arg_joiner=",",
            output_field=models.TextField(),
        ),
        output_field=models.TextField(),
        db_persist=True,
    )

    # Counts what happened to the entry: a decision made on an older reading is refused.
    version = models.PositiveIntegerField(default=0, editable=False)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("assigned to"),
    )
    # Who has it open for review, and until when nobody else is given it.
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        editable=False,
    )
    claimed_until = models.DateTimeField(null=True, editable=False)
    # Another sign-on of the same organisation, which stands for this one.
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        related_name="merged_entries",
        editable=False,
        verbose_name=_("combined with"),
    )

    objects = SignatoryQuerySet.as_manager()

    class Meta:
        verbose_name = _("signatory")
        verbose_name_plural = _("signatories")
        permissions = (
            ("decide_signatory", "Can decide about sign-ons"),
            ("export_signatory", "Can take out contacts"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("letter", "organization"),
                condition=Q(state="approved"),
                name="organization_listed_once_per_letter",
                violation_error_message=_("This organisation is already listed on this letter."),
            ),
            # Pressing the button twice makes one entry.
            models.UniqueConstraint(
                fields=("letter", "email", "name_key"),
                condition=Q(state="submitted"),
                name="signatory_submitted_once",
            ),
            models.CheckConstraint(
                name="approved_signatory_is_linked_and_dated",
                condition=~Q(state="approved")
                | Q(organization__isnull=False, approved_at__isnull=False),
            ),
            models.CheckConstraint(
                name="merged_signatory_is_withdrawn",
                condition=Q(merged_into__isnull=True) | Q(state="withdrawn"),
            ),
        )
        indexes = (
            # The queue: what waits on a letter, oldest first.
            models.Index(fields=("letter", "state", "submitted_at"), name="signatory_queue"),
            # The hint while typing, and other sign-ons of the same organisation or address.
            models.Index(fields=("letter", "name_key"), name="signatory_by_name"),
            models.Index(fields=("letter", "email"), name="signatory_by_email"),
            # What evidence looks for on all letters, and the queue's filter by it.
            models.Index(fields=("name_key",), name="signatory_namesakes"),
            models.Index(fields=("submitted_at",), name="signatory_came_in"),
            # Read from end to end by the desk's search, in place of the ten times larger rows.
            models.Index(fields=("sought", "id"), name="signatory_sought"),
            # Which countries there are on a letter; and how its campaign goes, told without the rows.
            models.Index(
                fields=("letter", "countries", "state", "approved_at", "confirmed_at"),
                name="signatory_campaign",
            ),
            models.Index(fields=("letter", "state", "evidence_level"), name="signatory_evidence"),
            models.Index(
                fields=("network",), condition=~Q(network=""), name="signatory_same_network"
            ),
            models.Index(
                fields=("submitted_at", "id"),
                condition=Q(
                    assessed_at__isnull=True, state__in=["submitted", "pending", "returned"]
                ),
                name="signatory_unassessed",
            ),
            # Decided meanwhile, while others are taken for its duplicates.
            models.Index(
                fields=("id",),
                condition=Q(assessed_at__isnull=True, likely_same_as__isnull=False),
                name="signatory_duplicate_unassessed",
            ),
            models.Index(
                fields=("letter", "state"),
                condition=Q(likely_same_as__isnull=False),
                name="signatory_duplicates",
            ),
        )

    def __str__(self) -> str:
        # No name: the admin's log keeps this, and must not keep who was erased.
        return self.reference

    def derive_keys(self) -> None:
        """Bring the stored keys in line with the name and `sort_as`; call before saving either."""
        self.name_key = name_key(self.name)
        # Where most read it, it stands where its name there is looked for.
        name = self.other_names.get(self.letter.default_language, self.name)
        self.collation_key = collation_key(self.sort_as or name)

    def standing(self) -> "Signatory":
        """The sign-on that stands for this one: itself, unless it was combined with another."""
        return self if self.merged_into is None else self.merged_into.standing()

    @property
    def public_label(self) -> str | None:
        """The label as `letter.publishing.Line` has it: None, empty or a text."""
        if self.label_hidden:
            return ""
        return self.label or None

    @property
    def line(self) -> str:
        """The line as it would be printed, without its number, in the active language."""
        return printed(self.printed_name, self._printed_label)

    @property
    def line_html(self) -> SafeString:
        """The line for a page."""
        return printed_html(self.printed_name, self._printed_label)

    @property
    def _printed_label(self) -> str:
        return label_of(self.countries, self.public_label, self.letter.default_language)

    @property
    def printed_name(self) -> str:
        """The name that is printed where the letter is read in the active language."""
        return printed_name(self.name, self.other_names)


class Partner(Readable):
    """An organisation that passes a letter on by a link of its own, which says by whom a sign-on came."""

    letter = models.ForeignKey(
        Letter, on_delete=models.CASCADE, related_name="partners", verbose_name=_("letter")
    )
    name = models.CharField(_("name"), max_length=NAME_MAX_LENGTH)
    code = models.SlugField(
        _("word in the link"),
        max_length=40,
        help_text=_("Small letters, digits and hyphens: for example “amnesty”. Everybody sees it."),
        validators=[validate_is_lowercase],
    )
    created_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("partner link")
        verbose_name_plural = _("partner links")
        ordering = ("letter", "name")
        constraints = (
            models.UniqueConstraint(
                fields=("letter", "code"),
                name="partner_code_once_per_letter",
                violation_error_message=_("Another partner of this letter has that word."),
            ),
        )

    def __str__(self) -> str:
        return self.name


class NameKey(models.Model):
    """One of the keys under which a name is found again though it is written otherwise; see `duplicates`."""

    key = models.CharField(max_length=40)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, null=True, related_name="name_keys"
    )
    signatory = models.ForeignKey(
        Signatory, on_delete=models.CASCADE, null=True, related_name="name_keys"
    )

    class Meta:
        indexes = (models.Index(fields=("key",), name="name_key_by_key"),)
        constraints = (
            models.CheckConstraint(
                name="name_key_of_one",
                condition=Q(organization__isnull=True, signatory__isnull=False)
                | Q(organization__isnull=False, signatory__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return self.key


class Verdict(models.Model):
    """What a coordinator decided about two names, so that it is not asked again."""

    class Kind(models.TextChoices):
        SAME = "same", _("the same organisation")
        BRANCH = "branch", _("one is a branch of the other")
        DIFFERENT = "different", _("different organisations")

    # Normalised names, the lesser first.
    first_key = models.CharField(max_length=KEY_MAX_LENGTH)
    second_key = models.CharField(max_length=KEY_MAX_LENGTH, db_index=True)
    kind = models.CharField(_("verdict"), max_length=9, choices=Kind)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("coordinator"),
    )
    at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("verdict")
        verbose_name_plural = _("verdicts")
        constraints = (
            models.UniqueConstraint(fields=("first_key", "second_key"), name="verdict_once"),
        )

    def __str__(self) -> str:
        return self.get_kind_display()


class Merge(models.Model):
    """Two sign-ons of one letter, or two organisations, that a coordinator combined: one stands for both.

    `moved` has what is needed to separate them again, and nothing once that is done or its time is over.
    """

    survivor = models.ForeignKey(
        Signatory,
        on_delete=models.CASCADE,
        null=True,
        related_name="merges",
        verbose_name=_("sign-on that stays"),
    )
    merged = models.ForeignKey(
        Signatory,
        on_delete=models.CASCADE,
        null=True,
        related_name="merges_away",
        verbose_name=_("sign-on combined with it"),
    )
    organization = models.ForeignKey(
        Organization,
        on_delete=models.CASCADE,
        null=True,
        related_name="merges",
        verbose_name=_("organisation that stays"),
    )
    merged_organization = models.ForeignKey(
        Organization,
        on_delete=models.CASCADE,
        null=True,
        related_name="merges_away",
        verbose_name=_("organisation combined with it"),
    )
    # Two sign-ons that were combined because their organisations were.
    part_of = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="parts")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("coordinator"),
    )
    at = models.DateTimeField(_("when"), default=timezone.now)
    undone_at = models.DateTimeField(_("separated again"), null=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("separated by"),
    )
    moved = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("merge")
        verbose_name_plural = _("merges")
        ordering = ("-at", "-pk")
        constraints = (
            models.CheckConstraint(
                name="merge_of_two_of_a_kind",
                condition=Q(
                    survivor__isnull=False,
                    merged__isnull=False,
                    organization__isnull=True,
                    merged_organization__isnull=True,
                )
                | Q(
                    survivor__isnull=True,
                    merged__isnull=True,
                    organization__isnull=False,
                    merged_organization__isnull=False,
                ),
            ),
        )

    def __str__(self) -> str:
        # No names: the admin's log keeps this, and must not keep who was erased.
        return f"{self._meta.verbose_name} {self.pk}"


class Event(models.TextChoices):
    """What can happen to a signature."""

    SUBMIT = "submit", _("signed through the form")
    ADD = "add", _("added by hand")
    CONFIRM = "confirm", _("address confirmed")
    APPROVE = "approve", _("approved")
    RETURN = "return", _("returned for changes")
    RESUBMIT = "resubmit", _("put back in the queue")
    REJECT = "reject", _("rejected")
    WITHDRAW = "withdraw", _("withdrawn")
    REOPEN = "reopen", _("opened again")
    RENEW = "renew", _("signed the revised text")
    MERGE = "merge", _("combined with another sign-on")
    SPLIT = "split", _("separated again from another sign-on")
    # Like the first two no transition: the state stays what it is.
    FORGET = "forget", _("contact erased at their own wish")


class DecisionQuerySet(models.QuerySet["Decision"]):
    def in_order(self) -> "DecisionQuerySet":
        """As they were made: a clock that was set back says otherwise."""
        return self.order_by("pk")


class Decision(Readable):
    """One change of a signatory's state: who, when, from what to what, and why. Never changed afterwards."""

    class Actor(models.TextChoices):
        CONTACT = "contact", _("the contact")
        COORDINATOR = "coordinator", _("a coordinator")
        SYSTEM = "system", _("the system")

    signatory = models.ForeignKey(Signatory, on_delete=models.CASCADE, related_name="decisions")
    event = models.CharField(_("event"), max_length=20)
    from_state = models.CharField(_("from"), max_length=10, choices=Signatory.State, blank=True)
    to_state = models.CharField(_("to"), max_length=10, choices=Signatory.State)
    actor = models.CharField(_("by"), max_length=11, choices=Actor)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("coordinator"),
    )
    reason = models.TextField(_("reason"), blank=True)
    at = models.DateTimeField(_("when"), default=timezone.now)

    objects = DecisionQuerySet.as_manager()

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering = ("at", "pk")

    def __str__(self) -> str:
        return f"{self.event} {self.at:%Y-%m-%d %H:%M}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            self._refuse()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        self._refuse()

    @staticmethod
    def _refuse() -> NoReturn:
        raise TypeError("decisions are a log: they are added, never changed or removed")


class Change(models.Model):
    """One field of an entry that a person changed: who, when, from what to what. Erased with the entry."""

    signatory = models.ForeignKey(Signatory, on_delete=models.CASCADE, related_name="changes")
    at = models.DateTimeField(_("when"), default=timezone.now)
    actor = models.CharField(_("by"), max_length=11, choices=Decision.Actor)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("coordinator"),
    )
    field = models.CharField(_("field"), max_length=20)
    old = models.TextField(_("before"), blank=True)
    new = models.TextField(_("after"), blank=True)

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("changes")
        ordering = ("at", "pk")

    def __str__(self) -> str:
        return f"{self.field} {self.at:%Y-%m-%d %H:%M}"


class SavedReason(Readable):
    """A reason that coordinators give often, ready in several languages."""

    class For(models.TextChoices):
        RETURN = "return", _("Returning for changes")
        REJECT = "reject", _("Rejecting")
        WITHDRAW = "withdraw", _("Withdrawing")

    event = models.CharField(_("used for"), max_length=20, choices=For)
    title = models.CharField(
        _("title"), max_length=80, help_text=_("A few words, for coordinators alone.")
    )
    position = models.PositiveSmallIntegerField(
        _("position"), default=1, help_text=_("The first nine are chosen with one key.")
    )

    class Meta:
        verbose_name = _("saved reason")
        verbose_name_plural = _("saved reasons")
        ordering = ("event", "position", "pk")

    def __str__(self) -> str:
        return self.title

    def text_for(self, language: str, otherwise: str = "en") -> str:
        """The words in a contact's language; else in the letter's, else the first there are."""
        texts = {text.language: text.text for text in self.texts.all()}
        fallback = next(iter(texts.values()), "")
        return texts.get(language) or texts.get(otherwise) or fallback


class SavedReasonText(Readable):
    """A saved reason's words in one language."""

    reason = models.ForeignKey(SavedReason, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(
        _("language"), max_length=12, default="en", choices=language_choices
    )
    text = models.TextField(_("text"), help_text=_("Mailed to the contact as it stands here."))

    class Meta:
        verbose_name = _("text")
        verbose_name_plural = _("texts")
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(
                fields=("reason", "language"),
                name="saved_reason_has_one_text_per_language",
                violation_error_message=_("This reason already has a text in that language."),
            ),
        )

    def __str__(self) -> str:
        return self.language


class Correction(Readable):
    """What a contact asks to change in a line that is already on the list; a coordinator accepts or declines it."""

    signatory = models.ForeignKey(Signatory, on_delete=models.CASCADE, related_name="corrections")
    name = models.CharField(_("organisation's name"), max_length=NAME_MAX_LENGTH)
    countries = models.JSONField(_("countries"), default=list, blank=True)
    other_names = models.JSONField(_("names in other languages"), default=dict, blank=True)
    website = models.URLField(_("website"), blank=True)
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    settled_at = models.DateTimeField(_("settled"), null=True)
    is_accepted = models.BooleanField(_("accepted"), null=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("coordinator"),
    )
    reason = models.TextField(_("reason"), blank=True)

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        ordering = ("asked_at", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("signatory",),
                condition=Q(settled_at__isnull=True),
                name="correction_open_once_per_signatory",
            ),
        )

    def __str__(self) -> str:
        return self.line

    @property
    def line(self) -> str:
        """The line as it would be printed if accepted, in the active language."""
        return printed(self._name, self._label)

    @property
    def line_html(self) -> SafeString:
        """The line for a page."""
        return printed_html(self._name, self._label)

    @property
    def _name(self) -> str:
        return printed_name(self.name, self.other_names)

    @property
    def _label(self) -> str:
        language = self.signatory.letter.default_language
        return label_of(self.countries, self.signatory.public_label, language)


class Vouch(Readable):
    """One mail that asks an organisation, at its own domain, whether it signs; and its answer, if it gave one."""

    class Answer(models.TextChoices):
        YES = "yes", _("Yes, we sign")
        NO = "no", _("No, this is not from us")

    signatory = models.ForeignKey(Signatory, on_delete=models.CASCADE, related_name="vouches")
    # Empty once the contact is forgotten; so are the words.
    email = models.EmailField(_("address asked"), blank=True)
    # None until the mail with the secret is made.
    token_hash = models.CharField(max_length=64, unique=True, null=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("coordinator"),
    )
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    answer = models.CharField(_("answer"), max_length=3, choices=Answer, blank=True)
    words = models.TextField(_("words to the coordinators"), blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True)

    class Meta:
        verbose_name = _("question to the organisation")
        verbose_name_plural = _("questions to organisations")
        ordering = ("asked_at", "pk")
        constraints = (
            models.CheckConstraint(
                name="vouch_answer_is_dated",
                condition=Q(answer="", answered_at__isnull=True)
                | Q(answer__in=["yes", "no"], answered_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.signatory.reference} {self.asked_at:%Y-%m-%d}"


class Link(models.Model):
    """A secret that was mailed to a contact, kept as its hash alone; it opens that one sign-on."""

    signatory = models.ForeignKey(Signatory, on_delete=models.CASCADE, related_name="links")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.signatory.reference} {self.created_at:%Y-%m-%d}"


class MessageQuerySet(models.QuerySet["Message"]):
    def unsent(self) -> "MessageQuerySet":
        return self.filter(sent_at__isnull=True, given_up_at__isnull=True)


class Message(Readable):
    """A mail that is to go out, written in the transaction of what it tells of; its text is made when it is sent.

    Neither text nor links are stored: the links' secrets must not lie in the database.
    """

    class Kind(models.TextChoices):
        CONFIRM = "confirm", _("Please confirm")
        STANDING = "standing", _("Where things stand")
        RECEIVED = "received", _("Received")
        DELAYED = "delayed", _("It takes longer")
        APPROVED = "approved", _("Approved")
        RETURNED = "returned", _("Returned for changes")
        REJECTED = "rejected", _("Rejected")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        CORRECTED = "corrected", _("Correction settled")
        VOUCH = "vouch", _("Question to the organisation")
        COMBINED = "combined", _("Combined with another, or separated again")
        REVISED = "revised", _("The text was revised")
        UPDATE = "update", _("Update")
        WAITING = "waiting", _("To coordinators: something waits")

    kind = models.CharField(_("message"), max_length=10, choices=Kind)
    letter = models.ForeignKey(Letter, on_delete=models.CASCADE, related_name="messages")
    signatory = models.ForeignKey(
        Signatory, on_delete=models.CASCADE, null=True, blank=True, related_name="messages"
    )
    correction = models.ForeignKey(
        Correction, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    vouch = models.ForeignKey(
        Vouch, on_delete=models.CASCADE, null=True, blank=True, related_name="messages"
    )
    update = models.ForeignKey(
        Update, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    reason = models.TextField(_("reason given"), blank=True)
    created_at = models.DateTimeField(_("queued"), default=timezone.now)
    due_at = models.DateTimeField(_("next attempt"), default=timezone.now)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    claimed_at = models.DateTimeField(_("being sent since"), null=True)
    sent_at = models.DateTimeField(_("sent"), null=True)
    given_up_at = models.DateTimeField(_("given up"), null=True)
    error = models.CharField(_("last error"), max_length=200, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ("-created_at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=("letter",),
                condition=Q(kind="waiting", sent_at__isnull=True, given_up_at__isnull=True),
                name="message_waiting_once_per_letter",
            ),
        )
        indexes = (
            # What the worker looks for, every second.
            models.Index(
                fields=("due_at",),
                condition=Q(sent_at__isnull=True, given_up_at__isnull=True),
                name="message_due",
            ),
            models.Index(
                fields=("claimed_at",),
                condition=Q(claimed_at__isnull=False),
                name="message_claimed",
            ),
            models.Index(
                fields=("letter",),
                condition=Q(given_up_at__isnull=False, sent_at__isnull=True),
                name="message_given_up",
            ),
            # The admin's list, the newest first.
            models.Index(fields=("created_at", "id"), name="message_newest"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.created_at:%Y-%m-%d %H:%M}"


class MailAsked(models.Model):
    """That a form had a mail sent to an address, of which it keeps a keyed hash, for a day.

    Apart from `Message`, which goes with its entry: whoever erases one by “it was not us” is not to be mailed anew.
    """

    address_hash = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("address_hash", "at"), name="mail_asked_for"),)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"
