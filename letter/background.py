"""The bell that tells this process's worker that there is something to do.

Work itself lies in tables (`PublicationRequest`, `signatories.Message`), written in the transaction
that causes it; a bell that nobody hears costs nothing but the seconds until the worker looks anyway.
"""

import threading

from django.db import transaction

bell = threading.Event()


def ring_after_commit() -> None:
    """Wake the worker once the current transaction is committed, and only if it is."""
    transaction.on_commit(bell.set)
