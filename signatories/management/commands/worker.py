"""manage.py worker"""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandParser

from letter.background import bell
from signatories.worker import work

# Of the cores that it shares with web processes it gets a third of what each of them gets, if they want all.
NICE: Final = 5


class Command(BaseCommand):
    help = "Publishes and sends mail, until it is told to stop. For WORKER=separate; run as many as you like."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--beside",
            type=int,
            metavar="PID",
            help="let other processes go first, and end with the one that started it, which has this number",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()

        def finish(*_signal: Any) -> None:
            stop.set()
            bell.set()

        signal.signal(signal.SIGTERM, finish)
        signal.signal(signal.SIGINT, finish)
        if options["beside"]:
            with suppress(PermissionError):
                os.nice(NICE)
            threading.Thread(target=_follow, args=(options["beside"], finish), daemon=True).start()
        self.stdout.write("The worker runs.")
        work(stop)
        self.stdout.write("The worker has finished what it was doing.")


def _follow(parent: int, finish: Callable[[], None]) -> None:
    """Finish when the parent has ended, however it did."""
    while os.getppid() == parent:
        time.sleep(1)
    finish()
