"""Who at the desk looked at what: a line of the log for each page that somebody with an account is shown there.

It is written where every request passes, so a page that is added to the desk tomorrow is covered without knowing of
it. What was read is told from what the page was made of. Names, addresses and what was searched for are left out:
the log says who looked, not at whom.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest, HttpResponse

from config.desk import is_desk
from signatories.models import Signatory

logger = logging.getLogger(__name__)

# References that a line names; a page of the queue has fewer.
NAMED_AT_MOST: Final = 100
# What a line has beside the user, the method and the view.
NOTED: Final = ("read", "count", "numbers", "searched", "file")
# With a form that is refused the page is shown again.
SHOWN: Final = frozenset({200, 409, 422})


def log_access(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: note who was shown which page under /admin/, and which sign-ons stood on it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code in SHOWN and is_desk(request) and request.user.pk:
            _log(request, response)
        return response

    return middleware


def _log(request: HttpRequest, response: HttpResponse) -> None:
    match = request.resolver_match
    view, given = (match.view_name, match.kwargs) if match else ("none", {})
    read = list(dict.fromkeys(_references(getattr(response, "context_data", None) or {})))
    fields: dict[str, Any] = {"user": request.user.pk, "view": view, "method": request.method}
    if read:
        fields |= {"read": read[:NAMED_AT_MOST], "count": len(read)}
    # Of what the address names, the numbers: the rest may be anything.
    if numbers := [int(each) for each in map(str, given.values()) if each.isdecimal()]:
        fields["numbers"] = numbers
    if request.GET.get("q"):
        fields["searched"] = True
    if "Content-Disposition" in response:
        fields["file"] = response["Content-Disposition"]
    what = "".join(f", {name} {fields[name]}" for name in NOTED if name in fields)
    logger.info("user %s, %s %s%s", request.user.pk, request.method, view, what, extra=fields)


def _references(context: Any) -> Iterator[str]:
    """The references of the sign-ons that a page is made of, by themselves or in lists."""
    for value in context.values() if isinstance(context, dict) else ():
        for each in _rows(value):
            row = getattr(each, "signatory", each)
            if isinstance(row, Signatory):
                yield row.reference


def _rows(value: Any) -> Iterable[Any]:
    if isinstance(value, ChangeList):
        return list(value.result_list)
    return value if isinstance(value, list | tuple) else (value,)
