"""Which requests are the desk's."""

from django.http import HttpRequest
from django.urls import reverse


def is_desk(request: HttpRequest) -> bool:
    """Whether it is for an address under /admin/."""
    return request.path.startswith(reverse("admin:index"))
