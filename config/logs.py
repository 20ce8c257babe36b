"""Keeps secrets and persons out of the logs.

A link in a mail carries a secret in its path, and Django logs the paths it refuses, slow
handlers log their requests, and a database error quotes the row. Logs are copied to places
that nobody guards like the database, so what is written is cleaned at the handler, the one
place that every record passes.
"""

import logging
import re
from typing import Final

# /<slug>/confirm/<token>/ and its like: see signatories/urls.py.
SECRET_IN_PATH: Final = re.compile(
    r"/(confirm|signature|not-us|organisation)/[^/\s?#'\"<>]+", re.IGNORECASE
)
# Also a user and password in front of a host, and an address in a query string.
EMAIL_ADDRESS: Final = re.compile(r"[^\s<>()\[\]\"',;:=&?/@]+(?:@|%40)[^\s<>()\[\]\"',;:=&?/@]+")


class WithoutSecrets(logging.Filter):
    """Replaces the secret in a link by "…", and an e-mail address by "…@…"; drops nothing."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            # logging would print message and arguments raw to stderr, past every filter.
            message = f"{record.msg} (and arguments that do not fit it)"
        record.msg = without_secrets(message)
        record.args = None
        if record.exc_info and not record.exc_text:
            # Formatters print exc_text where it is set, instead of making it themselves.
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = without_secrets(record.exc_text)
        if record.stack_info:
            record.stack_info = without_secrets(record.stack_info)
        return True


def without_secrets(text: str) -> str:
    return EMAIL_ADDRESS.sub("…@…", SECRET_IN_PATH.sub(r"/\1/…", text))
