"""Who comes into the admin, with what, and what shuts it again."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.contrib import admin
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from django.utils import timezone

from config import settings as product
from config.second_factor import LOGGING_IN, SETTING_UP
from letter.models import Letter
from letter.publishing import request_publication
from tests.browser.site import BASE_DIR

PASSWORD = "a coalition of 33"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
SET_UP = "/admin/account/"
LOG_IN = "/admin/login/"
MISMATCH = "This user name and password do not open the admin."
TOO_MANY = "That was wrong too many times. Wait five minutes, then try again."


# allauth tells of a change when it is committed.
settled = pytest.mark.django_db(transaction=True)


@pytest.fixture
def required(settings):
    settings.REQUIRE_SECOND_FACTOR = True


@pytest.fixture
def ada(db) -> User:
    """A superuser with a password and no second factor."""
    return User.objects.create_superuser("ada", password=PASSWORD)


@pytest.fixture
def with_app(ada) -> User:
    """Ada with an authenticator app and recovery codes."""
    TOTP.activate(ada, SECRET)
    RecoveryCodes.activate(ada)
    return ada


def code(secret: str = SECRET, step: int = 0) -> str:
    """What the app shows; `step` half minutes from now."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + step))


def log_in(client: Client, name: str = "ada", password: str = PASSWORD, **options):
    return client.post(LOG_IN, {"username": name, "password": password}, **options)


def log_in_with_code(client: Client, given: str):
    log_in(client)
    return client.post("/admin/account/log-in/code/", {"code": given})


def confirm(client: Client, path: str):
    """Ask for a page that changes factors, and say the password when it is asked for."""
    response = client.get(path)
    assert unquote(response.url) == f"/admin/account/confirm/password/?next={path}"
    assert client.post(response.url, {"password": PASSWORD, "next": path}).url == path


def sentences(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def walk(patterns, prefix: str = "") -> Iterator[str]:
    """An address for every pattern, with something in the place of its arguments."""
    for pattern in patterns:
        text = str(pattern.pattern)
        text = re.sub(r"<(\w+):\w+>", lambda found: {"int": "1"}.get(found[1], "x"), text)
        # The admin has two in the old manner: a group of app labels, and whatever is left.
        text = re.sub(r"\(\?P<\w+>(\w+)[^)]*\)", r"\1", text).replace("(?P<url>.*)", "no/such/page")
        text = text.lstrip("^").removesuffix("$").removesuffix(r"\Z")
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, prefix + text)
        elif isinstance(pattern, URLPattern):
            yield prefix + text


ADMIN = sorted(
    {f"/{path}" for path in walk(get_resolver().url_patterns) if path.startswith("admin/")}
)


def test_the_walk_finds_the_addresses_of_the_admin():
    found = {resolve(path).view_name for path in ADMIN}

    assert len(ADMIN) > 50
    assert found >= LOGGING_IN - {"admin:login"} | SETTING_UP
    assert found >= {
        "admin:jsi18n",
        "admin:autocomplete",
        "admin:password_change",
        "admin:app_list",
        "admin:auth_user_add",
        "admin:signatories_signatory_changelist",
        "admin:signatories_signatory_review",
    }
    assert "/admin/no/such/page" in ADMIN


@pytest.mark.parametrize(
    "to", ["x", "admin:nothing", "/admin/nothing/", "//elsewhere.example.org/", ""]
)
def test_wherever_a_log_in_is_to_lead_it_leads_somewhere(ada, client, to):
    """To a page of this site, though it need not be there; `x` was taken for the name of one: 500."""
    come = client.post(LOG_IN, {"username": "ada", "password": PASSWORD, "next": to})
    again = client.get(LOG_IN, {"next": to})

    for response in (come, again):
        assert response.status_code == 302
        assert urlsplit(response.url).netloc == ""


# --- Refused ------------------------------------------------------------------


def test_with_a_password_alone_every_address_leads_to_setting_one_up(required, ada, client):
    log_in(client)
    with_password_alone = dict(client.session)
    answered = {}
    for path in ADMIN:
        for method in (client.get, client.post):
            answer = method(path)
            answered.setdefault(resolve(path).view_name, set()).add(
                answer.headers.get("Location", answer.status_code)
            )
        if not client.session.get("_auth_user_id"):  # that was the way out
            log_in(client)

    assert with_password_alone["account_authentication_methods"][0]["method"] == "password"
    assert {name: where for name, where in answered.items() if where != {SET_UP}} == {
        "account_login": {"/admin/", 200},
        "admin:logout": {200, 405},
        "mfa_authenticate": {"/admin/"},
        "mfa_login_webauthn": {LOG_IN},
        "mfa_index": {200, 405},
        "mfa_activate_totp": {"/admin/account/confirm/password/?next=%2Fadmin%2Faccount%2Fapp%2F"},
        "mfa_add_webauthn": {
            "/admin/account/confirm/password/?next=%2Fadmin%2Faccount%2Fpasskeys%2Fadd%2F"
        },
        "account_reauthenticate": {200},
    }


def test_whoever_has_a_factor_and_did_not_use_it_logs_in_again(required, with_app, client):
    for path in ADMIN:
        if resolve(path).view_name in LOGGING_IN:
            continue
        client.force_login(with_app)

        response = client.get(path)

        assert response.status_code == 302, path
        assert response.url.startswith(f"{LOG_IN}?next=/admin/"), path
        assert "_auth_user_id" not in client.session, path
    assert "Please log in again, with your second factor." in sentences(client.get(response.url))


def test_strangers_and_those_who_are_not_staff_are_sent_to_the_log_in(required, client, db):
    reader = Client()
    reader.force_login(User.objects.create_user("reader"))
    for path in ADMIN:
        if resolve(path).view_name not in LOGGING_IN:
            assert client.get(path).url.startswith(f"{LOG_IN}?next="), path
            assert reader.get(path).url.startswith(f"{LOG_IN}?next="), path


def test_a_draft_is_not_shown_before_the_second_factor(required, letter, with_app, client):
    Letter.objects.update(state=Letter.State.DRAFT)
    client.force_login(with_app)

    assert client.get("/conduct/").status_code == 404

    verified = Client()
    log_in_with_code(verified, code())

    assert verified.get("/conduct/").status_code == 200


def test_a_public_page_asks_for_no_session(required, letter, client, work):
    request_publication(letter, at=timezone.now())
    work()
    for path in ("/", "/conduct/", "/conduct/sign/"):
        response = client.get(path)

        assert response.status_code == 200
        assert not response.wsgi_request.session.accessed
        assert "sessionid" not in response.cookies


@pytest.mark.parametrize(
    ("environ", "is_required"),
    [
        ({"BASE_URL": "https://letters.example.org"}, True),
        ({"BASE_URL": "https://letters.example.org", "REQUIRE_SECOND_FACTOR": "0"}, False),
        ({"BASE_URL": "https://letters.example.org", "DEMO": "1"}, False),
        ({"BASE_URL": "http://127.0.0.1:8000"}, False),
        ({"BASE_URL": "http://127.0.0.1:8000", "REQUIRE_SECOND_FACTOR": "1"}, True),
    ],
)
def test_where_it_is_required(environ, is_required, tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", "import config.settings as s; print(s.REQUIRE_SECOND_FACTOR)"],
        cwd=BASE_DIR,
        env={**os.environ, "DEMO": "", "VAR_DIR": str(tmp_path), **environ},
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.strip() == str(is_required)


# --- Logging in ---------------------------------------------------------------


def test_one_step_is_enough_where_none_is_required(ada, client):
    response = log_in(client)

    assert (response.status_code, response.url) == (302, "/admin/")
    assert is_in(client)


def test_whoever_has_a_factor_is_asked_for_it_in_any_case(with_app, client):
    assert log_in(client).url == "/admin/account/log-in/code/"
    assert not is_in(client)


def test_the_log_in_leads_on_to_where_one_was_going(required, with_app, client):
    client.post(f"{LOG_IN}?next=/admin/auth/user/", {"username": "ada", "password": PASSWORD})
    response = client.post("/admin/account/log-in/code/", {"code": code()})

    assert (response.status_code, response.url) == (302, "/admin/auth/user/")
    assert client.get(f"{LOG_IN}?next=/admin/auth/user/").url == "/admin/auth/user/"
    assert client.get(f"{LOG_IN}?next=https://elsewhere.example.org/").url == "/admin/"


@pytest.mark.parametrize(
    ("name", "password"),
    [("ada", "wrong"), ("Ada", PASSWORD), ("nobody", PASSWORD), ("reader", PASSWORD)],
)
def test_a_wrong_log_in_says_so_and_lets_nobody_in(ada, client, caplog, name, password):
    User.objects.create_user("reader", password=PASSWORD)

    response = log_in(client, name, password)

    assert MISMATCH in sentences(response)
    assert f'value="{name}"' in response.content.decode()
    assert not is_in(client)
    assert name not in caplog.text


def test_somebody_who_is_no_longer_active_is_not_let_in(ada, client):
    User.objects.update(is_active=False)

    assert MISMATCH in sentences(log_in(client))


def test_a_code_is_taken_once_and_a_wrong_one_never(required, with_app, client):
    now = code()

    assert "This code is not right, or no longer." in sentences(log_in_with_code(client, "000000"))
    assert not is_in(client)
    assert log_in_with_code(client, now).url == "/admin/"
    assert is_in(client)
    other = Client()
    assert "This code is not right" in sentences(log_in_with_code(other, now))
    assert not is_in(other)


def test_a_code_that_was_taken_is_refused_for_as_long_as_it_is_good(
    required, with_app, client, monkeypatch
):
    now = time.time() // 30 * 30 + 1
    monkeypatch.setattr(time, "time", lambda: now)
    given = code()
    assert log_in_with_code(client, given).url == "/admin/"
    monkeypatch.setattr(time, "time", lambda: now + 31)
    assert given == code(step=-1)
    other = Client()

    # allauth's own memory of it ends after one step.
    assert "This code is not right" in sentences(log_in_with_code(other, given))
    assert not is_in(other)


def test_the_code_that_has_just_gone_out_is_still_good(required, with_app, client, monkeypatch):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)

    assert log_in_with_code(client, code(step=-1)).url == "/admin/"


def test_a_recovery_code_is_taken_once(required, with_app, client):
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()

    assert log_in_with_code(client, codes[3]).url == "/admin/"
    assert is_in(client)

    other = Client()
    assert "This code is not right" in sentences(log_in_with_code(other, codes[3]))
    assert not is_in(other)
    assert log_in_with_code(other, codes[4]).url == "/admin/"


# --- Lockout ------------------------------------------------------------------


def test_after_five_failures_a_name_is_shut_for_that_address_alone(ada, client):
    User.objects.create_superuser("grace", password=PASSWORD)
    for _n in range(5):
        assert MISMATCH in sentences(log_in(client, password="guess"))

    refused = log_in(client)

    assert TOO_MANY in sentences(refused)
    assert 'value="ada"' in refused.content.decode()
    assert not is_in(client)
    assert log_in(client, "grace").url == "/admin/"
    assert log_in(Client(), REMOTE_ADDR="203.0.113.9").url == "/admin/"


def test_a_made_up_header_does_not_get_round_the_lockout(ada, client):
    for n in range(5):
        log_in(client, password="guess", headers={"X-Forwarded-For": f"203.0.113.{n}"})

    assert TOO_MANY in sentences(log_in(client, headers={"X-Forwarded-For": "203.0.113.99"}))


def test_behind_a_proxy_the_address_is_the_clients(ada, client, settings):
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    for _n in range(5):
        log_in(client, password="guess", headers={"X-Forwarded-For": "203.0.113.1"})

    assert TOO_MANY in sentences(log_in(client, headers={"X-Forwarded-For": "203.0.113.1"}))
    assert log_in(client, headers={"X-Forwarded-For": "203.0.113.2"}).url == "/admin/"


def test_the_lockout_ends(ada, client, monkeypatch):
    for _n in range(6):
        log_in(client, password="guess")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 301)

    assert log_in(client).url == "/admin/"


def test_ten_failures_in_a_minute_shut_an_address_whatever_the_names(ada, client):
    for n in range(10):
        assert MISMATCH in sentences(log_in(client, f"guess{n}"))

    assert TOO_MANY in sentences(log_in(client))
    assert log_in(Client(), REMOTE_ADDR="203.0.113.9").url == "/admin/"


def test_of_ipv6_a_network_is_counted_together(ada, client):
    """Whoever has one IPv6 address has 2^64 of them (RFC 6177 §2)."""
    for number in range(5):
        log_in(client, password="guess", REMOTE_ADDR=f"2001:db8:0:1::{number}")

    assert TOO_MANY in sentences(log_in(client, REMOTE_ADDR="2001:db8:0:1:ffff::1"))
    assert log_in(Client(), REMOTE_ADDR="2001:db8:0:2::1").url == "/admin/"


def test_codes_cannot_be_guessed_either(required, with_app, client):
    log_in(client)
    for _n in range(5):
        client.post("/admin/account/log-in/code/", {"code": "000000"})

    response = client.post("/admin/account/log-in/code/", {"code": code()})

    assert TOO_MANY in sentences(response)
    assert not is_in(client)


def test_passkeys_are_not_tried_for_ever(client, db):
    answers = [
        client.post("/admin/account/log-in/passkey/", {"credential": "{}"}) for _n in range(11)
    ]

    assert {answer.status_code for answer in answers[:10]} == {302}
    assert answers[10].status_code == 429
    assert "Wait a minute, then go back and try again." in sentences(answers[10])


# --- Setting one up, and removing it ------------------------------------------


@settled
def test_setting_up_an_app_opens_the_admin(required, ada, client):
    log_in(client)
    assert client.get("/admin/").url == SET_UP
    assert "You have not set one up yet." in sentences(client.get(SET_UP))
    confirm(client, "/admin/account/app/")
    secret = re.search(
        r'class="factor-secret">(\w+)<', client.get("/admin/account/app/").content.decode()
    )[1]

    wrong = client.post("/admin/account/app/", {"code": "000000"})
    assert "This code is not right" in sentences(wrong)
    assert secret in wrong.content.decode()
    assert client.get("/admin/").url == SET_UP
    done = client.post("/admin/account/app/", {"code": code(secret)})

    assert done.url == "/admin/account/recovery-codes/"
    shown = client.get(done.url)
    assert re.findall(r"<li><code>(\d{8})</code>", shown.content.decode()) == (
        Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    )
    assert "Your codes have been shown already" in sentences(client.get(done.url))
    assert is_in(client)


@settled
def test_setting_one_up_ends_the_other_sessions_and_nobody_elses(ada, client):
    User.objects.create_superuser("grace", password=PASSWORD)
    other, colleague = Client(), Client()
    log_in(other)
    log_in(colleague, "grace")
    log_in(client)
    confirm(client, "/admin/account/app/")
    client.get("/admin/account/app/")
    secret = client.session["mfa.totp.secret"]

    client.post("/admin/account/app/", {"code": code(secret)})

    assert [is_in(each) for each in (client, other, colleague)] == [True, False, True]


def test_removing_the_last_one_asks_for_another_and_shuts_what_it_opened(
    required, with_app, client
):
    other = Client()
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    log_in_with_code(other, codes[0])
    log_in_with_code(client, code())
    confirm(client, "/admin/account/app/remove/")

    client.post("/admin/account/app/remove/")

    assert not Authenticator.objects.exists()
    assert client.get("/admin/").url == SET_UP
    assert other.get("/admin/").url.startswith(LOG_IN)


@settled
def test_new_recovery_codes_keep_whoever_came_in_by_one(required, with_app, client):
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    log_in_with_code(client, codes[0])
    confirm(client, "/admin/account/recovery-codes/new/")

    client.post("/admin/account/recovery-codes/new/")

    assert is_in(client)
    assert "They are shown this once." in sentences(client.get("/admin/account/recovery-codes/"))
    assert codes != Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()


def test_nothing_about_factors_changes_without_saying_the_password_again(
    required, with_app, client
):
    log_in_with_code(client, code())

    for path in ("app/remove/", "passkeys/add/", "recovery-codes/new/"):
        assert client.post(f"{SET_UP}{path}").url.startswith("/admin/account/confirm/password/")

    assert Authenticator.objects.count() == 2


def test_a_factor_that_is_removed_behind_the_scenes_shuts_its_sessions(required, with_app, client):
    log_in_with_code(client, code())
    assert is_in(client)

    Authenticator.objects.filter(type="totp").delete()

    assert client.get("/admin/").url == SET_UP


def test_the_operator_removes_a_lost_factor(required, with_app, client, capsys, caplog):
    log_in_with_code(client, code())

    call_command("remove_second_factor", "ada")

    assert capsys.readouterr().out == "Removed 1 factor(s) of ada.\n"
    assert f"Removed the second factor of user {with_app.pk}" in caplog.text
    assert not Authenticator.objects.exists()
    assert client.get("/admin/").url.startswith(LOG_IN)
    log_in(client)
    assert client.get("/admin/").url == SET_UP
    with pytest.raises(CommandError, match="There is no user 'nobody'"):
        call_command("remove_second_factor", "nobody")


def test_passwords_are_hashed_by_argon2_and_older_hashes_anew_at_the_next_log_in(
    ada, client, settings
):
    settings.PASSWORD_HASHERS = product.PASSWORD_HASHERS
    ada.password = make_password(PASSWORD, hasher="pbkdf2_sha256")
    ada.save()
    log_in(client)

    ada.refresh_from_db()
    assert ada.password.startswith("argon2$argon2id$")
    assert ada.check_password(PASSWORD)


def test_a_session_ends_with_the_browser_and_after_four_hours(ada, client):
    response = log_in(client)

    assert response.cookies["sessionid"]["max-age"] == ""
    assert client.session.get_expiry_age() == 4 * 60 * 60


# --- In the admin -------------------------------------------------------------


def test_the_list_of_users_shows_who_has_one(with_app, client, django_assert_max_num_queries):
    client.force_login(with_app)
    User.objects.create_user("reader")
    with django_assert_max_num_queries(8) as first:
        page = client.get("/admin/auth/user/")
    for n in range(5):
        TOTP.activate(User.objects.create_user(f"user{n}"), SECRET)
    with django_assert_max_num_queries(8) as second:
        client.get("/admin/auth/user/")

    has_one = r'field-second_factor"><img src="[^"]*icon-(yes|no)'
    assert re.findall(has_one, page.content.decode()) == ["yes", "no"]
    assert len(first) == len(second)


def test_the_admin_has_no_pages_for_what_allauth_stores():
    assert not {EmailAddress, Authenticator} & set(admin.site._registry)


def test_the_password_cannot_be_guessed_where_it_is_changed(ada, client):
    log_in(client)
    page, new = (
        "/admin/password_change/",
        {"new_password1": "Zq7!mmpo", "new_password2": "Zq7!mmpo"},
    )
    for _n in range(5):
        assert TOO_MANY not in sentences(client.post(page, {"old_password": "guess", **new}))

    assert TOO_MANY in sentences(client.post(page, {"old_password": PASSWORD, **new}))
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def test_a_log_in_that_is_half_done_ends_when_the_password_changes(with_app, client):
    log_in(client)
    with_app.set_password("another of 33")
    with_app.save(update_fields=["password"])

    response = client.post("/admin/account/log-in/code/", {"code": code()}, follow=True)

    assert "The password was changed meanwhile." in sentences(response)
    assert not is_in(client)


def test_no_page_about_factors_is_kept_by_a_browser(ada, client):
    log_in(client)
    for page in ("/admin/account/", "/admin/account/confirm/password/", "/admin/password_change/"):
        assert "no-store" in client.get(page)["Cache-Control"], page
