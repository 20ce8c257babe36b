"""The sign-on form and the contact's correction form: what may be typed, and what is said when it may not."""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, Self
from urllib.parse import urlsplit

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Field, Fieldset, Layout, LayoutObject
from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.http import QueryDict
from django.utils import translation
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _
from email_validator import EmailNotValidError, validate_email

from letter import countries
from letter.models import NAME_MAX_LENGTH, Letter
from signatories.domains import likely_domain
from signatories.importing import signable_revision
from signatories.models import Vouch
from signatories.names import NameRefused, clean_name

STAMP_SALT = "signatories.sign-form"
# A form may lie open overnight on a phone; a stamp copied into a robot's script goes stale.
STAMP_MAX_AGE = 2 * 24 * 60 * 60  # seconds
COUNTRY_FIELDS_SHOWN = 3
COUNTRY_FIELDS_MORE = 3
COUNTRIES_AT_MOST = 40
WORDS_MAX_LENGTH = 500  # of what an organisation says with its answer
URL_MAX_LENGTH = 200  # of a URLField
# What a partner is in a link: a slug.
PARTNER_CODE: Final = re.compile(r"[a-z0-9_-]{1,40}")
LOOKS_LIKE_LINK = re.compile(r"://|\bwww\.|@", re.IGNORECASE)


class CountriesWidget(forms.Widget):
    """Several <select> under one name, in the order given; `countries.js` makes one search field of them.

    One list per country is what a keyboard and a phone do well without JavaScript, and it keeps the order.
    """

    template_name = "signatories/widgets/countries.html"
    use_fieldset = True

    def __init__(self, attrs: dict[str, Any] | None = None, *, can_add: bool = True) -> None:
        super().__init__(attrs)
        self.can_add = can_add
        self.extra = 0 if can_add else COUNTRY_FIELDS_MORE

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        known = dict(countries.choices())
        chosen = [code for code in value or [] if code in known]
        context["widget"]["typed"] = next((text for text in value or [] if text not in known), "")
        empty = max(COUNTRY_FIELDS_SHOWN - len(chosen), 1) + self.extra
        # Search terms are read from the first list alone.
        context["widget"]["selects"] = [
            _options(translation.get_language(), code, with_terms=number == 0)
            for number, code in enumerate(chosen + [""] * empty)
        ]
        context["widget"]["can_add"] = self.can_add
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        values = data.getlist(name) if hasattr(data, "getlist") else data.get(name, [])
        # What was typed into the search field and not chosen is an answer too, to be read or asked about.
        typed = str(data.get(f"{name}_typed", "")).strip()
        return [value for value in [*values, typed] if value]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False  # nothing chosen is an answer: an international organisation


@lru_cache(maxsize=256)  # nearly all forms are shown before a country is chosen
def _options(language: str | None, chosen: str, *, with_terms: bool) -> SafeString:
    """The countries for one <select>; a template would take ten times as long for a thousand such lines."""
    with translation.override(language):
        return format_html_join(
            "\n",
            '<option value="{}"{}{}>{}</option>',
            (
                (
                    code,
                    format_html(' data-terms="{}"', "|".join(terms))
                    if with_terms and (terms := countries.search_terms(code))
                    else "",
                    " selected" if code == chosen else "",
                    name,
                )
                for code, name in countries.choices()
            ),
        )


class CountriesField(forms.Field):
    """ISO 3166-1 alpha-2 codes in the order given, each once; may be empty."""

    widget = CountriesWidget

    def to_python(self, value: Any) -> list[str]:
        known = dict(countries.choices())
        codes = [
            text if text in known else countries.match(text) or text
            for text in map(str, value or [])
        ]
        return list(dict.fromkeys(codes))

    def validate(self, value: list[str]) -> None:
        super().validate(value)
        known = dict(countries.choices())
        for text in value:
            if text not in known:
                raise self._unknown(text)
        if len(value) > COUNTRIES_AT_MOST:
            raise ValidationError(
                _("Name at most %(limit)s countries, or leave this empty if you work worldwide."),
                code="too_many",
                params={"limit": COUNTRIES_AT_MOST},
            )

    def _unknown(self, text: str) -> ValidationError:
        """What is said of a text that is no country, or may be several."""
        shown = text[:60]
        meant = [countries.country_name(code) for code in countries.meanings(text)]
        if meant:
            return ValidationError(
                _("“%(text)s” may be %(countries)s. Choose the country from the list."),
                code="ambiguous_country",
                params={"text": shown, "countries": ", ".join(meant)},
            )
        return ValidationError(
            _("No country is called “%(text)s” here. Choose each country from the list."),
            code="unknown_country",
            params={"text": shown},
        )


class OrganizationFields(forms.Form):
    """What is printed of an organisation: its name and countries, and the website that vouches for it."""

    organization = forms.CharField(
        label=_("Name of your organisation"),
        max_length=5000,  # clean_name says the real limit in better words
        help_text=_("As it should be printed under the letter, in full and in your own script."),
        error_messages={"required": _("Give the name of your organisation.")},
        widget=forms.TextInput(attrs={"autocomplete": "organization", "dir": "auto"}),
    )
    countries = CountriesField(
        label=_("Countries"),
        required=False,
        help_text=_(
            "Where your organisation is based or works, in the order to be printed. "
            "An international organisation leaves this empty; then its name stands alone."
        ),
    )
    website = forms.CharField(
        label=_("Website"),
        required=False,
        max_length=URL_MAX_LENGTH,
        help_text=_("Helps the coalition to recognise you. It is not printed."),
        error_messages={
            "max_length": _("This address is too long. Give the start page of your website.")
        },
        widget=forms.TextInput(attrs={"autocomplete": "url", "inputmode": "url", "dir": "ltr"}),
    )

    def __init__(
        self,
        *args: Any,
        languages: Sequence[str] = (),
        other_names: Mapping[str, str] = MappingProxyType({}),
        **kwargs: Any,
    ) -> None:
        """Asks for the name in each of `languages`; `other_names` are those that there are, in whatever language."""
        super().__init__(*args, **kwargs)
        self._other_names = dict(other_names)
        self._languages = {f"other_name_{code}": code for code in languages}
        for field, code in self._languages.items():
            self.fields[field] = forms.CharField(
                label=format_lazy(
                    _("Name in {language}"), language=get_language_info(code)["name_local"]
                ),
                required=False,
                max_length=5000,
                initial=self._other_names.get(code, ""),
                widget=forms.TextInput(attrs={"dir": "auto", "lang": code}),
            )

    def other_names_layout(self) -> list[LayoutObject | str]:
        """The names in other languages, folded away while there are none; nothing where none is asked for."""
        if not self._languages:
            return []
        is_open = any(self[field].value() for field in self._languages) or self.errors
        return [
            HTML(
                format_html(
                    '<details class="more"{}><summary>{}</summary><p class="note">{}</p>',
                    " open" if is_open else "",
                    _("Name in other languages"),
                    _(
                        "If your organisation has a name of its own in a language in which the letter is "
                        "read, it stands there under that name. What you leave empty stands as above."
                    ),
                )
            ),
            *map(Field, self._languages),
            HTML("</details>"),
        ]

    @classmethod
    def with_more_countries(cls, typed: QueryDict, **kwargs: Any) -> Self:
        """The form with what was typed, not judged yet, and room for more countries."""
        initial = {name: typed.get(name, "") for name in typed if name != "countries"}
        form = cls(initial=initial | {"countries": typed.getlist("countries")}, **kwargs)
        form.fields["countries"].widget.extra = COUNTRY_FIELDS_MORE
        return form

    def clean_organization(self) -> str:
        name = _clean(self.cleaned_data["organization"], limit=NAME_MAX_LENGTH)
        return _without_links(name)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for field in self._languages:
            if name := cleaned.get(field, ""):
                try:
                    cleaned[field] = _without_links(_clean(name, limit=NAME_MAX_LENGTH))
                except ValidationError as error:
                    self.add_error(field, error)
        return cleaned

    def clean_website(self) -> str:
        website = str(self.cleaned_data["website"])
        if not website:
            return ""
        if "://" not in website:
            website = f"https://{website}"
        if not _is_web_address(website):
            raise ValidationError(
                _(
                    "This does not look like a web address. Write it like www.example.org, or leave it empty."
                ),
                code="invalid",
            )
        if len(website) > URL_MAX_LENGTH:
            raise ValidationError(
                self.fields["website"].error_messages["max_length"], code="max_length"
            )
        return website

    def changes(self) -> dict[str, Any]:
        """The cleaned values by the names of `Signatory`'s fields."""
        data = self.cleaned_data
        return {
            "name": data["organization"],
            "countries": data["countries"],
            "website": data["website"],
            "other_names": self._names(),
        }

    def _names(self) -> dict[str, str]:
        """The names in other languages: those that were asked for as they are typed, the others as they were."""
        typed = {code: self.cleaned_data[field] for field, code in self._languages.items()}
        # A name that is the same as the first one's need not be kept twice.
        name = self.cleaned_data["organization"]
        found = {**self._other_names, **typed}
        return {code: other for code, other in sorted(found.items()) if other not in {"", name}}


# What stands in public forms beside what somebody types or ticks.
UNTYPED = frozenset(
    {"csrfmiddlewaretoken", "stamp", "via", "line", "seen", "text", "challenge", "nonce"}
)
TICKED = "on"


def what_was_typed(sent: Iterable[tuple[str, str]]) -> list[str]:
    """The texts that a person typed into a form, or chose, of all that was sent by its names."""
    return [
        countries.country_name(value) if name == "countries" else value
        for name, value in sent
        if name not in UNTYPED and len(value) > 1 and value != TICKED
    ]


class SignForm(OrganizationFields):
    """A sign-on for an organisation. Its field names are public: see docs/architecture.md."""

    contact_name = forms.CharField(
        label=_("Your name"),
        max_length=5000,
        error_messages={"required": _("Give your name.")},
        widget=forms.TextInput(attrs={"autocomplete": "name", "dir": "auto"}),
    )
    contact_role = forms.CharField(
        label=_("Your role in the organisation"),
        max_length=5000,
        help_text=_("For example: director, programme officer."),
        error_messages={
            "required": _("Give your role, so that the coalition knows whom it is talking to.")
        },
        widget=forms.TextInput(attrs={"autocomplete": "organization-title", "dir": "auto"}),
    )
    email = forms.CharField(
        label=_("Your e-mail address"),
        max_length=5000,
        help_text=_(
            "We send a link there to confirm. An address at your organisation's own domain is "
            "recognised fastest. It is never published."
        ),
        error_messages={"required": _("Give your e-mail address.")},
        widget=forms.EmailInput(attrs={"autocomplete": "email", "dir": "ltr"}),
    )
    authorised = forms.BooleanField(
        label=_("I may sign this letter for my organisation."),
        error_messages={
            "required": _(
                "Tick this box if you may sign for your organisation; otherwise ask someone who may."
            )
        },
    )
    privacy = forms.BooleanField(
        label=_("I have read the privacy notice below."),
        error_messages={"required": _("Read the privacy notice, then tick this box.")},
    )
    updates = forms.BooleanField(
        label=_("Tell me by e-mail what becomes of the letter."),
        required=False,
        help_text=_("A few mails at most, each with a link to stop them."),
    )
    # For robots, which fill in every field they find; people do not see it.
    homepage_2 = forms.CharField(
        label=_("Leave this empty"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )
    stamp = forms.CharField(required=False, widget=forms.HiddenInput)
    # The word in the link of the partner that passed the letter on.
    # Nobody typed it: one that cannot be a partner's is as good as none, and keeps nobody from signing.
    via = forms.Field(required=False, widget=forms.HiddenInput)
    # The address that was asked about and stands as it is.
    email_asked = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seconds_taken: int | None = None

    @cached_property
    def helper(self) -> FormHelper:
        """How the form is laid out; made when it is shown, which a form that is taken never is."""
        helper = FormHelper()
        helper.form_tag = False
        helper.layout = Layout(
            Fieldset(
                _("Your organisation"),
                Field("organization"),
                *self.other_names_layout(),
                Field("countries"),
                Field("website"),
            ),
            Fieldset(
                _("You"),
                Field("contact_name"),
                Field("contact_role"),
                Field("email"),
            ),
            Fieldset(_("Before you sign"), Field("authorised"), Field("privacy"), Field("updates")),
            Div(Field("homepage_2"), css_class="trap"),
            Field("stamp"),
            Field("via"),
            Field("email_asked"),
        )
        return helper

    def clean_via(self) -> str:
        via = str(self.cleaned_data["via"] or "").lower()
        return via if PARTNER_CODE.fullmatch(via) else ""

    def clean_contact_name(self) -> str:
        return _without_links(_clean(self.cleaned_data["contact_name"], limit=150))

    def clean_contact_role(self) -> str:
        return _without_links(_clean(self.cleaned_data["contact_role"], limit=150))

    def clean_email(self) -> str:
        try:
            checked = validate_email(self.cleaned_data["email"], check_deliverability=False)
        except EmailNotValidError:
            raise ValidationError(
                _("This does not look like an e-mail address. Write it like name@example.org."),
                code="invalid",
            ) from None
        address = checked.normalized.lower()
        meant = likely_domain(checked.domain)
        if meant and self.data.get("email_asked", "").lower() != address:
            # Asked, not corrected: sent again as it is, the address counts.
            self._show("email_asked", address)
            raise ValidationError(
                _(
                    "Did you mean %(suggestion)s? Correct the address, "
                    "or press the button again if it is right as it is."
                ),
                code="slip",
                params={"suggestion": f"{checked.local_part}@{meant}"},
            )
        return address

    def clean_homepage_2(self) -> str:
        if self.cleaned_data["homepage_2"]:
            raise ValidationError(
                _(
                    "Something filled in this field, which must stay empty. Clear it and send the form again."
                ),
                code="trap",
            )
        return ""

    def _show(self, name: str, value: str) -> None:
        """Put a value of ours into a hidden field of the form that is shown again."""
        shown = self.data.copy() if isinstance(self.data, QueryDict) else QueryDict(mutable=True)
        shown[name] = value
        self.data = shown

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        try:
            opened_at = float(
                signing.loads(self.data.get("stamp", ""), salt=STAMP_SALT, max_age=STAMP_MAX_AGE)
            )
        except (signing.BadSignature, TypeError, ValueError):
            # A form left open for days, or a robot that never opened it.
            self._show("stamp", new_stamp())
            raise ValidationError(
                _(
                    "This form was open for a long time. Please press the button once more; nothing is lost."
                ),
                code="stale",
            ) from None
        self.seconds_taken = max(0, int(time.time() - opened_at))
        return cleaned


class CorrectionForm(OrganizationFields):
    """What a contact may correct by themselves, or ask to have corrected once it is on the list."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = Layout(
            Field("organization"),
            *self.other_names_layout(),
            Field("countries"),
            Field("website"),
        )


class AnswerForm(forms.Form):
    """What an organisation says that was asked whether it signs."""

    answer = forms.ChoiceField(
        choices=Vouch.Answer.choices,
        error_messages=dict.fromkeys(
            ("required", "invalid_choice"), _("Please press one of the two buttons.")
        ),
    )
    words = forms.CharField(
        label=_("A few words to the coordinators"),
        required=False,
        max_length=WORDS_MAX_LENGTH,
        help_text=_("They are read by the coordinators alone and printed nowhere."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    # The line as it was shown.
    line = forms.CharField(required=False, strip=False)


def signable(letter: Letter) -> Letter:
    """A letter chosen in a form of the desk; raises ValidationError if there are no words to sign yet."""
    if signable_revision(letter) is None:
        raise ValidationError(_("This letter has no text yet, so nobody can sign it."))
    return letter


def _is_web_address(text: str) -> bool:
    """Not where an @ stands before the host: what is before it looks like the site, and is not it."""
    try:
        URLValidator(schemes=["http", "https"])(text)
    except ValidationError:
        return False
    return "@" not in urlsplit(text).netloc


def new_stamp() -> str:
    """A signed note of when a form was opened."""
    return signing.dumps(int(time.time()), salt=STAMP_SALT)


def _without_links(text: str) -> str:
    """Names are mailed to the address that was typed: they must not carry a stranger's advertisement."""
    if LOOKS_LIKE_LINK.search(text):
        raise ValidationError(
            _("Leave out web and e-mail addresses here; there are fields of their own for them."),
            code="link",
        )
    return text


def _clean(raw: str, *, limit: int) -> str:
    try:
        return clean_name(raw, max_length=limit)
    except NameRefused as refused:
        raise ValidationError(str(refused), code="name") from None
