"""What is written to the logs, and how: one line of JSON for each record, without secrets and persons.

A link in a mail carries a secret in its path, and Django logs the paths it refuses, slow
handlers log their requests, and a database error quotes the row. Logs are copied to places
that nobody guards like the database, so what is written is cleaned at the handler, the one
place that every record passes.
"""

import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final

# Of the request that is being answered, by which all that was noted of it is found; empty outside of one.
request_id: ContextVar[str] = ContextVar("request_id", default="")

# What config/requests.py and config/access.py note of a request, apart from its message.
FIELDS: Final = (
    "view",
    "method",
    "status",
    "milliseconds",
    "user",
    "read",
    "count",
    "numbers",
    "searched",
    "file",
)

# /<slug>/confirm/<token>/ and its like: see signatories/urls.py.
SECRET_IN_PATH: Final = re.compile(
    r"/(confirm|signature|not-us|organisation)/[^/\s?#'\"<>]+", re.IGNORECASE
)
# Also a user and password in front of a host, and an address in a query string.
# Looked for where a word begins, and not from each of its letters on: a path may be one word of 60,000.
_IN_ADDRESS: Final = r"""[^\s<>()\[\]"',;:=&?/@]"""
EMAIL_ADDRESS: Final = re.compile(rf"(?<!{_IN_ADDRESS}){_IN_ADDRESS}+(?:@|%40){_IN_ADDRESS}+")
# What was typed into a form that is sent by its address.
QUERY: Final = re.compile(r"(?<=\S)\?[^\s'\"<>]+")
# PostgreSQL quotes the row, or a part of the statement, with whatever contact is in it, to the end of what it says.
ROW: Final = re.compile(
    r"\b(DETAIL|CONTEXT|LINE \d+):.+?(?=\n\nThe above exception|\n\nDuring handling|\Z)", re.DOTALL
)
# The same row where somebody has passed on a part of it.
KEY: Final = re.compile(r"(\bKey \([^)\n]*\))=\(.*\)")
# What strangers make up, such as another host, by the thousand if they like: one line each has to do.
REFUSED: Final = "django.security."


class JsonLines(logging.Formatter):
    """A record as one line of JSON: when (UTC), how grave, from where, what, and of which request."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id.get():
            line["request"] = request_id.get()
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            line["traceback"] = record.exc_text
        if record.stack_info:
            line["stack"] = record.stack_info
        return json.dumps(line, ensure_ascii=False)


class WithoutSecrets(logging.Filter):
    """Replaces by "…" the secret in a link, an e-mail address, a query, a row of the database; drops nothing."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            # logging would print message and arguments raw to stderr, past every filter.
            message = f"{record.msg} (and arguments that do not fit it)"
        record.msg = without_secrets(message)
        record.args = None
        if record.name.startswith(REFUSED):
            record.exc_info = None
        if record.exc_info and not record.exc_text:
            # Formatters print exc_text where it is set, instead of making it themselves.
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = without_secrets(record.exc_text)
        if record.stack_info:
            record.stack_info = without_secrets(record.stack_info)
        return True


def without_secrets(text: str) -> str:
    """The text with "…" for what nobody should find in a log."""
    text = KEY.sub(r"\1=(…)", ROW.sub(r"\1: …", text))
    text = SECRET_IN_PATH.sub(r"/\1/…", text)
    return EMAIL_ADDRESS.sub("…@…", QUERY.sub("?…", text))
