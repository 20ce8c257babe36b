import os
import subprocess
import sys

import pytest

from config.checks import check_environment, problems, refuse_to_start_unfit
from tests.browser.site import BASE_DIR

STRONG_KEY = "q7Xv2Lm9Rt4Wp8Yb3Nc6Hs1Jd5Fg0Kz-q7Xv2Lm9Rt4Wp8Yb3Nc6"


@pytest.fixture
def environ(tmp_path):
    """What a production server has to set, and no more."""
    return {
        "SECRET_KEY": STRONG_KEY,
        "ALLOWED_HOSTS": "letters.example.org",
        "BASE_URL": "https://letters.example.org",
        "VAR_DIR": str(tmp_path),
    }


def test_problems_finds_none_in_a_fit_environment(environ):
    assert problems(environ) == []


def test_problems_with_debug_on_asks_for_neither_key_nor_hosts(tmp_path):
    assert problems({"DEBUG": "1", "VAR_DIR": str(tmp_path)}) == []


WRONG = [
    ("SECRET_KEY", "", "E001"),
    ("SECRET_KEY", "short", "E001"),
    ("SECRET_KEY", "ab" * 40, "E001"),
    ("SECRET_KEY", "django-insecure-" + STRONG_KEY, "E001"),
    ("ALLOWED_HOSTS", "", "E002"),
    ("ALLOWED_HOSTS", " , ", "E002"),
    ("DATABASE_URL", "oracle-or-so", "E003"),
    ("DATABASE_URL", "nosuchscheme://user:hush@host/name", "E003"),
    ("DATABASE_URL", "mysql://user:hush@host/name", "E003"),
    ("DATABASE_URL", "postgresql://user:hush@host:port/name", "E003"),
    ("DATABASE_POOLER", "session", "E014"),
    ("BASE_URL", "letters.example.org", "E004"),
    ("BASE_URL", "https://", "E004"),
    ("BASE_URL", "ftp://letters.example.org", "E004"),
    ("BASE_URL", "https://letters.example.org/letters/", "E004"),
    ("BASE_URL", "http://[", "E004"),
    ("WORKER", "none", "E005"),
    ("EMAIL_URL", "mail.example.org", "E006"),
    ("EMAIL_URL", "smpt://mail.example.org", "E006"),
    ("EMAIL_URL", "smtp://mail.example.org:twentyfive", "E006"),
    ("CACHE_URL", "memcached://127.0.0.1", "E009"),
    ("TRUSTED_PROXIES", "127.0.0.1,proxy.example.org", "E010"),
    ("REQUIRE_SECOND_FACTOR", "oui", "E011"),
    ("PROOF_AFTER", "many", "E015"),
    ("PROOF_AFTER", "0", "E015"),
    ("DECIDE_WITHIN", "-5", "E015"),
    ("METRICS_TOKEN", "short", "E012"),
    ("LOG_FORMAT", "xml", "E013"),
    ("METRICS_TOKEN", "with spaces and a\nnew line", "E012"),
    ("METRICS_TOKEN", "ключ-к-метрикам-здесь", "E012"),
]


@pytest.mark.parametrize(("name", "value", "code"), WRONG)
def test_problems_names_the_variable_to_set(environ, name, value, code):
    found = problems(environ | {name: value})

    assert [problem.id for problem in found] == [f"undersigned.{code}"]
    assert name in found[0].msg
    assert name in str(found[0].hint)
    assert "hush" not in f"{found[0].msg} {found[0].hint}"


RIGHT = [
    ("DATABASE_URL", "postgresql://user:hush@host:5432/name"),
    ("DATABASE_URL", "postgresql://postgres:@/postgres?host=/tmp/socket"),
    ("DATABASE_URL", "sqlite:////srv/undersigned.sqlite3"),
    ("DATABASE_POOLER", "transaction"),
    ("BASE_URL", "https://letters.example.org/"),
    ("BASE_URL", "http://[::1]:8000"),
    ("WORKER", "web"),
    ("WORKER", "separate"),
    ("EMAIL_URL", "smtp://user:p%40ss@mail.example.org:587?tls=1"),
    ("EMAIL_URL", "smtps://mail.example.org"),
    ("EMAIL_URL", "file:///srv/mail"),
    ("CACHE_URL", "redis://127.0.0.1:6379/0"),
    ("METRICS_TOKEN", "4yZ_q-Lm9Rt4Wp8Yb3Nc"),
]


@pytest.mark.parametrize(("name", "value"), RIGHT)
def test_problems_accepts(environ, name, value):
    assert problems(environ | {name: value}) == []


def test_problems_reports_sentry_without_its_library(environ, monkeypatch):
    monkeypatch.setattr("config.checks.find_spec", lambda _name: None)

    found = problems(environ | {"SENTRY_DSN": "https://key@sentry.example.org/1"})

    assert [problem.id for problem in found] == ["undersigned.E007"]


def test_problems_reports_a_var_dir_that_is_a_file(environ, tmp_path):
    (tmp_path / "file").touch()

    found = problems(environ | {"VAR_DIR": str(tmp_path / "file" / "var")})

    assert [problem.id for problem in found] == ["undersigned.E008"]


def test_problems_accepts_a_var_dir_that_is_still_to_be_made(environ, tmp_path):
    assert problems(environ | {"VAR_DIR": str(tmp_path / "new" / "var")}) == []


def test_problems_reports_all_at_once(environ):
    found = problems(environ | {"SECRET_KEY": "", "ALLOWED_HOSTS": "", "WORKER": "?"})

    assert [problem.id for problem in found] == [
        "undersigned.E001",
        "undersigned.E002",
        "undersigned.E005",
    ]


def test_check_environment_reads_the_process_environment(monkeypatch):
    monkeypatch.setenv("WORKER", "none")

    assert [problem.id for problem in check_environment(None)] == ["undersigned.E005"]


def test_refuse_to_start_prints_a_line_per_problem_and_ends_with_1(monkeypatch, capsys):
    monkeypatch.setenv("WORKER", "none")
    monkeypatch.delenv("SECRET_KEY")

    with pytest.raises(SystemExit) as stopped:
        refuse_to_start_unfit()

    assert stopped.value.code == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["Undersigned", "cannot"],
        ["-", "SECRET_KEY"],
        ["-", "WORKER"],
    ]


def test_refuse_to_start_lets_a_fit_environment_pass(capsys):
    refuse_to_start_unfit()

    assert capsys.readouterr().err == ""


def manage(*arguments, **changes):
    environ = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"} | changes
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE_DIR,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_commands_of_manage_py_are_refused_likewise():
    result = manage("check", WORKER="none")

    assert result.returncode == 1
    assert "(undersigned.E005) WORKER is 'none'." in result.stderr


def test_commands_that_serve_nobody_need_neither_key_nor_hosts(tmp_path):
    bare = {"SECRET_KEY": "", "ALLOWED_HOSTS": "", "DATABASE_URL": "", "VAR_DIR": str(tmp_path)}
    letter = BASE_DIR / "tests" / "signatories" / "code-of-conduct.txt"

    assert manage("migrate", "-v0", **bare).returncode == 0
    imported = manage("import_letter", str(letter), "--approve", **bare)
    verified = manage("verify_editions", **bare)

    assert (imported.returncode, imported.stderr) == (0, "")
    assert verified.stdout == "restraint-of-the-veto: 1 edition(s) hold.\n"


def test_the_deployment_check_asks_for_key_and_hosts():
    result = manage("check", "--deploy", SECRET_KEY="", ALLOWED_HOSTS="")

    assert result.returncode == 1
    assert "(undersigned.E001) SECRET_KEY is not set." in result.stderr
    assert "(undersigned.E002) ALLOWED_HOSTS is not set." in result.stderr
