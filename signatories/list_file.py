"""Reads a list of organisations as people have it: pasted lines, CSV or a spreadsheet.

Two steps, so that a person can look in between and mend. `read_table` makes columns of what
came and guesses what each column holds; `lay_out` and `check` make rows of it, with whatever is
wrong in words. Nothing that was typed is dropped: what cannot be read stands in its field.
"""

import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice, zip_longest
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.forms import URLField
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from letter import countries, sheets
from letter.cells import protected, unprotected
from signatories import other_names
from signatories.letter_file import read_entry, split_parentheses, unknown_country
from signatories.list_headings import field_of, languages_of
from signatories.name_signs import is_code, is_link
from signatories.names import NameRefused, clean_line, clean_name, name_key

MOST_BYTES: Final = 10 * 1024 * 1024
MOST_ROWS: Final = 20_000
MOST_COLUMNS: Final = 40
MOST_LINES: Final = 10 * MOST_ROWS  # empty ones and those within a cell among them
# A line with more is no list of anything, and takes long to look through.
_MOST_CELLS: Final = 200

LINE: Final = "line"  # a name, with its countries behind it in whatever way
FIELDS: Final = (
    "name",
    "countries",
    "label",
    "website",
    "contact_name",
    "contact_role",
    "email",
    "sort_as",
    "other_names",
    "note",
)
FIELD_NAMES: Final = {
    LINE: gettext_lazy("name and countries"),
    "name": gettext_lazy("name"),
    "countries": gettext_lazy("countries"),
    "label": gettext_lazy("label"),
    "website": gettext_lazy("website"),
    "contact_name": gettext_lazy("contact's name"),
    "contact_role": gettext_lazy("contact's role"),
    "email": gettext_lazy("e-mail address"),
    "sort_as": gettext_lazy("sort as"),
    "other_names": gettext_lazy("names in other languages"),
    "note": gettext_lazy("note"),
}
# A longer one is no name; looking for countries in it would take long.
_LONGEST_LINE: Final = 500
_LENGTHS: Final = {
    "label": 250,
    "contact_name": 150,
    "contact_role": 150,
    "sort_as": 500,
    "other_names": 5000,
    "note": 5000,
}

_BULLET: Final = re.compile(
    r"\s*(?:[•·▪◦‣●○■]\s*|[-*–—+]\s+)?(?:\(?[0-9]{1,6}(?:[.)]\s+|\)(?=\S)))?"
)
_NUMBERED: Final = re.compile(r"\s*(?:[•·▪◦‣●○■*–—+-]\s*)?\(?[0-9]{1,6}(?:[.)](?:\s|$)|\)\S)")
_ROWS_LOOKED_AT: Final = 200  # to guess what a column holds
_PERSON: Final = ("contact_name", "contact_role")
_DASH: Final = re.compile(r"\s+[-–—]+\s+")
_COMMA: Final = re.compile(r"\s*[,،，]\s*")
_ISO_CODES: Final = re.compile(r"[A-Z]{2,3}(?:[\s,;/|]+[A-Z]{2,3})*")
_SHORT_BUT_SURE: Final = frozenset({"UK", "USA", "UAE", "DRC"})
_WEBSITE: Final = re.compile(
    r"(?:https?://|www\.)\S+|[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}/?", re.IGNORECASE
)


class Unreadable(ValueError):
    """Nothing could be made of what came. The message is a sentence for whoever sent it."""


@dataclass(frozen=True)
class Table:
    """Columns as they came, with what each holds: a field, `line`, or "" for nothing we keep."""

    header: tuple[str, ...]
    cells: tuple[tuple[int, tuple[str, ...]], ...]
    mapping: tuple[str, ...]
    is_windows_1252: bool = False  # a guess, since every text can be read as that

    def columns_lost(self) -> list[int]:
        """The indexes of columns that are not used, and hold countries."""
        columns = list(
            zip(*[cells for _number, cells in self.cells[:_ROWS_LOOKED_AT]], strict=True)
        )
        return [
            index
            for index, field in enumerate(self.mapping)
            if not field and _hold_countries([cell for cell in columns[index] if cell])
        ]


@dataclass(frozen=True)
class Typed:
    """A row as it was typed, each text in its field; nothing is judged yet."""

    number: int
    raw: str
    name: str = ""
    countries: str = ""
    label: str = ""
    website: str = ""
    contact_name: str = ""
    contact_role: str = ""
    email: str = ""
    sort_as: str = ""
    other_names: str = ""
    note: str = ""
    remarks: tuple[str, ...] = ()
    is_aside: bool = False  # above or below a numbered list, and probably none of its lines


@dataclass(frozen=True)
class Row:
    """One organisation. With `problems` (field and sentence) it should not be stored.

    `meant` are the texts of which one was probably meant by the countries that cannot be read.
    """

    number: int
    raw: str
    name: str
    countries: tuple[str, ...]
    label: str
    website: str
    contact_name: str
    contact_role: str
    email: str
    sort_as: str
    other_names: str  # as signatories.other_names reads them
    note: str
    problems: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()
    meant: tuple[str, ...] = ()


# What came, as columns.


def read_table(data: bytes | str, *, filename: str = "") -> Table:
    """The columns of a pasted text or a file's bytes. Raises Unreadable, and nothing else."""
    if len(data) > MOST_BYTES:
        raise Unreadable(_("This is larger than 10 MB. Please bring it in in parts."))
    is_windows_1252 = False
    if isinstance(data, bytes) and sheets.is_sheet(data):
        rows = _sheet(data)
    else:
        text, is_windows_1252 = (data, False) if isinstance(data, str) else _decoded(data)
        text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        if (count := text.count("\n")) > MOST_LINES:
            raise _too_many(count)
        rows = _separated(text, is_csv=filename.lower().endswith(".csv"))
    rows = [(number, _trimmed(cells)) for number, cells in rows if any(map(str.strip, cells))]
    if not rows:
        raise Unreadable(_("There is nothing in it."))
    headings = _heading_fields(rows[0][1]) or _strange_headings([cells for _number, cells in rows])
    header = rows.pop(0)[1] if headings else ()
    if not rows:
        raise Unreadable(_("There is nothing below the headings of the columns."))
    if len(rows) > MOST_ROWS:
        raise _too_many(len(rows))
    width = max(len(header), *(len(cells) for _number, cells in rows))
    padded = tuple((number, cells + ("",) * (width - len(cells))) for number, cells in rows)
    mapping = _guessed_fields([cells for _number, cells in padded], headings)
    return Table(header, padded, mapping, is_windows_1252)


def _too_many(count: int) -> Unreadable:
    return Unreadable(
        _("This has %(count)d rows; at most %(limit)d can be brought in at once.")
        % {"count": count, "limit": MOST_ROWS}
    )


def _decoded(data: bytes) -> tuple[str, bool]:
    """The text, and whether it had to be read as Windows-1252, which Excel saves in Europe."""
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable(_("This is a file of an old Excel. Please save it as .xlsx or as CSV."))
    if data.startswith(b"%PDF"):
        raise Unreadable(_("This is a PDF. Please copy the list out of it and paste it."))
    is_wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = ""
    for encoding in ["utf-16"] if is_wide else ["utf-8-sig", "cp1252"]:
        with suppress(UnicodeDecodeError):
            text = data.decode(encoding)
            break
    else:
        raise Unreadable(
            _(
                "This is not text in UTF-8. In Excel, save it as “CSV UTF-8” or as .xlsx; "
                "elsewhere, choose UTF-8 when saving."
            )
        )
    if "\0" in text:
        raise Unreadable(_("This is neither a text nor a spreadsheet that can be read here."))
    return text, encoding == "cp1252"


def _sheet(data: bytes) -> list[tuple[int, tuple[str, ...]]]:
    """The first sheet of an .xlsx, with the rows' numbers in it."""
    try:
        return sheets.first_sheet(data, most_rows=MOST_ROWS, most_columns=MOST_COLUMNS)
    except sheets.TooLarge as error:
        raise Unreadable(
            _("This spreadsheet is too large. Please bring it in in parts.")
        ) from error
    except sheets.Broken as error:
        raise Unreadable(
            _("This spreadsheet cannot be read. Please save it as .xlsx anew, or as CSV.")
        ) from error


def _separated(text: str, *, is_csv: bool) -> list[tuple[int, tuple[str, ...]]]:
    """The cells of CSV, or lines of one cell each where the text has no columns."""
    found = []
    for delimiter in ("\t", ";", ","):
        rows = _csv_rows(text, delimiter)
        widths = {len(cells) for _number, cells in rows}
        if max(widths, default=0) < 2 or max(widths) > MOST_COLUMNS:
            continue
        if _heading_fields(rows[0][1]):
            return rows
        tells = is_csv or delimiter == "\t" or _has_addresses(rows)
        if len(widths) == 1 and (tells or delimiter == ";"):
            found.append(rows)
    if found:
        return found[0]
    if _heading_fields(tuple(text.lstrip("\n").split("\n", 1)[0:1])):
        return _csv_rows(text, "\t")
    return [(number, (line,)) for number, line in enumerate(text.split("\n"), start=1)]


def _csv_rows(text: str, delimiter: str) -> list[tuple[int, tuple[str, ...]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows = []
    start = 1
    try:
        for cells in reader:
            if len(cells) > _MOST_CELLS:
                raise Unreadable(
                    _("A line of this has %(count)d columns; at most %(limit)d can be read.")
                    % {"count": len(cells), "limit": MOST_COLUMNS}
                )
            if any(map(str.strip, cells)):
                rows.append((start, tuple(map(unprotected, cells))))
            start = reader.line_num + 1
    except csv.Error:
        return []
    return rows


def _trimmed(cells: Sequence[str]) -> tuple[str, ...]:
    texts = [cell.strip() for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return tuple(texts)


def _has_addresses(rows: Sequence[tuple[int, tuple[str, ...]]]) -> bool:
    cells = [cell.strip() for cell in rows[0][1]]
    return any(_is_email(cell) or _WEBSITE.fullmatch(cell) for cell in cells)


# What a column holds.


def _heading_fields(cells: Sequence[str]) -> tuple[str, ...]:
    """The field of each column by its heading, "" by none; empty where it is no row of headings."""
    fields = _fields_of(cells)
    is_row = "name" in fields or sum(map(bool, fields)) > 1
    return fields if is_row and not any(map(_is_value, cells)) else ()


def _strange_headings(rows: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The same for a row whose words say little, above countries or addresses that it has none of."""
    first, *below = rows
    columns = zip_longest(*below[:_ROWS_LOOKED_AT], fillvalue="")
    guesses = [_guessed_field(list(filter(None, column))) for column in columns]
    above = [cell for cell, guess in zip(first, guesses, strict=False) if guess not in {"", LINE}]
    tells = len(above) > 1 or any(map(field_of, above))
    is_row = tells and all(above) and not any(map(_is_value, first))
    return _fields_of(first) if is_row else ()


def _fields_of(cells: Sequence[str]) -> tuple[str, ...]:
    fields: list[str] = []
    for cell in cells:
        field = field_of(cell)
        fields.append("" if field in fields else field)
    return tuple(fields)


def _is_value(cell: str) -> bool:
    """Whether a text is what stands below a heading; short ones ("ID") are codes of countries, too."""
    text = cell.strip()
    if field_of(text):
        return False
    return _is_email(text) or bool(
        _WEBSITE.fullmatch(text) or (len(text) > 3 and countries.match(text))
    )


def _guessed_fields(
    rows: Sequence[tuple[str, ...]], headings: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """The field of each column by its heading, else by what is in it; one is the name."""
    fields = list(headings) + [""] * (len(rows[0]) - len(headings))
    for index, column in enumerate(zip(*rows[:_ROWS_LOOKED_AT], strict=True)):
        if fields[index]:
            continue
        filled = [cell for cell in column if cell]
        field = _guessed_field(filled) if len(rows[0]) > 1 else LINE
        is_taken = field in fields or (field == LINE and "name" in fields)
        fields[index] = "" if is_taken else field
    if "name" not in fields and LINE not in fields:
        fields[fields.index("") if "" in fields else 0] = LINE
    if "countries" not in fields:
        columns = list(zip(*rows[:_ROWS_LOOKED_AT], strict=True))
        rest = (index for index, field in enumerate(fields) if not field)
        slips = (index for index in rest if _hold_countries(list(filter(None, columns[index]))))
        for index in islice(slips, 1):
            fields[index] = "countries"
    if "name" in fields and "countries" not in fields:
        fields[fields.index("name")] = LINE
    return tuple(fields)


def _guessed_field(cells: Sequence[str]) -> str:
    def most(test: Any) -> bool:
        return sum(bool(test(cell)) for cell in cells) * 2 > len(cells)

    if not cells or all(cell.rstrip(".)").isdecimal() for cell in cells):
        return ""
    if most(_is_email):
        return "email"
    if most(_WEBSITE.fullmatch):
        return "website"
    if most(lambda cell: countries.read_label(cell) or len(countries.meanings(cell)) > 1):
        return "countries"
    return LINE


def _hold_countries(cells: Sequence[str]) -> bool:
    """Whether most are countries, slips of their names, or words for two; to tell a slip takes time."""
    few = [cell for cell in cells[:20] if not cell.rstrip(".)").isdecimal()]
    slips = [cell for cell in few if countries.read_label(cell) or countries.readings(cell)]
    return _guessed_field(cells) == "countries" or len(slips) * 2 > len(few)


def _is_email(text: str) -> bool:
    return "@" in text and " " not in text


# Rows as they were typed.


def lay_out(table: Table, *, language: str = "en") -> list[Typed]:
    """Each row's texts in their fields, by the table's mapping; `language` is the letter's."""
    laid = []
    written_in = languages_of(table.header)
    asides = _asides(table)
    for number, cells in table.cells:
        remarks: list[str] = []
        found: dict[str, list[str]] = {}
        for field, cell in zip(table.mapping, cells, strict=True):
            if field and cell:
                found.setdefault(field, []).append(_on_one_line(cell))
        line = " ".join(found.pop(LINE, [])) or None
        # A first name and a last name, or three columns of countries, are one text.
        texts = dict.fromkeys(FIELDS, "") | {
            field: (", " if field == "countries" else " ").join(parts)
            for field, parts in found.items()
        }
        if texts["countries"]:
            texts["countries"] = _translated(texts["countries"], written_in, language)
        if line is not None:
            read, remarks = _read_line(line, language)
            if texts["countries"]:
                read = {"name": _BULLET.sub("", line, count=1)}
            texts |= {field: text for field, text in read.items() if not texts[field]}
        raw = " | ".join(filter(None, cells))
        is_aside = number in asides
        if is_aside:
            remarks = [_("Not a line of the list? It has no number, unlike those of the list.")]
        laid.append(Typed(number, raw, **texts, remarks=tuple(remarks), is_aside=is_aside))
    return laid


def _on_one_line(cell: str) -> str:
    return " ".join(filter(None, map(str.strip, cell.split("\n"))))


def _asides(table: Table) -> set[int]:
    """The lines above and below a numbered list, where most lines are numbered."""
    if table.header or table.mapping != (LINE,):
        return set()
    numbered = [number for number, (line,) in table.cells if _NUMBERED.match(line)]
    if len(numbered) * 2 <= len(table.cells):
        return set()
    return {number for number, _ in table.cells if not numbered[0] <= number <= numbered[-1]}


def _translated(text: str, written_in: Sequence[str], language: str) -> str:
    """Countries in the language of the list's headings ("Kenia", "Allemagne") in the letter's."""
    if _codes(text, language) is None:
        for other in written_in:
            if codes := _codes(text, other):
                with translation.override(language):
                    return countries.label_from(codes)
    return text


def _read_line(text: str, language: str) -> tuple[dict[str, str], list[str]]:
    """The fields that are in a line as people write them, and what to remark on it."""
    text = _BULLET.sub("", text, count=1).strip()
    for separator in ("\t", ";"):
        name, *rest = [part.strip() for part in text.split(separator)]
        if name and any(rest):
            read, remarks = _read_parts(list(filter(None, rest)), language)
            if "countries" in read:
                return {"name": name, **read}, remarks
            name, written, label, doubts = _read_text(name, language)
            return {"name": name, "countries": written, "label": label, **read}, doubts + remarks
    name, written, label, remarks = _read_text(text, language)
    return {"name": name, "countries": written, "label": label}, remarks


def _read_parts(parts: list[str], language: str) -> tuple[dict[str, str], list[str]]:
    """What stands behind a name and a semicolon, each part in the field that it looks like."""
    read: dict[str, str] = {}
    others = []
    for part in parts:
        if _is_email(part) and "email" not in read:
            read["email"] = part
        elif _WEBSITE.fullmatch(part) and "website" not in read:
            read["website"] = part
        elif _codes(part, language):
            read["countries"] = ", ".join(filter(None, [read.get("countries"), part]))
        else:
            others.append(part)
    if "countries" not in read:
        slips = [part for part in others if _readings(part, language)]
        # Where nothing else is there either, it is a country that is not known, and asked for.
        if slips or (others and not read):
            read["countries"] = slips[0] if slips else "; ".join(others)
            others = [part for part in others if slips and part != slips[0]]
    remarks = []
    for part in others:
        field = next((each for each in _PERSON if each not in read), "note")
        read[field] = "; ".join(filter(None, [read.get(field), part]))
        remarks.append(
            _("“%(text)s” was read as the %(field)s.") % {"text": part, "field": FIELD_NAMES[field]}
        )
    return read, remarks


def _read_text(text: str, language: str) -> tuple[str, str, str, list[str]]:
    """Name, countries as written, label and remarks of a line without separators."""
    text = re.sub(r"(?<=[)）])[.,;]+$", "", text)
    if text.endswith((")", "）")):
        return _read_parentheses(text, language)
    if len(text) > _LONGEST_LINE:
        return text, "", "", []
    with translation.override(language):
        remarks: list[str] = []
        for name, rest in _possible_splits(text):
            codes = countries.read_label(rest)
            is_sure = codes and (len(rest) > 3 or rest in _SHORT_BUT_SURE)
            if is_sure or len(countries.meanings(rest)) > 1:
                label = "" if not codes or countries.label_from(codes) == rest else rest
                return name, rest, label, []
            if remarks:
                continue
            if meant := countries.suggestion(rest):
                remarks = [
                    _("“%(text)s” was read as part of the name; did you mean %(country)s?")
                    % {"text": rest, "country": meant}
                ]
            elif codes:
                remarks = [_("“%(text)s” was read as part of the name.") % {"text": rest}]
    return text, "", "", remarks


def _possible_splits(text: str) -> Iterator[tuple[str, str]]:
    """Name and the rest at the last dash, then at each comma, where it can be no part of the name."""
    for dash in list(_DASH.finditer(text))[-1:]:
        yield text[: dash.start()], text[dash.end() :]
    for comma in _COMMA.finditer(text):
        name = text[: comma.start()]
        words = name.split()
        # "Lawyers of Kenya, Uganda" may be all name.
        is_listing = any(countries.meanings(" ".join(words[-count:])) for count in (1, 2, 3))
        if name and not is_listing:
            yield name, text[comma.end() :]


def _read_parentheses(text: str, language: str) -> tuple[str, str, str, list[str]]:
    try:
        name, codes, label, remarks = read_entry(text, language)
    except NameRefused:
        try:
            before, inner = split_parentheses(text)
        except NameRefused as refused:
            return text, "", "", [str(refused)]
        return (before, inner or "", "", []) if before else (text, "", "", [])
    with translation.override(language):
        written = label or countries.label_from(codes)
    return name, written, label or "", remarks


# Rows as they can be stored.


def check(
    laid: Sequence[Typed], *, language: str = "en", left_out: Collection[int] = ()
) -> list[Row]:
    """What the texts mean, with each problem in words; rows that are left out are not judged."""
    rows = []
    lines_by_key: dict[str, int] = {}
    for typed in laid:
        row = _checked(typed, language)
        if typed.number in left_out:
            row = replace(row, problems=(), meant=())
        elif not any(field == "name" for field, _reason in row.problems):
            earlier = lines_by_key.setdefault(name_key(row.name), typed.number)
            if earlier != typed.number:
                reason = _("The same organisation is in line %(line)d.") % {"line": earlier}
                row = replace(row, problems=(("name", reason), *row.problems))
        rows.append(row)
    return rows


def _checked(typed: Typed, language: str) -> Row:
    problems: list[tuple[str, str]] = []
    texts: dict[str, str] = {}
    for field in ("name", *_LENGTHS):
        text = getattr(typed, field)
        texts[field] = text
        try:
            if field == "name":
                texts[field] = clean_name(text)
            else:
                texts[field] = clean_line(text, max_length=_LENGTHS[field])
        except NameRefused as refused:
            problems.append((field, str(refused)))
    if texts["name"] and not problems and not any(map(str.isalpha, texts["name"])):
        problems.append(("name", _("This is a number without a name.")))
    try:
        other_names.read(texts["other_names"])
    except NameRefused as refused:
        problems.append(("other_names", str(refused)))
    codes = _codes(typed.countries, language)
    meant: tuple[str, ...] = ()
    if codes is None:
        meant = _readings(typed.countries, language)
        reason = _why_unknown(typed.countries, language, translation.get_language())
        problems.append(("countries", reason))
    email = typed.email.strip().lower()
    website = typed.website.strip()
    try:
        website = URLField(required=False, assume_scheme="https", max_length=200).clean(website)
    except ValidationError:
        problems.append(
            ("website", _("“%(text)s” is not a website's address.") % {"text": website})
        )
    try:
        if email:
            validate_email(email)
    except ValidationError:
        problems.append(("email", _("“%(text)s” is not an e-mail address.") % {"text": email}))
    return Row(
        number=typed.number,
        raw=typed.raw,
        countries=codes or (),
        email=email,
        website=website,
        problems=tuple(problems),
        remarks=(*typed.remarks, *_remarks_on_name(texts["name"])),
        meant=meant,
        **texts,
    )


def _remarks_on_name(name: str) -> list[str]:
    if is_code(name):
        return [_("The name looks like a formula or a piece of code.")]
    return [_("The name has a web address in it.")] if is_link(name) else []


# Looking for the country that was meant takes a millisecond, and a slip comes in many rows.
@lru_cache(maxsize=1024)
def _why_unknown(text: str, language: str, _reader_language: str | None) -> str:
    hint = _("If it belongs to the name, move it there.")
    return unknown_country(text, language, hint=hint)


@lru_cache(maxsize=1024)
def _readings(text: str, language: str) -> tuple[str, ...]:
    with translation.override(language):
        return countries.readings(text)


def _codes(text: str, language: str) -> tuple[str, ...] | None:
    """The countries in a text, also as bare codes of ISO; None where it cannot be read."""
    text = text.strip()
    if not text:
        return ()
    with translation.override(language):
        # First, because Ethiopia's code is "and" in French.
        if _ISO_CODES.fullmatch(text):
            codes = [countries.match(part) for part in re.split(r"[\s,;/|]+", text)]
            if all(codes):
                return tuple(dict.fromkeys(filter(None, codes)))
        return countries.read_label(text)


def write_csv(rows: Sequence[Row]) -> str:
    """The rows as CSV that a spreadsheet opens without running anything, and `read_table` reads."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([field.replace("_", " ") for field in FIELDS])
    with translation.override("en"):
        for row in rows:
            cells = [
                countries.label_from(row.countries) if field == "countries" else getattr(row, field)
                for field in FIELDS
            ]
            writer.writerow([protected(cell) for cell in cells])
    return out.getvalue()
