"""Spreadsheets from whoever: read within limits of time and memory, or refused in words."""

import io
import time
import tracemalloc
import zipfile

import pytest

from letter import sheets
from letter.recipients import NotReadable, text_of
from signatories import list_file
from signatories.list_file import Unreadable, read_table
from tests.fuzz.parsers import SHEET, STRINGS, packed, rows

MAIN = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
A_CELL = b'<row><c t="s"><v>0</v></c></row>'
TOO_LARGE = "This spreadsheet is too large. Please bring it in in parts."
UNREADABLE = "This spreadsheet cannot be read. Please save it as .xlsx anew, or as CSV."


def strings(inside: bytes) -> bytes:
    return b'<sst xmlns="%s">%s</sst>' % (MAIN, inside)


def nested() -> bytes:
    data = packed({SHEET: b"\0" * sheets.MOST_UNPACKED})
    for _each in range(3):
        data = packed({"xl/media/more.zip": data, SHEET: data})
    return data


def many_parts() -> bytes:
    return packed({f"xl/{number}.xml": b" " * 10_000_000 for number in range(20)})


def lies() -> bytes:
    """A file that says of a part that it is small: what it says binds."""
    data = bytearray(packed({SHEET: rows(b" " * 80_000_000)}))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = archive.getinfo(SHEET).file_size.to_bytes(4, "little")
    return bytes(data.replace(size, (1000).to_bytes(4, "little")))


BOMBS = {
    "ten gigabytes would be alike": (
        lambda: packed({SHEET: rows(b" " * sheets.MOST_UNPACKED)}),
        TOO_LARGE,
    ),
    "many parts": (many_parts, TOO_LARGE),
    "millions of empty rows": (lambda: packed({SHEET: rows(b"<row/>" * 4_000_000)}), TOO_LARGE),
    "millions of empty cells": (
        lambda: packed({SHEET: rows(b"<row>" + b"<c/>" * 4_000_000 + b"</row>")}),
        TOO_LARGE,
    ),
    "millions of strings": (
        lambda: packed({STRINGS: strings(b"<si/>" * 4_000_000), SHEET: rows(A_CELL)}),
        TOO_LARGE,
    ),
    "an archive in an archive": (nested, UNREADABLE),
    "a part that lies": (lies, UNREADABLE),
    "entities that unfold": (
        lambda: packed(
            {
                STRINGS: b"<!DOCTYPE a [<!ENTITY a0 'ha'>"
                + b"".join(
                    b"<!ENTITY a%d '%s'>" % (n, b"&a%d;" % (n - 1) * 50) for n in range(1, 12)
                )
                + b"]>"
                + strings(b"<si><t>&a11;</t></si>"),
                SHEET: rows(A_CELL),
            }
        ),
        UNREADABLE,
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_in_words_soon_and_in_little_memory(bomb):
    make, said = BOMBS[bomb]
    data = make()
    assert len(data) < list_file.MOST_BYTES
    tracemalloc.start()
    begun = time.process_time()
    try:
        with pytest.raises(Unreadable) as refused:
            read_table(data, filename="list.xlsx")
        took = time.process_time() - begun
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert str(refused.value) == said
    assert took < 3  # under a microscope that makes it slower; without, well below one
    assert peak < 100_000_000
    with pytest.raises(NotReadable):
        text_of(data)


@pytest.mark.parametrize("number", [b"1048577", b"999999999999", b"9" * 40])
def test_a_row_beyond_the_last_one_is_not_waited_for(number):
    data = packed(
        {
            SHEET: rows(
                A_CELL + b'<row r="%s"><c t="inlineStr"><is><t>B</t></is></c></row>' % number
            ),
            STRINGS: strings(b"<si><t>PAX</t></si>"),
        }
    )
    begun = time.process_time()

    found = sheets.first_sheet(data, most_rows=10, most_columns=10)

    assert [texts[0] for _number, texts in found] == ["PAX"]
    assert time.process_time() - begun < 3


def test_what_stands_elsewhere_is_not_fetched(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("planted")
    for source in (secret.as_uri(), "http://evil.example/x"):
        head = b"<!DOCTYPE a [<!ENTITY b SYSTEM '%s'>]>" % source.encode()
        for parts in (
            {STRINGS: head + strings(b"<si><t>&b;</t></si>"), SHEET: rows(A_CELL)},
            {SHEET: head + rows(b'<row><c t="inlineStr"><is><t>&b;</t></is></c></row>')},
        ):
            try:
                found = sheets.first_sheet(packed(parts), most_rows=10, most_columns=10)
            except sheets.Broken:
                continue
            assert "planted" not in repr(found)


LONG = {
    "lines": "\n" * 9_000_000,
    "short lines": "a\n" * 4_000_000,
    "one line": "a" * 9_000_000,
    "blanks within a line": "a" + " " * 9_000_000 + "b",
    "countries": "Kenya, " * 1_000_000,
    "parentheses": "(" * 4_000_000 + ")" * 4_000_000,
    "accents": "PAX" + "\u0301\u0327" * 2_000_000,
    "bars": "name;other names\nPAX;" + "|" * 120_000,
    "blanks": "name;note\nPAX;a" + " " * 120_000 + "b",
    "quotation marks": '"' * 9_000_000,
}


@pytest.mark.parametrize("name", LONG)
def test_a_text_as_long_as_it_may_be_is_judged_soon(name):
    begun = time.process_time()

    try:
        found = list_file.check(list_file.lay_out(read_table(LONG[name])))
    except Unreadable as refused:
        assert str(refused).endswith(".")  # noqa: PT017
    else:
        assert all(row.problems for row in found if len("".join(row.raw.split())) > 10_000)
    assert time.process_time() - begun < 5
