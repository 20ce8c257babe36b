"""What no page of ours needs of a browser, switched off in case that one is ever made to ask for it."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

# W3C, Permissions Policy: what could watch or charge somebody. It goes out with each answer, so it is short.
_OFF: Final = (
    *("browsing-topics", "camera", "display-capture", "geolocation"),
    *("microphone", "payment", "usb"),
)
PERMISSIONS_POLICY: Final = ", ".join(f"{name}=()" for name in _OFF)


def switch_off(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: say so with every answer."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["Permissions-Policy"] = PERMISSIONS_POLICY
        return response

    return middleware
