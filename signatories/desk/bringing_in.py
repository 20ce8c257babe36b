"""The desk's page on which a list is pasted or uploaded, looked at, mended and brought in.

Nothing is kept between its steps but in the page itself: the columns as they came, signed, and
on top of them what was typed into the fields of the rows. So a change of what a column holds
reads the list anew, and yet loses no correction.
"""

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core import signing
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_protect

from letter.documents import label_of, printed_html
from letter.models import Letter, entrusted
from letter.progress import growing_page
from signatories import moderation
from signatories.desk.pages import number_in, page_context
from signatories.duplicates import Twin, find_twins
from signatories.forms import signable
from signatories.importing import (
    ImportedRows,
    NotImportable,
    already_there,
    import_in_steps,
    makes_needless,
)
from signatories.list_file import (
    FIELD_NAMES,
    FIELDS,
    MOST_BYTES,
    Row,
    Table,
    Typed,
    Unreadable,
    check,
    lay_out,
    read_table,
)
from signatories.models import Signatory
from signatories.moderation import By

TEMPLATE: Final = "admin/signatories/signatory/bring_in.html"
PROGRESS_TEMPLATE: Final = "admin/signatories/signatory/bring_in_progress.html"
SALT: Final = "signatories.bring_in"
# Each row has about a dozen fields, of which DATA_UPLOAD_MAX_NUMBER_FIELDS come back at most.
MOST_SHOWN: Final = 1000
# Characters of the signed columns; with the rows' fields they stay below Django's limit of a POST.
MOST_CARRIED: Final = 1_500_000
ALWAYS_SHOWN: Final = ("name", "countries", "label")


class SourceForm(forms.Form):
    """The first step: which letter, and the list."""

    letter = forms.ModelChoiceField(Letter.objects.order_by("-pk"), label=_("Letter"))
    text = forms.CharField(
        label=_("The list, pasted"),
        required=False,
        strip=False,
        help_text=_(
            "One organisation a line, as in “12. Genocide Watch (USA)”, or columns copied from a spreadsheet."
        ),
        widget=forms.Textarea(attrs={"rows": 14, "class": "vLargeTextField", "dir": "auto"}),
    )
    file = forms.FileField(
        label=_("Or a file"),
        required=False,
        allow_empty_file=True,
        help_text=_("A text, CSV or XLSX; at most 10 MB and 20,000 rows."),
    )

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        letter: Any = self.fields["letter"]
        letter.queryset = letter.queryset.filter(entrusted(user))

    def clean_letter(self) -> Letter:
        return signable(self.cleaned_data["letter"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        file, text = cleaned.get("file"), cleaned.get("text") or ""
        if file and text.strip():
            self.add_error("file", _("Please either paste a list or choose a file, not both."))
        elif "file" not in self.errors:
            try:
                source = file.read(MOST_BYTES + 1) if file else text
                table = read_table(source, filename=file.name if file else "")
                cleaned |= {"table": table, "carried": carry(table)}
            except Unreadable as unreadable:
                self.add_error("file" if file else "text", str(unreadable))
        return cleaned


@dataclass(frozen=True)
class Cell:
    """A field of a row on the page."""

    field: str
    label: str
    value: str
    problems: list[str]
    meant: tuple[str, ...]


@dataclass(frozen=True)
class Shown:
    """A row on the page."""

    row: Row
    cells: list[Cell]
    line: SafeString
    known: Signatory | None
    twin: Twin | None
    is_needless: bool
    is_left_out: bool


class Preview:
    """The second step: the list with what was typed on top of it, and what there is to say."""

    def __init__(self, letter: Letter, table: Table, data: Any) -> None:
        self.letter = letter
        columns = [data.get(f"column-{index}", field) for index, field in enumerate(table.mapping)]
        mapping = tuple(field if field in FIELD_NAMES else "" for field in columns)
        self.is_mapped_anew = mapping != table.mapping
        self.table = replace(table, mapping=mapping)
        language = letter.default_language
        before = lay_out(table, language=language)
        now = lay_out(self.table, language=language) if self.is_mapped_anew else before
        self.typed = [_with_edits(was, new, data) for was, new in zip(before, now, strict=True)]
        self.edited = {
            typed.number for typed, new in zip(self.typed, now, strict=True) if typed != new
        }
        # A row whose field came back was on the page, and its box says what is wanted.
        shown = {typed.number for typed in self.typed if f"name-{typed.number}" in data}
        flagged = {number for number in shown if f"known-{number}" in data}
        self.left_out = {number for number in shown if f"leave-{number}" in data}
        self.known = already_there(letter, self.typed)
        self.newly_known = set(self.known) - flagged
        self.left_out |= {each for each in self.newly_known if makes_needless(self.known[each])}
        asides = {typed.number for typed in self.typed if typed.is_aside}
        self.left_out |= asides - shown
        self.asides = asides & self.left_out
        self.chosen = set(self.known) - self.left_out
        self.rows = check(self.typed, language=language, left_out=self.left_out)
        self.wanted = [row for row in self.rows if row.number not in self.left_out]
        self.problem_count = sum(bool(row.problems) for row in self.rows)
        # Found only after the row was shown: not to be left out or taken without a look.
        self.surprises = self.newly_known & shown

    @cached_property
    def twins(self) -> dict[int, Twin]:
        """The rows that are probably on the letter, or in the list, under another spelling."""
        named = {row.number: row.name for row in self.rows if row.name}
        twins = find_twins(
            self.letter, {number: named[number] for number in named if number not in self.known}
        )
        return {number: twin for number, twin in twins.items() if twin.number not in self.left_out}

    def shown(self) -> list[Shown]:
        """The rows on the page: all, or of a long list those with something to say."""
        rows = self.rows
        if len(rows) > MOST_SHOWN:
            telling = [
                row
                for row in rows
                if row.problems
                or row.remarks
                or row.number in self.known
                or row.number in self.twins
                or row.number in self.edited
                or row.number in self.left_out
            ]
            # Without those that were mended, what was typed would be gone with the next step.
            telling.sort(key=lambda row: row.number not in self.edited | self.left_out)
            rows = sorted(telling[:MOST_SHOWN], key=lambda row: row.number)
        typed = {each.number: each for each in self.typed}
        fields = self.fields()
        with translation.override(self.letter.default_language):
            lines = {
                row.number: printed_html(row.name, label_of(row.countries, row.label or None))
                for row in rows
            }
        return [
            Shown(
                row,
                list(_cells(row, typed[row.number], fields)),
                lines[row.number],
                self.known.get(row.number),
                self.twins.get(row.number),
                row.number in self.known and makes_needless(self.known[row.number]),
                row.number in self.left_out,
            )
            for row in rows
        ]

    def fields(self) -> list[str]:
        """Those that hold something, and the ones that make the line."""
        return [
            field
            for field in FIELDS
            if field in ALWAYS_SHOWN or any(getattr(typed, field) for typed in self.typed)
        ]

    @cached_property
    def columns(self) -> list[dict[str, Any]]:
        """The list's columns with what each was taken for."""
        first = self.table.cells[0][1]
        lost = self.table.columns_lost()
        headings = self.table.header + ("",) * (len(first) - len(self.table.header))
        return [
            {"heading": heading, "example": example, "field": field, "is_lost": index in lost}
            for index, (heading, example, field) in enumerate(
                zip(headings, first, self.table.mapping, strict=True)
            )
        ]


def _with_edits(was: Typed, now: Typed, data: Any) -> Typed:
    """A row as it is read now, with what somebody typed over what it was read as before."""
    typed = {field: data.get(f"{field}-{was.number}") for field in FIELDS}
    typed["countries"] = data.get(f"meant-{was.number}") or typed["countries"]
    edits = {
        field: text
        for field, text in typed.items()
        if text is not None and text != getattr(was, field)
    }
    # The label was only how the countries had been written, and these are others now.
    if "countries" in edits and "label" not in edits and now.label == now.countries:
        edits["label"] = ""
    is_read_otherwise = not edits.keys().isdisjoint({"name", "countries"})
    return replace(now, **edits, remarks=() if is_read_otherwise else now.remarks)


def _cells(row: Row, typed: Typed, fields: list[str]) -> Iterator[Cell]:
    told = {field for field, _reason in row.problems}
    for field in FIELDS:
        if field in fields or field in told:
            reasons = [reason for name, reason in row.problems if name == field]
            meant = row.meant if field == "countries" else ()
            yield Cell(field, str(FIELD_NAMES[field]), getattr(typed, field), reasons, meant)


def carry(table: Table) -> str:
    """The columns as a text for a hidden field. Signed, so what it unpacks to is what we packed."""
    packed = [table.header, table.cells, table.mapping, table.is_windows_1252]
    carried = signing.dumps(packed, salt=SALT, compress=True)
    if len(carried) > MOST_CARRIED:
        raise Unreadable(
            gettext(
                "This is too much for a page. Please bring it in in parts, or ask whoever runs this server: "
                "there is a command for long lists."
            )
        )
    return carried


def carried(text: str) -> Table | None:
    """What `carry` packed; None if it did not."""
    try:
        header, cells, mapping, is_windows_1252 = signing.loads(text, salt=SALT)
    except (signing.BadSignature, ValueError):  # a page from before an update has other parts
        return None
    rows = tuple((number, tuple(texts)) for number, texts in cells)
    return Table(tuple(header), rows, tuple(mapping), is_windows_1252)


def bring_in(model_admin: ModelAdmin[Signatory], request: HttpRequest) -> HttpResponseBase:
    """Both steps: the form for a list, and the list as it was read.

    To be marked as exempt from the check against forgeries: it reads the form before it checks, so
    that a text longer than Django takes is answered in words.
    """
    try:
        request.POST  # noqa: B018  # read here and now
    except RequestDataTooBig:
        if not model_admin.has_add_permission(request):
            raise PermissionDenied from None
        error = gettext("This is too long to be pasted. Please save it as a file and upload that.")
        return _page(
            model_admin, request, {"form": SourceForm(request.user), "too_long": error}, status=422
        )
    return csrf_protect(partial(_bring_in, model_admin))(request)


def _bring_in(model_admin: ModelAdmin[Signatory], request: HttpRequest) -> HttpResponseBase:
    if not model_admin.has_add_permission(request):
        raise PermissionDenied
    data = request.POST
    letters = Letter.objects.entrusted_to(request.user)
    if request.method != "POST":
        first = list(letters[:2])
        only = first[0].pk if len(first) == 1 else None
        form = SourceForm(request.user, initial={"letter": request.GET.get("letter", only)})
        return _page(model_admin, request, {"form": form})
    if "table" in data:
        table = carried(data["table"])
        letter = letters.filter(pk=number_in(data.get("letter")) or 0).first()
        if table is None or letter is None:
            model_admin.message_user(
                request,
                gettext("This page is no longer valid. Please begin anew."),
                messages.ERROR,
            )
            return redirect("admin:signatories_signatory_bring_in")
        return _second_step(model_admin, request, Preview(letter, table, data))
    form = SourceForm(request.user, data, request.FILES)
    if not form.is_valid():
        return _page(model_admin, request, {"form": form}, status=422)
    preview = Preview(form.cleaned_data["letter"], form.cleaned_data["table"], {})
    return _preview_page(model_admin, request, preview)


def _second_step(
    model_admin: ModelAdmin[Signatory], request: HttpRequest, preview: Preview
) -> HttpResponseBase:
    if "store" not in request.POST:
        return _preview_page(model_admin, request, preview)
    error = ""
    if preview.problem_count:
        error = ngettext(
            "Nothing was brought in yet: %(count)d row has something to mend.",
            "Nothing was brought in yet: %(count)d rows have something to mend.",
            preview.problem_count,
        ) % {"count": preview.problem_count}
    elif preview.is_mapped_anew:
        error = gettext("Nothing was brought in yet: the columns changed. Please look again.")
    elif preview.surprises:
        error = gettext(
            "Nothing was brought in yet: more organisations turned out to be on the letter already."
        )
    elif not preview.wanted:
        error = gettext("Nothing was brought in: all rows are left out.")
    if error:
        return _preview_page(model_admin, request, preview, error=error)
    if len(preview.wanted) > moderation.BATCH:
        return _progress_page(model_admin, request, preview)
    try:
        *_steps, imported = _import(preview, request)
    except NotImportable as refused:
        return _preview_page(model_admin, request, preview, error=str(refused))
    model_admin.message_user(request, _outcome(preview, imported), messages.SUCCESS)
    return redirect(_queue_url(preview.letter))


def _import(preview: Preview, request: HttpRequest) -> Generator[ImportedRows]:
    return import_in_steps(
        preview.letter,
        preview.wanted,
        by=By.coordinator(request.user),
        at=timezone.now(),
        chosen=preview.chosen,
    )


def _queue_url(letter: Letter) -> str:
    queue = reverse("admin:signatories_signatory_changelist")
    return f"{queue}?letter__id__exact={letter.pk}"


def _outcome(preview: Preview, imported: ImportedRows) -> str:
    count = len(imported.signatories)
    said = ngettext(
        "%(count)d organisation came in; it waits for a decision.",
        "%(count)d organisations came in; they wait for a decision.",
        count,
    ) % {"count": count}
    if left_out := len(preview.left_out) + len(imported.left_out):
        said += " " + ngettext(
            "%(count)d row was left out.", "%(count)d rows were left out.", left_out
        ) % {"count": left_out}
    return said


def _progress_page(
    model_admin: ModelAdmin[Signatory], request: HttpRequest, preview: Preview
) -> HttpResponseBase:
    """A page that grows by a line with each batch that is stored, and ends with what came of it."""
    context = {
        **page_context(request, gettext("Bring in a list")),
        "media": model_admin.media,
        "count": len(preview.wanted),
    }
    return growing_page(request, PROGRESS_TEMPLATE, context, _progress(preview, request))


def _progress(preview: Preview, request: HttpRequest) -> Generator[SafeString]:
    imported = ImportedRows()
    try:
        with closing(_import(preview, request)) as steps:
            for imported in steps:
                done = {"done": len(imported.signatories), "count": len(preview.wanted)}
                yield format_html("<li>{}</li>", gettext("%(done)d of %(count)d rows") % done)
    except NotImportable as refused:
        said = gettext("Nothing was brought in: %(reason)s") % {"reason": refused}
        yield format_html('<li class="desk-caution">{}</li>', said)
    except Exception:
        said = gettext("Nothing was brought in: something went wrong. Please try again.")
        yield format_html('<li class="desk-caution">{}</li>', said)
        raise
    else:
        yield format_html(
            '<li class="desk-good">{}</li> <li><a href="{}">{}</a></li>',
            _outcome(preview, imported),
            _queue_url(preview.letter),
            gettext("To the queue"),
        )


def _preview_page(
    model_admin: ModelAdmin[Signatory], request: HttpRequest, preview: Preview, *, error: str = ""
) -> HttpResponse:
    shown = preview.shown()
    context = {
        "preview": preview,
        "shown": shown,
        "unshown_count": len(preview.rows) - len(shown),
        "carried": carry(preview.table),
        "choices": [("", gettext("not used")), *FIELD_NAMES.items()],
        "error": error,
    }
    return _page(model_admin, request, context, status=422 if error else 200)


def _page(
    model_admin: ModelAdmin[Signatory],
    request: HttpRequest,
    context: dict[str, Any],
    *,
    status: int = 200,
) -> HttpResponse:
    context = {
        **page_context(request, gettext("Bring in a list")),
        "media": model_admin.media,
        **context,
    }
    return TemplateResponse(request, TEMPLATE, context, status=status)
