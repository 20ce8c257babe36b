"""Reads the first sheet of an .xlsx file, whatever is in it, within limits."""

import io
import zipfile
from functools import partial
from itertools import islice
from typing import Any, Final

import openpyxl

from letter.cells import unprotected

# A spreadsheet is compressed: a small file may unfold to more than a server has memory, or patience.
MOST_UNPACKED: Final = 64 * 1024 * 1024
MOST_MARKS: Final = (
    3_000_000  # "<", of which an element has one or two, and takes some microseconds
)
_LAST_ROW: Final = (
    1_048_576  # of any spreadsheet; a file may speak of one beyond, and of all before it
)
_PIECE: Final = 1 << 20


class Broken(ValueError):
    """It is no spreadsheet that can be read."""


class TooLarge(ValueError):
    """It unfolds to more than is read."""


def is_sheet(data: bytes) -> bool:
    """Whether it may be an .xlsx file: those are ZIP archives."""
    return data.startswith(b"PK")


def first_sheet(
    data: bytes, *, most_rows: int, most_columns: int
) -> list[tuple[int, tuple[str, ...]]]:
    """The rows that have something in them, each with its number, as text; raises Broken or TooLarge.

    At most one row more than `most_rows`, to tell that there are more; what is beyond `most_columns` is left out.
    """
    try:
        found = None if _is_too_large(data) else _rows(data, most_rows, most_columns)
    except Exception as error:  # a broken file breaks openpyxl in a hundred ways
        raise Broken from error
    if found is None:
        raise TooLarge
    return found


def _is_too_large(data: bytes) -> bool:
    """Whether it unfolds to too much. What a file says of its size binds: zipfile reads no further."""
    marks = 0
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        if sum(each.file_size for each in packed.infolist()) > MOST_UNPACKED:
            return True
        for each in packed.infolist():
            with packed.open(each) as part:
                marks += sum(piece.count(b"<") for piece in iter(partial(part.read, _PIECE), b""))
    return marks > MOST_MARKS


def _rows(data: bytes, most_rows: int, most_columns: int) -> list[tuple[int, tuple[str, ...]]]:
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    sheet = book.worksheets[0]
    sheet.reset_dimensions()  # what a file says about its own size is often wrong
    rows = []
    cells_of_rows = sheet.iter_rows(max_col=most_columns, values_only=True)
    for number, cells in enumerate(islice(cells_of_rows, _LAST_ROW), start=1):
        if cells.count(None) == len(cells):
            continue
        texts = tuple(unprotected(_cell(each)) for each in cells)
        if any(texts):
            rows.append((number, texts))
        if len(rows) > most_rows + 1:
            break
    book.close()
    return rows


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)
