"""What no page of ours needs of a browser, switched off in case that one is ever made to ask for it."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

# W3C, Permissions Policy. Passkeys are ours: the desk is opened with them.
_OFF: Final = (
    "accelerometer",
    "autoplay",
    "browsing-topics",
    "camera",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "geolocation",
    "gyroscope",
    "hid",
    "idle-detection",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "screen-wake-lock",
    "serial",
    "storage-access",
    "sync-xhr",
    "usb",
    "web-share",
    "xr-spatial-tracking",
)
_OURS: Final = ("publickey-credentials-create", "publickey-credentials-get")
PERMISSIONS_POLICY: Final = ", ".join(
    [*(f"{name}=()" for name in _OFF), *(f"{name}=(self)" for name in _OURS)]
)


def switch_off(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: say so with every answer."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["Permissions-Policy"] = PERMISSIONS_POLICY
        return response

    return middleware
