"""Mail as files, one per message, and a page to read them: for the demo and for trying things out."""

import uuid
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage as OutgoingMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

SHOWN_AT_MOST = 100


class EmailBackend(BaseEmailBackend):
    """Writes each message to a file in EMAIL_FILE_PATH; the newest has the greatest name."""

    def send_messages(self, email_messages: Any) -> int:
        folder = settings.EMAIL_FILE_PATH
        folder.mkdir(parents=True, exist_ok=True)
        sent: list[OutgoingMessage] = list(email_messages)
        for message in sent:
            stamp = timezone.now().strftime("%Y%m%dT%H%M%S%f")
            path = folder / f"{stamp}-{uuid.uuid4().hex[:6]}.eml"
            # Whoever reads the folder never sees half a message.
            unfinished = path.with_suffix(".part")
            unfinished.write_bytes(message.message().as_bytes())
            unfinished.rename(path)
        return len(sent)


def _read(path: Path) -> dict[str, Any]:
    parsed = BytesParser(policy=policy.default).parsebytes(path.read_bytes())
    assert isinstance(parsed, EmailMessage)
    body = parsed.get_body(("plain",))
    return {
        "name": path.stem,
        "to": parsed["To"],
        "subject": parsed["Subject"],
        "at": datetime.strptime(path.stem[:15] + "+0000", "%Y%m%dT%H%M%S%z"),
        "text": body.get_content() if body else "",
    }


@never_cache
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """The mails that the demo has "sent", newest first."""
    folder = settings.EMAIL_FILE_PATH
    paths = sorted(folder.glob("*.eml"), reverse=True)[:SHOWN_AT_MOST]
    return render(request, "inbox/inbox.html", {"messages_sent": [_read(path) for path in paths]})


@never_cache
@require_safe
def message(request: HttpRequest, name: str) -> HttpResponse:
    """One mail, its links ready to click."""
    path = settings.EMAIL_FILE_PATH / f"{name}.eml"
    if not name.replace("-", "").isalnum() or not path.is_file():
        raise Http404
    return render(request, "inbox/message.html", {"message_sent": _read(path)})
