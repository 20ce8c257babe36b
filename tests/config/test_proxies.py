import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from config.proxies import trust_known_proxies


@pytest.mark.parametrize(
    ("trusted", "peer", "is_believed"),
    [
        (["127.0.0.1"], "127.0.0.1", True),
        (["10.0.0.0/8", "::1"], "10.2.3.4", True),
        (["10.0.0.0/8", "::1"], "::1", True),
        (["127.0.0.1"], "203.0.113.7", False),
        ([], "127.0.0.1", False),
        (["127.0.0.1"], "", False),
    ],
)
def test_only_a_known_proxy_is_believed(settings, trusted, peer, is_believed):
    settings.TRUSTED_PROXIES = trusted
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_PROTO="https")
    seen = []

    def view(request):
        seen.append(request.is_secure())
        return HttpResponse()

    trust_known_proxies(view)(request)

    assert seen == [is_believed]
