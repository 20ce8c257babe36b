"""manage.py import_letter FILE [--slug S] [--title T] [--approve]"""

import argparse
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from letter.documents import label_of, printed
from signatories.importing import ImportedLetter, NotImportable, import_letter, slug_from
from signatories.letter_file import LetterFile, read_letter
from signatories.worker import run_due


class Command(BaseCommand):
    help = (
        "Reads a letter in plain text with its numbered list, and makes the letter, its first revision and "
        "its signatories. If any line cannot be read, every such line is named and nothing is stored."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="a text file in UTF-8")
        parser.add_argument(
            "--slug", help="the letter's address (default: from the title or the file's name)"
        )
        parser.add_argument(
            "--title", help="the letter's title (default: its first line “# …”, or the file's name)"
        )
        parser.add_argument(
            "--approve",
            action=argparse.BooleanOptionalAction,
            default=False,
            help="open the letter, approve all signatories and publish",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        file = self._read(path)
        title = options["title"] or file.title or _title_from(path)
        slug = options["slug"] or slug_from(title)
        approve: bool = options["approve"]
        try:
            imported = import_letter(
                file, title=title, slug=slug, approve=approve, at=timezone.now()
            )
        except NotImportable as error:
            raise CommandError(f"{error} Nothing was stored.") from error
        except ValidationError as error:
            said = "; ".join(
                f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items()
            )
            raise CommandError(f"{said} Nothing was stored.") from error
        if approve:
            run_due()
        self._report(file, imported, is_open=approve)

    def _read(self, path: Path) -> LetterFile:
        """The letter in the file; CommandError, after naming every line that cannot be read."""
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise CommandError(
                f"{path} is not UTF-8 text (byte {error.start}). Save it as UTF-8 and try again."
            ) from error
        file = read_letter(text)
        for note in file.notes:
            self.stdout.write(self.style.WARNING(f"Note: {note}"))
        for problem in file.problems:
            shown = f": {problem.text.strip()[:120]}" if problem.text.strip() else ""
            self.stderr.write(f"Line {problem.line_number}{shown}\n    {problem.reason}")
        if file.problems:
            raise CommandError(
                f"{len(file.problems)} line(s) could not be read. Nothing was stored."
            )
        return file

    def _report(self, file: LetterFile, imported: ImportedLetter, *, is_open: bool) -> None:
        letter = imported.letter
        state = "open, published" if is_open else "a draft; its signatories wait for a decision"
        self.stdout.write(f"Letter “{letter.title}” at {letter.get_absolute_url()} ({state})")
        for name, text in (
            ("Addressee", file.addressee),
            ("Salutation", file.salutation),
            ("Text begins", f"{file.body[:60]}…"),
            ("Closing line", file.closing_line),
        ):
            self.stdout.write(f"{name}: {' / '.join(text.splitlines()) or 'none'}")
        self.stdout.write(f"{imported.signatory_count} signatories:")
        for entry in file.entries:
            line = printed(entry.name, label_of(entry.countries, entry.label))
            self.stdout.write(f"{entry.number}. {line}")
        if letter.ordering == letter.Ordering.APPROVAL:
            self.stdout.write("The list is not alphabetical; it is kept in the order of approval.")
        for name, sort_as in imported.sort_as.items():
            self.stdout.write(f"To keep its place, “{name}” is sorted as “{sort_as}”.")


def _title_from(path: Path) -> str:
    return path.stem.replace("-", " ").replace("_", " ").capitalize()
