import pytest

from signatories.domains import (
    FREE_MAIL,
    DomainMatch,
    domain_match,
    likely_domain,
    registrable_domain,
)


@pytest.mark.parametrize(
    ("email", "website", "match"),
    [
        ("a@ngo.org", "https://ngo.org", DomainMatch.SAME),
        ("a@mail.ngo.org.uk", "http://www.ngo.org.uk/about", DomainMatch.SAME),
        ("a@NGO.org", "https://www.ngo.ORG", DomainMatch.SAME),
        ("a@other.org.uk", "https://ngo.org.uk", DomainMatch.OTHER),
        ("a@ngo.org.evil.com", "https://ngo.org", DomainMatch.OTHER),
        ("a@gmail.com", "https://ngo.org", DomainMatch.FREE_MAIL),
        ("a@gmail.com", "", DomainMatch.FREE_MAIL),
        ("a@gmail.com", "https://gmail.com", DomainMatch.SAME),
        ("a@ngo.org", "", DomainMatch.UNKNOWN),
        ("", "https://ngo.org", DomainMatch.UNKNOWN),
        ("a@ngo.org", "https://192.0.2.1/", DomainMatch.UNKNOWN),
    ],
)
def test_domain_match(email, website, match):
    assert domain_match(email, website) == match


def test_a_public_suffix_alone_belongs_to_nobody():
    assert [registrable_domain(host) for host in ("org", "co.uk", "x.ngo.co.ke.", "")] == [
        "", "", "ngo.co.ke", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gmial.com", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("hotmial.com", "hotmail.com"),
        ("yahoo.con", "yahoo.com"),
        ("outlok.com", "outlook.com"),
        ("GMAL.com", "gmail.com"),
    ],
)
def test_a_slip_is_noticed(typed, meant):
    assert likely_domain(typed) == meant


@pytest.mark.parametrize(
    "domain", ["hrw.org", "amnesty.org", "gmx.at", "mail.org", "web.org", "orange.com"]
)
def test_a_real_domain_is_left_alone(domain):
    assert likely_domain(domain) == ""


def test_no_provider_is_taken_for_another():
    assert [domain for domain in FREE_MAIL if likely_domain(domain)] == []
