"""The form of one entry."""

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from letter.models import Letter
from signatories import other_names
from signatories.desk.pages import number_in
from signatories.duplicates import known_as
from signatories.forms import CountriesField, CountriesWidget, signable
from signatories.history import what_happened
from signatories.models import Signatory
from signatories.names import NameRefused, clean_name, name_key


class OtherNamesField(forms.CharField):
    """Names by their languages' codes, one on each line."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        return other_names.written(value, "\n") if isinstance(value, dict) else value

    def to_python(self, value: Any) -> Any:
        try:
            return other_names.read(super().to_python(value) or "")
        except NameRefused as refused:
            raise forms.ValidationError(str(refused), code="name") from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class SignatoryForm(forms.ModelForm[Signatory]):
    """An entry's fields, with the same rules for names and countries as on the public form."""

    countries = CountriesField(
        label=_("Countries"),
        required=False,
        widget=CountriesWidget(can_add=False),
        help_text=_("In the order to be printed. None for an international organisation."),
    )

    other_names = OtherNamesField(
        label=_("Names in other languages"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
        help_text=_(
            "One on each line, with the code of its language: “fr: …”. Printed where the letter is read in "
            "that language; elsewhere the name above."
        ),
    )

    class Meta:
        model = Signatory
        fields = (
            "letter",
            "name",
            "countries",
            "label",
            "label_hidden",
            "sort_as",
            "other_names",
            "website",
            "contact_name",
            "contact_role",
            "email",
            "note",
        )
        widgets = {
            "name": forms.TextInput(attrs={"class": "vTextField desk-wide", "dir": "auto"}),
            "sort_as": forms.TextInput(attrs={"class": "vTextField desk-wide", "dir": "auto"}),
            "note": forms.Textarea(attrs={"rows": 3}),
        }

    def clean_name(self) -> str:
        return self._clean_text("name", required=True)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        # The instance still reads as the database has it; the form says what its reader was shown.
        shown = number_in(self.data.get("shown"))
        if not self.instance._state.adding and shown is not None and shown != self.instance.version:
            since = what_happened(self.instance, since=shown)
            raise forms.ValidationError(
                _(
                    "The entry changed while you edited it (%(what)s). It now reads “%(line)s”. "
                    "What you typed is kept: save again if it is to stand."
                ),
                code="changed",
                params={"line": self.instance.line, "what": "; ".join(since)},
            )
        name = cleaned.get("name")
        if name and self.instance.state == Signatory.State.APPROVED:
            others = Signatory.objects.approved().filter(letter_id=self.instance.letter_id)
            key = name_key(name)
            same = Q(name_key=key) | Q(organization__name_key=key)
            if known := known_as(key):
                same |= Q(organization=known)
            if (
                key != self.instance.name_key
                and others.filter(same).exclude(pk=self.instance.pk).exists()
            ):
                self.add_error("name", _("An organisation of that name is on the list already."))
        return cleaned

    def clean_label(self) -> str:
        return self._clean_text("label")

    def clean_sort_as(self) -> str:
        return self._clean_text("sort_as")

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def _clean_text(self, name: str, *, required: bool = False) -> str:
        text = str(self.cleaned_data[name])
        if not text and not required:
            return ""
        try:
            return clean_name(text, max_length=self.fields[name].max_length)  # type: ignore[attr-defined]  # a CharField
        except NameRefused as refused:
            raise forms.ValidationError(str(refused), code="name") from None

    def clean_letter(self) -> Letter:
        return signable(self.cleaned_data["letter"])
