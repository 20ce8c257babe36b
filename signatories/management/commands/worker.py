"""manage.py worker"""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from letter.background import bell
from signatories.worker import work


class Command(BaseCommand):
    help = "Publishes and sends mail, until it is told to stop. For WORKER=separate; run as many as you like."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()

        def finish(signum: int, frame: Any) -> None:
            stop.set()
            bell.set()

        signal.signal(signal.SIGTERM, finish)
        signal.signal(signal.SIGINT, finish)
        self.stdout.write("The worker runs.")
        work(stop)
        self.stdout.write("The worker has finished what it was doing.")
