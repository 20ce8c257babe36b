"""manage.py subject ADDRESS [--json FILE] [--erase [--withdraw]]"""

import json
import logging
import os
from collections import Counter
from pathlib import Path
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import validate_email
from django.utils import timezone

from signatories.retention import Erased, erase_address
from signatories.subject import of_address
from signatories.worker import run_due

logger = logging.getLogger(__name__)

PARTS: Final = {
    "signatures": "signature(s) with this address",
    "was_contact_of": "mention(s) in the history of a signature that has another contact",
    "organization_asked_here": "question(s) that asked an organisation at this address",
    "accounts": "account(s) at the desk",
}
BECAME: Final = {
    Erased.ALL: "erased as a whole, for nobody had decided about them",
    Erased.WITHDRAWN: "withdrawn, and their contact erased",
    Erased.KEPT: "kept as they stand, and their contact erased",
}


class Command(BaseCommand):
    help = (
        "Gives, as JSON, all that is kept about whoever has an e-mail address, over all letters; or erases it, as "
        "the contact's own page does. Make sure first that it is they who ask."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", metavar="ADDRESS")
        parser.add_argument(
            "--json", type=Path, metavar="FILE", help="write to a file that you alone can read"
        )
        parser.add_argument(
            "--erase", action="store_true", help="erase it; organisations stay on the list"
        )
        parser.add_argument(
            "--withdraw", action="store_true", help="with --erase: withdraw their signatures, too"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        address = options["address"].strip()
        # Above all not an empty one, which is that of everybody whose contact was erased.
        try:
            validate_email(address)
        except ValidationError:
            raise CommandError(f"“{address}” is no e-mail address.") from None
        if options["withdraw"] and not options["erase"]:
            raise CommandError("--withdraw goes with --erase.")
        found = of_address(address)
        self._say(found)
        if options["json"]:
            self._write(options["json"], _as_json(found))
        elif not options["erase"]:
            self.stdout.write(_as_json(found))
        # Who asked is not for the log.
        counts = ", ".join(f"{name} {len(found[name])}" for name in PARTS)
        logger.info("subject request, %s: %s", "erased" if options["erase"] else "given", counts)
        if options["erase"]:
            done = erase_address(address, withdraw=options["withdraw"], at=timezone.now())
            run_due()
            for what, count in Counter(done).items():
                self._tell(f"{count} signature(s) {BECAME[what]}.")
            if found["accounts"]:
                self._tell("Accounts are removed by a superuser, under Users.")

    def _say(self, found: dict[str, Any]) -> None:
        counts = {words: len(found[name]) for name, words in PARTS.items()}
        if not any(counts.values()):
            self._tell("Nothing is kept about this address.")
        for words, count in counts.items():
            if count:
                self._tell(f"{count} {words}.")
        for each in found["signatures"]:
            self._tell(f"  {each['letter']} {each['reference']} {each['state']}: {each['name']}")

    def _tell(self, words: str) -> None:
        """Beside the document, which goes to standard output alone."""
        self.stderr.write(words, self.style.NOTICE)

    def _write(self, path: Path, text: str) -> None:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        self._tell(f"Written to {path}.")


def _as_json(found: dict[str, Any]) -> str:
    return json.dumps(found, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
