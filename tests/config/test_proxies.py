from ipaddress import ip_address

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from config.proxies import client_address, trust_known_proxies

PROXIES = ["127.0.0.1", "10.0.0.0/8", "fd00::/8"]
ours = st.sampled_from(["127.0.0.1", "10.2.3.4", "fd00::7"])
strangers = st.ip_addresses().map(str).filter(lambda text: not _is_ours(text))
forged = st.lists(st.one_of(ours, strangers, st.text("0123456789.:abcf ,;\"'[]", max_size=20)))


def _is_ours(text: str) -> bool:
    address = ip_address(text)
    mapped = getattr(address, "ipv4_mapped", None) or address
    return str(mapped).startswith(("127.0.0.1", "10.", "fd"))


@pytest.mark.parametrize(
    ("trusted", "peer", "is_believed"),
    [
        (["127.0.0.1"], "127.0.0.1", True),
        (["127.0.0.1"], "::ffff:127.0.0.1", True),
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


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("::ffff:127.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"),
        ("10.2.3.4", "198.51.100.1, 203.0.113.7, 127.0.0.1", "203.0.113.7"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "10.2.3.4", "10.2.3.4"),
        ("127.0.0.1", "203.0.113.7, unknown", "127.0.0.1"),
        ("", "203.0.113.7", ""),
    ],
)
def test_the_client_is_the_rightmost_address_that_is_no_proxy_of_ours(
    settings, peer, forwarded, address
):
    settings.TRUSTED_PROXIES = PROXIES
    request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded)

    assert client_address(request) == address


@given(client=strangers, proxies=st.lists(ours, min_size=1), made_up=forged)
def test_a_made_up_header_does_not_move_the_client(client, proxies, made_up):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("config.proxies.settings.TRUSTED_PROXIES", PROXIES)
        # The client sends what it made up; each proxy of ours writes whom it was sent it from.
        header = ",".join([*made_up, client, *proxies[:-1]])
        request = RequestFactory().get("/", REMOTE_ADDR=proxies[-1], HTTP_X_FORWARDED_FOR=header)

        mapped = getattr(ip_address(client), "ipv4_mapped", None)
        assert client_address(request) == str(mapped or ip_address(client))


@given(client=strangers, made_up=forged)
def test_a_stranger_who_comes_directly_is_not_asked_who_it_is(client, made_up):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("config.proxies.settings.TRUSTED_PROXIES", PROXIES)
        request = RequestFactory().get(
            "/", REMOTE_ADDR=client, HTTP_X_FORWARDED_FOR=",".join(made_up)
        )

        mapped = getattr(ip_address(client), "ipv4_mapped", None)
        assert client_address(request) == str(mapped or ip_address(client))
