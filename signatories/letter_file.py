"""Reads a letter written as plain text, with its numbered list of signatories.

The parts of such a file, in their order; all but the list may be missing:

    # A title
    To the permanent representatives         addressee: short lines before the salutation
    Excellency,                              salutation: a short line ending in "," or ":"
    Paragraphs in Markdown.¹                 body
    ¹ A note.                                becomes a Markdown footnote
    Sincerely,                               closing line: a short line ending in ","
    1. Action Paix (Kenya, Uganda)           the list, to the end of the file
    2. Budapest Centre (BC)

Nothing that stands in the file is lost in silence: what cannot be read is a Problem with its line
number, and whatever was decided in doubt is told in the notes. In parentheses at the end of an
entry stand countries, or an acronym that is part of the name; where anything else there belongs
to the name, an empty pair of parentheses behind it says so: "Pax (Geneva office) ()".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from letter import countries
from signatories.names import NameRefused, clean_line, clean_name, name_key


@dataclass(frozen=True)
class Entry:
    """One numbered line. `label` is None where the countries' names are what is printed."""

    line_number: int
    number: int
    name: str
    countries: tuple[str, ...]
    label: str | None


@dataclass(frozen=True)
class Problem:
    """A line that could not be read as it stands, and why."""

    line_number: int
    text: str
    reason: str


@dataclass(frozen=True)
class LetterFile:
    """What was read. With `problems`, the rest is incomplete and should not be stored."""

    title: str
    addressee: str
    salutation: str
    body: str
    closing_line: str
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Line:
    number: int
    text: str


_SUPERSCRIPTS: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_MARK: Final = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_NOTE: Final = re.compile(r"\s*([⁰¹²³⁴⁵⁶⁷⁸⁹]+)\s*(\S.*)")
_ENTRY: Final = re.compile(r"\s*(?:[-*•–]\s+)?([0-9]{1,6})[.)]\s+(\S.*)")
_TITLE: Final = re.compile(r"#\s+(\S.*)")
_HEADING: Final = re.compile(r"#{1,6}\s+\S.*|.*[:：]\**")
_ACRONYM: Final = re.compile(r"[^\W_](?:[^\W_]|[&/.-])*")

_SHORT: Final = 100  # characters in a line of address, a salutation, a closing line
_MOST_ADDRESS_LINES: Final = 12
_LONGEST_ACRONYM: Final = 10
_COMMAS: Final = (",", "،", "，", "、")
_COLONS: Final = (":", "：")


def read_letter(text: str, *, language: str = "en") -> LetterFile:
    """The parts of a letter file.

    `language` is the letter's: a label that the countries' names in it would make anyway is not
    kept as a label of its own. Reasons and notes are in the active language.
    """
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    lines = [_Line(number, line) for number, line in enumerate(plain.split("\n"), start=1)]
    damaged = [
        Problem(line.number, line.text, _("This line contains a null character."))
        for line in lines
        if "\0" in line.text
    ]
    title, lines = _split_title(lines)
    addressee, salutation, lines = _split_opening(lines)
    start = _list_start(lines)
    before, listed = lines[:start], lines[start:]
    listed, trailing_notes = _split_notes(listed)
    entries, problems, entry_notes = _read_list(listed, language)
    before, closing_line, closing_notes = _split_closing(before)
    body, body_notes = _read_body([*before, *chain.from_iterable(trailing_notes)])
    if not entries and not problems:
        reason = _("There is no numbered list of signatories (“1. Name (Country)”).")
        problems.append(Problem(plain.rstrip("\n").count("\n") + 1, "", reason))
    seen = {problem.line_number for problem in problems}
    problems.extend(problem for problem in damaged if problem.line_number not in seen)
    return LetterFile(
        title=title,
        addressee=addressee,
        salutation=salutation,
        body=body,
        closing_line=closing_line,
        entries=tuple(entries),
        problems=tuple(sorted(problems, key=lambda problem: problem.line_number)),
        notes=(*body_notes, *closing_notes, *entry_notes),
    )


# The parts before the list.


def _paragraphs(lines: Sequence[_Line]) -> list[list[_Line]]:
    """Lines without the blank ones, in groups as blank lines part them."""
    groups: list[list[_Line]] = [[]]
    for line in lines:
        if line.text.strip():
            groups[-1].append(line)
        elif groups[-1]:
            groups.append([])
    return [group for group in groups if group]


def _is_short_line(paragraph: Sequence[_Line], endings: tuple[str, ...]) -> bool:
    """Whether a paragraph is a single short line with one of the endings."""
    text = paragraph[0].text.strip()
    return len(paragraph) == 1 and len(text) <= _SHORT and text.rstrip("*_").endswith(endings)


def _is_entry(line: _Line) -> bool:
    return _ENTRY.fullmatch(line.text.rstrip()) is not None


def _after(lines: Sequence[_Line], paragraph: Sequence[_Line]) -> list[_Line]:
    last = paragraph[-1].number
    return [line for line in lines if line.number > last]


def _split_title(lines: list[_Line]) -> tuple[str, list[_Line]]:
    for line in lines:
        if found := _TITLE.fullmatch(line.text.rstrip()):
            return found[1], _after(lines, [line])
        if line.text.strip():
            break
    return "", lines


def _split_opening(lines: list[_Line]) -> tuple[str, str, list[_Line]]:
    """Addressee, salutation and the lines after them."""
    address: list[list[str]] = []
    paragraphs = _paragraphs(lines)
    for number, paragraph in enumerate(paragraphs, start=1):
        if any(_is_entry(line) for line in paragraph):
            break
        if _is_short_line(paragraph, _COMMAS + _COLONS):
            if not _begins_with_text(paragraphs[number:]):
                break  # no words follow but the list: it is the closing line
            addressee = "\n\n".join("\n".join(part) for part in address)
            return addressee, paragraph[0].text.strip(), _after(lines, paragraph)
        address.append([line.text.strip() for line in paragraph])
        too_long = any(len(line) > _SHORT for line in address[-1])
        if too_long or sum(map(len, address)) > _MOST_ADDRESS_LINES:
            break
    return "", "", lines


def _begins_with_text(paragraphs: Sequence[list[_Line]]) -> bool:
    """Whether words of a letter come before any entry of a list; notes are not the letter's words."""
    for paragraph in paragraphs:
        if _NOTE.fullmatch(paragraph[0].text):
            continue
        return not _is_entry(paragraph[0])
    return False


def _list_start(lines: Sequence[_Line]) -> int:
    """The index at which the list of signatories begins; the number of lines if there is none.

    A letter's text may have numbered lists of its own, so not the first "1." that comes: the first
    one after the last closing line, or else the last one that does not stand right below another
    entry (where it would be a number used twice).
    """
    entries = [index for index, line in enumerate(lines) if _is_entry(line)]
    if not entries:
        return len(lines)
    ones = [index for index in entries if _entry_number(lines[index]) == 1]
    for closing in reversed(_closings(lines)):
        after = [index for index in entries if lines[index].number > closing]
        if after and after[0] in ones:
            return after[0]
    starts = [index for index in ones if not _follows_entry(lines, index)]
    return starts[-1] if starts else entries[0]


def _entry_number(line: _Line) -> int:
    found = _ENTRY.fullmatch(line.text.rstrip())
    return int(found[1]) if found else 0


def _follows_entry(lines: Sequence[_Line], index: int) -> bool:
    above = next((line for line in reversed(lines[:index]) if line.text.strip()), None)
    return above is not None and _is_entry(above)


def _closings(lines: Sequence[_Line]) -> list[int]:
    """Line numbers of what may be a closing line; an entry right below it does not matter."""
    found = []
    for paragraph in _paragraphs(lines):
        head = [line for line in paragraph if not _is_entry(line)]
        if head and head[0] is paragraph[0] and _is_short_line(head, _COMMAS):
            found.append(head[0].number)
    return found


def _split_closing(lines: list[_Line]) -> tuple[list[_Line], str, list[str]]:
    """The lines of the body, the closing line, and what is to be noted.

    Between closing line and list there may be footnotes, which go to the body, and a heading such
    as "Signatories:", which the page has of its own.
    """
    rest, footnotes = _split_notes(lines)
    paragraphs = _paragraphs(rest)
    notes = []
    heading = paragraphs[-1] if len(paragraphs) > 1 else None
    if heading and not _is_short_line(heading, _COMMAS):
        is_heading = len(heading) == 1 and len(heading[0].text) <= _SHORT
        if not is_heading or not _HEADING.fullmatch(heading[0].text.strip()):
            return lines, "", []
        paragraphs = paragraphs[:-1]
        notes.append(
            _("Line %(line)d, “%(text)s”, is the heading of the list and was left out.")
            % {"line": heading[0].number, "text": heading[0].text.strip()}
        )
    if not paragraphs or not _is_short_line(paragraphs[-1], _COMMAS):
        return lines, "", []
    closing = paragraphs[-1][0]
    kept = [line for line in lines if line.number < closing.number]
    kept += [line for line in chain(*footnotes) if line.number > closing.number]
    return kept, closing.text.strip(), notes


# Footnotes and body.


def _split_notes(lines: Sequence[_Line]) -> tuple[list[_Line], list[list[_Line]]]:
    """The lines that belong to no footnote, and the lines of each footnote.

    A footnote begins with a superscript number at the beginning of a paragraph, or below an entry
    or another footnote, and goes on to the next blank line, entry or footnote.
    """
    others: list[_Line] = []
    footnotes: list[list[_Line]] = []
    inside = False
    for line in lines:
        may_begin = inside or not others or not others[-1].text.strip() or _is_entry(others[-1])
        if may_begin and _NOTE.fullmatch(line.text):
            inside = True
            footnotes.append([line])
        elif inside and line.text.strip() and not _is_entry(line):
            footnotes[-1].append(line)
        else:
            inside = False
            others.append(line)
    return others, footnotes


def _read_body(lines: Sequence[_Line]) -> tuple[str, list[str]]:
    """The body in Markdown, and what is to be noted about its footnotes and lists."""
    others, footnotes = _split_notes(lines)
    marks: dict[str, int] = {}  # each number with the first line that refers to it
    for line in others:
        for mark in _MARK.findall(line.text):
            marks.setdefault(mark.translate(_SUPERSCRIPTS), line.number)
    linked: dict[str, int] = {}  # the same with the line in which the note begins
    unlinked: list[int] = []
    for footnote in footnotes:
        number, at = _note_number(footnote[0]), footnote[0].number
        # A second note of the same number would be dropped by Markdown: it stays as printed.
        if number in marks and number not in linked:
            linked[number] = at
        else:
            unlinked.append(at)
    body = _body_lines(lines, footnotes, linked)
    notes = [
        _("Line %(line)d: nothing in the text refers to this note. It stands as printed.")
        % {"line": at}
        for at in unlinked
    ]
    notes += [
        _("Line %(line)d: there is no note %(number)s. The mark stands as printed.")
        % {"line": at, "number": number}
        for number, at in marks.items()
        if number not in linked
    ]
    if numbered := [line.number for line in others if _is_entry(line)]:
        notes.append(
            _("The numbered list that begins in line %(line)d was read as part of the text.")
            % {"line": numbered[0]}
        )
    return "\n".join(body).strip(), notes


def _body_lines(
    lines: Sequence[_Line], footnotes: Sequence[Sequence[_Line]], linked: dict[str, int]
) -> list[str]:
    """The text's lines, with Markdown's marks and definitions for the footnotes in `linked`."""
    first_lines = {footnote[0].number for footnote in footnotes}
    in_footnotes = {line.number for footnote in footnotes for line in footnote}
    defined_in = {at: number for number, at in linked.items()}

    def marked(mark: re.Match[str]) -> str:
        number = mark.group().translate(_SUPERSCRIPTS)
        return f"[^{number}]" if number in linked else mark.group()

    body: list[str] = []
    for line in lines:
        # Each footnote is a paragraph of its own, also where it stood right below another.
        if line.number in first_lines and body and body[-1].strip():
            body.append("")
        if line.number in defined_in:
            definition = f"[^{defined_in[line.number]}]: "
            body.append(definition + _NOTE.sub(lambda found: found[2], line.text))
        else:
            body.append(line.text if line.number in in_footnotes else _MARK.sub(marked, line.text))
    return body


def _note_number(line: _Line) -> str:
    found = _NOTE.fullmatch(line.text)
    return found[1].translate(_SUPERSCRIPTS) if found else ""


# The list.


def _read_list(
    lines: Sequence[_Line], language: str
) -> tuple[list[Entry], list[Problem], list[str]]:
    entries: list[Entry] = []
    problems: list[Problem] = []
    notes: list[str] = []
    lines_by_number: dict[int, int] = {}
    lines_by_key: dict[str, int] = {}
    expected = 1
    for line in lines:
        text = line.text.strip()
        if not text:
            continue
        found = _ENTRY.fullmatch(text)
        if found is None:
            reason = _("This is not a numbered line (“1. Name (Country)”).")
            problems.append(Problem(line.number, text, reason))
            continue
        number = int(found[1])
        if number != expected:
            reason = _wrong_number(number, expected, lines_by_number)
            problems.append(Problem(line.number, text, reason))
        lines_by_number.setdefault(number, line.number)
        expected = max(expected, number + 1)
        try:
            name, codes, label, remarks = read_entry(found[2], language)
        except NameRefused as refusal:
            problems.append(Problem(line.number, text, str(refusal)))
            continue
        key = name_key(name)
        if key in lines_by_key:
            reason = _("The same organisation is in line %(line)d.") % {"line": lines_by_key[key]}
            problems.append(Problem(line.number, text, reason))
            continue
        lines_by_key[key] = line.number
        entries.append(Entry(line.number, number, name, codes, label))
        notes += [
            _("Line %(line)d: %(remark)s") % {"line": line.number, "remark": remark}
            for remark in remarks
        ]
    return entries, problems, notes


def _wrong_number(number: int, expected: int, lines_by_number: dict[int, int]) -> str:
    if number in lines_by_number:
        return _("Number %(number)d is also in line %(line)d.") % {
            "number": number,
            "line": lines_by_number[number],
        }
    if number < expected:
        return _("Number %(number)d is out of order.") % {"number": number}
    missing = {"first": expected, "last": number - 1}
    return (
        ngettext(
            "Number %(first)d is missing before this line.",
            "Numbers %(first)d to %(last)d are missing before this line.",
            number - expected,
        )
        % missing
    )


def read_entry(text: str, language: str) -> tuple[str, tuple[str, ...], str | None, list[str]]:
    """Name, countries, label and remarks of an entry; NameRefused where it cannot be read."""
    text = clean_line(text, max_length=1000)
    name, inner = split_parentheses(text)
    if inner is None:
        return clean_name(text), (), None, []
    if not inner:
        return clean_name(name), (), None, []
    with translation.override(language):
        codes = countries.read_label(inner)
        label = None if codes and countries.label_from(codes) == inner else inner
    if codes:
        return clean_name(name), codes, label, _remarks_on_code(inner, codes)
    if _is_acronym(inner):
        with translation.override(language):
            meant = countries.suggestion(inner)
        remarks = [_("“%(text)s” was read as part of the name.") % {"text": inner}] if meant else []
        return clean_name(text), (), None, remarks
    hint = _("If it belongs to the name, put () behind it.")
    raise NameRefused(unknown_country(inner, language, hint=hint))


def _remarks_on_code(inner: str, codes: tuple[str, ...]) -> list[str]:
    """What to say where a country's bare code may as well be an acronym: "(PAN)", "(CAN)"."""
    is_iso_code = len(codes) == 1 and inner.upper() in countries.iso_codes(codes[0])
    if not is_iso_code or inner in {"UK", "USA"}:
        return []
    return [
        _("“%(code)s” was read as %(country)s.")
        % {"code": inner, "country": countries.country_name(codes[0])}
    ]


def split_parentheses(text: str) -> tuple[str, str | None]:
    """The text before the parentheses that end it, and what is in them; None if there are none."""
    if not text.endswith((")", "）")):
        if re.search(r"[)）][.,;]+$", text):
            raise NameRefused(_("Something stands behind the parentheses. Please take it out."))
        if text.count("(") + text.count("（") != text.count(")") + text.count("）"):
            raise NameRefused(_("A parenthesis is not closed or not opened."))
        return text, None
    depth = 0
    for index in range(len(text) - 1, -1, -1):
        depth += (text[index] in ")）") - (text[index] in "(（")
        if depth == 0:
            return text[:index].rstrip(), text[index + 1 : -1].strip()
    raise NameRefused(_("A parenthesis is not closed or not opened."))


def _is_acronym(text: str) -> bool:
    """Whether a text is one short word mostly in capitals: "MSF", "R2P", "ICRtoP"."""
    if len(text) > _LONGEST_ACRONYM or not _ACRONYM.fullmatch(text):
        return False
    capitals = sum(char.isupper() or char.isdigit() for char in text)
    return capitals > 1 and capitals >= sum(char.islower() for char in text)


def unknown_country(inner: str, language: str, *, hint: str) -> str:
    """Why a text cannot be read as countries: a slip, two meanings, or, with the hint, neither."""
    with translation.override(language):
        part = countries.unread_part(inner)
        may_be = [countries.country_name(code) for code in countries.meanings(part)]
        meant = countries.suggestion(part)
    if len(may_be) > 1:
        return _("“%(text)s” may be %(first)s or %(second)s. Please say which.") % {
            "text": part,
            "first": may_be[0],
            "second": may_be[1],
        }
    if meant:
        return _("“%(text)s” is not a country known here; did you mean %(country)s?") % {
            "text": part,
            "country": meant,
        }
    return _("“%(text)s” is not a country known here. %(hint)s") % {"text": part, "hint": hint}
