"""Reads the first sheet of an .xlsx file, whatever is in it, within limits."""

import io
import zipfile
from typing import Any, Final

import openpyxl

from letter.cells import unprotected

# A spreadsheet is compressed: a small file may unfold to more than a server has memory.
MOST_UNPACKED: Final = 200 * 1024 * 1024


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
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            size = sum(each.file_size for each in packed.infolist())
        found = _rows(data, most_rows, most_columns) if size <= MOST_UNPACKED else None
    except Exception as error:  # a broken file breaks openpyxl in a hundred ways
        raise Broken from error
    if found is None:
        raise TooLarge
    return found


def _rows(data: bytes, most_rows: int, most_columns: int) -> list[tuple[int, tuple[str, ...]]]:
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    sheet = book.worksheets[0]
    sheet.reset_dimensions()  # what a file says about its own size is often wrong
    rows = []
    for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        texts = tuple(unprotected(_cell(each)) for each in cells[:most_columns])
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
