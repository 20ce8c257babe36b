"""Reads a list of organisations as people have it: pasted lines, CSV or a spreadsheet.

Two steps, so that a person can look in between and mend. `read_table` makes columns of what
came and guesses what each column holds; `lay_out` and `check` make rows of it, with whatever is
wrong in words. Nothing that was typed is dropped: what cannot be read stands in its field.
"""

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import openpyxl
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.forms import URLField
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from letter import countries
from letter.cells import protected, unprotected
from signatories.letter_file import read_entry, split_parentheses, unknown_country
from signatories.names import NameRefused, clean_line, clean_name, name_key

MOST_BYTES: Final = 10 * 1024 * 1024
MOST_ROWS: Final = 20_000
MOST_COLUMNS: Final = 40
# A spreadsheet is compressed: a small file may unfold to more than a server has memory.
_MOST_UNPACKED: Final = 20 * MOST_BYTES

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
    "note": gettext_lazy("note"),
}
# A longer one is no name; looking for countries in it would take long.
_LONGEST_LINE: Final = 500
_LENGTHS: Final = {
    "label": 250,
    "contact_name": 150,
    "contact_role": 150,
    "sort_as": 500,
    "note": 5000,
}
# What people write on top of a column, in English, French and Spanish; without accents.
_HEADINGS: Final = {
    "name": (
        "name; organisation; organization; organisation name; organization name; name of organisation; "
        "name of organization; organisation's name; signatory; institution; ngo; nom; "
        "nom de l'organisation; nom de l'organization; organisme; association; ong; signataire; nombre; "
        "organizacion; nombre de la organizacion; entidad; institucion; firmante"
    ),
    "countries": "country; countries; country/countries; country(ies); pays; pais; paises",
    "label": "label; in parentheses; libelle; mention; etiqueta",
    "website": "website; web site; web; url; site; homepage; site web; site internet; sitio web; pagina web",
    "contact_name": (
        "contact; contact name; contact's name; contact person; nom du contact; personne de contact; "
        "contacto; nombre del contacto; persona de contacto"
    ),
    "contact_role": (
        "role; contact role; contact's role; position; function; job title; fonction; poste; cargo; funcion"
    ),
    "email": (
        "e-mail; email; mail; e-mail address; email address; contact email; contact e-mail; contact's e-mail; "
        "courriel; adresse e-mail; adresse email; adresse electronique; correo; correo electronico"
    ),
    "sort_as": "sort as; sort; sort key; cle de tri; classer sous; ordenar como",
    "note": "note; notes; remark; remarks; comment; comments; remarque; commentaire; nota; notas; comentario",
}
_FIELD_BY_HEADING: Final = {
    heading: field for field, text in _HEADINGS.items() for heading in text.split("; ")
}

_BULLET: Final = re.compile(
    r"\s*(?:[•·▪◦‣●○■]\s*|[-*–—+]\s+)?(?:\(?[0-9]{1,6}(?:[.)]\s+|\)(?=\S)))?"
)
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
    note: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One organisation. With `problems` (field and sentence) it should not be stored."""

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
    note: str
    problems: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()


# What came, as columns.


def read_table(data: bytes | str, *, filename: str = "") -> Table:
    """The columns of a pasted text or a file's bytes. Raises Unreadable, and nothing else."""
    if len(data) > MOST_BYTES:
        raise Unreadable(_("This is larger than 10 MB. Please bring it in in parts."))
    if isinstance(data, bytes) and data.startswith(b"PK"):
        found = _sheet(data)
        if found is None:
            raise Unreadable(_("This spreadsheet is too large. Please bring it in in parts."))
        rows = found
    else:
        text = data if isinstance(data, str) else _decoded(data)
        text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        rows = _separated(text, is_csv=filename.lower().endswith(".csv"))
    rows = [(number, _trimmed(cells)) for number, cells in rows if any(map(str.strip, cells))]
    if not rows:
        raise Unreadable(_("There is nothing in it."))
    fields = _header_fields(rows[0][1])
    header = rows.pop(0)[1] if fields else ()
    if not rows:
        raise Unreadable(_("There is nothing below the headings of the columns."))
    if len(rows) > MOST_ROWS:
        raise Unreadable(
            _("This has %(count)d rows; at most %(limit)d can be brought in at once.")
            % {"count": len(rows), "limit": MOST_ROWS}
        )
    width = max(len(header), *(len(cells) for _number, cells in rows))
    padded = tuple((number, cells + ("",) * (width - len(cells))) for number, cells in rows)
    mapping = fields or _guessed_fields([cells for _number, cells in padded])
    return Table(header, padded, mapping + ("",) * (width - len(mapping)))


def _decoded(data: bytes) -> str:
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable(_("This is a file of an old Excel. Please save it as .xlsx or as CSV."))
    if data.startswith(b"%PDF"):
        raise Unreadable(_("This is a PDF. Please copy the list out of it and paste it."))
    try:
        is_wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        text = data.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(
            _(
                "This is not text in UTF-8. In Excel, save it as “CSV UTF-8” or as .xlsx; "
                "elsewhere, choose UTF-8 when saving."
            )
        ) from None
    if "\0" in text:
        raise Unreadable(_("This is neither a text nor a spreadsheet that can be read here."))
    return text


def _sheet(data: bytes) -> list[tuple[int, tuple[str, ...]]] | None:
    """The first sheet of an .xlsx, with the rows' numbers in it; None where it is too large."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            size = sum(each.file_size for each in packed.infolist())
        return _first_sheet(data) if size <= _MOST_UNPACKED else None
    except Exception as error:  # a broken file breaks openpyxl in a hundred ways
        raise Unreadable(
            _("This spreadsheet cannot be read. Please save it as .xlsx anew, or as CSV.")
        ) from error


def _first_sheet(data: bytes) -> list[tuple[int, tuple[str, ...]]]:
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    sheet = book.worksheets[0]
    sheet.reset_dimensions()  # what a file says about its own size is often wrong
    rows = []
    for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        texts = tuple(unprotected(_cell(each)) for each in cells[:MOST_COLUMNS])
        if any(texts):
            rows.append((number, texts))
        if len(rows) > MOST_ROWS + 1:
            break
    book.close()
    return rows


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def _separated(text: str, *, is_csv: bool) -> list[tuple[int, tuple[str, ...]]]:
    """The cells of CSV, or lines of one cell each where the text has no columns."""
    found = []
    for delimiter in ("\t", ";", ","):
        rows = _csv_rows(text, delimiter)
        widths = {len(cells) for _number, cells in rows}
        if max(widths, default=0) < 2 or max(widths) > MOST_COLUMNS:
            continue
        if _header_fields(rows[0][1]):
            return rows
        tells = is_csv or delimiter == "\t" or _has_addresses(rows)
        if len(widths) == 1 and (tells or delimiter == ";"):
            found.append(rows)
    if found:
        return found[0]
    if _header_fields(tuple(text.lstrip("\n").split("\n", 1)[0:1])):
        return _csv_rows(text, "\t")
    return [(number, (line,)) for number, line in enumerate(text.split("\n"), start=1)]


def _csv_rows(text: str, delimiter: str) -> list[tuple[int, tuple[str, ...]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows = []
    start = 1
    try:
        for cells in reader:
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


def _header_fields(cells: Sequence[str]) -> tuple[str, ...]:
    """The field of each column by its heading; empty where the row is no row of headings."""
    fields: list[str] = []
    for cell in cells:
        field = _FIELD_BY_HEADING.get(_folded_heading(cell), "")
        fields.append("" if field in fields else field)
    if "name" not in fields:
        return ()
    if "countries" not in fields:
        fields[fields.index("name")] = LINE
    return tuple(fields)


def _folded_heading(cell: str) -> str:
    plain = unicodedata.normalize("NFKD", cell.replace("’", "'").casefold())
    return " ".join(re.sub("[\u0300-\u036f*:_]", " ", re.sub("[\u0300-\u036f]", "", plain)).split())


def _guessed_fields(rows: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The field of each column by what is in it; the first of plain text is the name."""
    fields: list[str] = []
    for column in zip(*rows[:200], strict=True):
        filled = [cell for cell in column if cell]
        field = _guessed_field(filled) if len(rows[0]) > 1 else LINE
        fields.append("" if field in fields else field)
    if LINE not in fields:
        fields[0] = LINE
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


def _is_email(text: str) -> bool:
    return "@" in text and " " not in text


# Rows as they were typed.


def lay_out(table: Table, *, language: str = "en") -> list[Typed]:
    """Each row's texts in their fields, by the table's mapping; `language` is the letter's."""
    laid = []
    for number, cells in table.cells:
        texts = dict.fromkeys(FIELDS, "")
        remarks: list[str] = []
        found: dict[str, list[str]] = {}
        for field, cell in zip(table.mapping, cells, strict=True):
            if field and cell:
                found.setdefault(field, []).append(re.sub(r"\s*\n\s*", " ", cell))
        line = " ".join(found.pop(LINE, [])) or None
        # A first name and a last name, or three columns of countries, are one text.
        texts |= {
            field: (", " if field == "countries" else " ").join(parts)
            for field, parts in found.items()
        }
        if line is not None:
            name, written, label, remarks = _read_line(line, language)
            if texts["countries"]:
                name = _BULLET.sub("", line, count=1)
            else:
                texts |= {"countries": written, "label": texts["label"] or label}
            texts["name"] = texts["name"] or name
        raw = " | ".join(filter(None, cells))
        laid.append(Typed(number, raw, **texts, remarks=tuple(remarks)))
    return laid


def _read_line(text: str, language: str) -> tuple[str, str, str, list[str]]:
    """Name, countries as written, label and remarks of a line as people write them."""
    text = _BULLET.sub("", text, count=1).strip()
    for separator in ("\t", ";"):
        name, found, rest = text.partition(separator)
        if found and name.strip() and rest.strip():
            return name.strip(), rest.strip(), "", []
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
            row = replace(row, problems=())
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
    codes = _codes(typed.countries, language)
    if codes is None:
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
        remarks=typed.remarks,
        **texts,
    )


# Looking for the country that was meant takes a millisecond, and a slip comes in many rows.
@lru_cache(maxsize=1024)
def _why_unknown(text: str, language: str, _reader_language: str | None) -> str:
    hint = _("If it belongs to the name, move it there.")
    return unknown_country(text, language, hint=hint)


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
