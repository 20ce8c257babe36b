"""manage.py import_signatories SLUG FILE [--dry-run] [--approve]"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from letter.documents import label_of, printed
from letter.models import Letter
from signatories import moderation
from signatories.duplicates import Twin, find_twins
from signatories.importing import (
    ImportedRows,
    NotImportable,
    already_there,
    import_rows,
    makes_needless,
    signable_revision,
)
from signatories.list_file import FIELDS, MOST_BYTES, Row, Unreadable, check, lay_out, read_table
from signatories.models import Event, Signatory
from signatories.worker import run_due


class Command(BaseCommand):
    help = (
        "Adds a list of organisations (lines of text, CSV or XLSX) to a letter. If any line cannot be read, "
        "every such line is named and nothing is stored. What is on the letter already is left out; what is "
        "probably there under another spelling is named, and comes in."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG", help="the letter's address")
        parser.add_argument("file", type=Path, metavar="FILE", help="text, CSV or XLSX")
        parser.add_argument(
            "--dry-run", action="store_true", help="show the reading, store nothing"
        )
        parser.add_argument("--approve", action="store_true", help="approve all and publish")

    def handle(self, *args: Any, **options: Any) -> None:
        letter = Letter.objects.filter(slug=options["slug"]).first()
        if letter is None:
            raise CommandError(f"There is no letter “{options['slug']}”. Nothing was stored.")
        rows = self._read(options["file"], letter)
        there = already_there(letter, rows)
        chosen = {number for number, entry in there.items() if not makes_needless(entry)}
        twins = find_twins(
            letter, {row.number: row.name for row in rows if row.number not in there}
        )
        self._show(rows, there, twins)
        count = sum(bool(row.problems) for row in rows)
        for row in rows:
            for _field, reason in row.problems:
                self.stderr.write(f"Line {row.number}: {row.raw[:120]}\n    {reason}")
        if count:
            raise CommandError(f"{count} line(s) could not be read. Nothing was stored.")
        if options["dry_run"]:
            if signable_revision(letter) is None:
                raise CommandError("This letter has no text yet, so nobody can sign it.")
            self.stdout.write(
                f"{len(rows) - len(there) + len(chosen)} would come in, {len(twins)} of them probably duplicates. "
                "Nothing was stored."
            )
            return
        imported = self._store(letter, rows, chosen, approve=options["approve"])
        if options["approve"]:
            run_due()
        self.stdout.write(
            f"{len(imported.signatories)} came in, {len(imported.left_out)} were on the letter already."
        )

    def _show(self, rows: list[Row], there: dict[int, Signatory], twins: dict[int, Twin]) -> None:
        for row in rows:
            line = printed(row.name, label_of(row.countries, row.label or None))
            facts = [getattr(row, name) for name in FIELDS[3:] if getattr(row, name)]
            known = there.get(row.number)
            said = []
            if known:
                outcome = "left out" if makes_needless(known) else "comes in"
                state = known.get_state_display()
                said = [f"already on the letter ({known.reference}, {state}), {outcome}"]
            self.stdout.write(f"{row.number}. {'; '.join([line, *facts, *said])}")
            remarks = list(row.remarks)
            if twin := twins.get(row.number):
                where = f"line {twin.number}"
                if twin.entry:
                    where = f"on the letter, {twin.entry.reference}"
                remarks.append(f"probably the same as “{twin.name}” ({where})")
            for remark in remarks:
                self.stdout.write(self.style.WARNING(f"    {remark}"))

    def _read(self, path: Path, letter: Letter) -> list[Row]:
        try:
            with path.open("rb") as file:
                data = file.read(MOST_BYTES + 1)
            table = read_table(data, filename=path.name)
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        except Unreadable as error:
            raise CommandError(f"{path}: {error} Nothing was stored.") from error
        language = letter.default_language
        if table.is_windows_1252:
            self.stdout.write(
                self.style.WARNING(f"{path} was read as Windows-1252: look at the accents.")
            )
        laid = lay_out(table, language=language)
        for typed in laid:
            if typed.is_aside:
                self.stdout.write(f"Line {typed.number}, left out: {typed.raw[:120]}")
                for remark in typed.remarks:
                    self.stdout.write(self.style.WARNING(f"    {remark}"))
        return check([typed for typed in laid if not typed.is_aside], language=language)

    @transaction.atomic
    def _store(
        self, letter: Letter, rows: list[Row], chosen: set[int], *, approve: bool
    ) -> ImportedRows:
        try:
            imported = import_rows(
                letter,
                rows,
                by=moderation.SYSTEM,
                at=timezone.now(),
                chosen=chosen,
                progress=lambda done: self._tell(f"{done} stored …", done),
            )
        except NotImportable as error:
            raise CommandError(f"{error} Nothing was stored.") from error
        if approve:
            outcome = moderation.decide_many(
                [signatory.pk for signatory in imported.signatories],
                Event.APPROVE,
                by=moderation.SYSTEM,
                progress=lambda done: self._tell(f"{done} approved …", done),
            )
            for signatory, refused in outcome.refused:
                raise CommandError(f"{signatory.name}: {refused}. Nothing was stored.")
        return imported

    def _tell(self, text: str, done: int) -> None:
        if done % moderation.BATCH == 0:
            self.stdout.write(text)
