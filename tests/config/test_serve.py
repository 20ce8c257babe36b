import json
import socket
import stat
import subprocess
import sys

import pytest
from django.contrib.staticfiles.finders import get_finders
from django.db import OperationalError

from config import serve
from config.serve import CannotStart, address, demo_environment, refuse_taken_port
from letter.copies import Copies, Copy
from tests.browser.site import BASE_DIR


def start(*arguments, **environ):
    """Run config.serve to its end with this environment and nothing else in it."""
    return subprocess.run(
        [sys.executable, "-m", "config.serve", *arguments],
        cwd=BASE_DIR,
        env={"PATH": "/usr/bin:/bin", **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_serve_says_what_to_set_and_ends_with_1(tmp_path, free_port):
    result = start(VAR_DIR=str(tmp_path), PORT=str(free_port))

    assert result.returncode == 1
    assert [line.split(" ")[1] for line in result.stderr.splitlines()] == [
        "cannot",
        "SECRET_KEY",
        "ALLOWED_HOSTS",
    ]
    assert result.stdout == ""


def test_serve_says_what_to_set_where_settings_do_not_even_load(tmp_path, free_port):
    result = start(
        VAR_DIR=str(tmp_path),
        PORT=str(free_port),
        SECRET_KEY="q7Xv2Lm9Rt4Wp8Yb3Nc6Hs1Jd5Fg0Kz-q7Xv2Lm9Rt4Wp8Yb3Nc6",
        ALLOWED_HOSTS="letters.example.org",
        DATABASE_URL="nosuchscheme://user:hush@host/name",
    )

    assert result.returncode == 1
    assert "DATABASE_URL cannot be read" in result.stderr
    assert "Traceback" not in result.stderr
    assert "hush" not in result.stderr


def test_serve_asks_for_migrations(tmp_path, free_port):
    result = start(
        VAR_DIR=str(tmp_path),
        PORT=str(free_port),
        SECRET_KEY="q7Xv2Lm9Rt4Wp8Yb3Nc6Hs1Jd5Fg0Kz-q7Xv2Lm9Rt4Wp8Yb3Nc6",
        ALLOWED_HOSTS="letters.example.org",
    )

    assert result.returncode == 1
    assert result.stderr == (
        "Undersigned cannot start: the database is not up to date. Run: make migrate\n"
    )


def test_serve_says_that_the_database_does_not_answer(tmp_path, free_port):
    result = start(
        VAR_DIR=str(tmp_path),
        PORT=str(free_port),
        SECRET_KEY="q7Xv2Lm9Rt4Wp8Yb3Nc6Hs1Jd5Fg0Kz-q7Xv2Lm9Rt4Wp8Yb3Nc6",
        ALLOWED_HOSTS="letters.example.org",
        DATABASE_URL=f"sqlite:///{tmp_path}/no/such/folder/db.sqlite3",
    )

    assert result.returncode == 1
    assert result.stderr == (
        "Undersigned cannot start: the database does not answer as it should "
        "(unable to open database file). Look at DATABASE_URL.\n"
    )


def test_serve_starts_without_the_database_where_readers_can_have_what_they_had(
    settings, tmp_path, monkeypatch, capsys
):
    settings.COPIES_DIR, settings.STATIC_ROOT = tmp_path / "copies", tmp_path

    def refuse():
        raise OperationalError("connection refused")

    monkeypatch.setattr(serve, "unapplied_migrations", refuse)
    with pytest.raises(serve.CannotStart, match="connection refused"):
        serve.prepare(is_demo=False)
    (tmp_path / "staticfiles.json").write_text("{}")
    with pytest.raises(serve.CannotStart):
        serve.prepare(is_demo=False)

    Copies(settings.COPIES_DIR).write(("/",), Copy("200 OK", [], b"a letter"))
    serve.prepare(is_demo=False)
    assert "readers get what they had" in capsys.readouterr().out


def test_serve_refuses_a_taken_port(tmp_path):
    with socket.socket() as other:
        # As a second granian would: sharing is allowed, and must be refused all the same.
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        result = start("--demo", VAR_DIR=str(tmp_path), PORT=str(port))

    assert result.returncode == 1
    assert f"port {port} on 127.0.0.1 is taken" in result.stderr
    assert f"PORT={port + 1}" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_refuse_taken_port_names_a_host_that_is_not_this_machine():
    with pytest.raises(CannotStart, match=r"HOST=192\.0\.2\.1"):
        refuse_taken_port("192.0.2.1", 8000)


@pytest.mark.parametrize("port", ["http", "-1", "0", "65536", "80.5", "८०००"])
def test_address_refuses_what_is_no_port(port):
    with pytest.raises(CannotStart, match="PORT"):
        address({"PORT": port})


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ("127.0.0.1", 8000)),
        ({"HOST": "", "PORT": ""}, ("127.0.0.1", 8000)),
        ({"HOST": "[::1]", "PORT": "8001"}, ("::1", 8001)),
    ],
)
def test_address(environ, expected):
    assert address(environ) == expected


def test_demo_environment_is_complete(tmp_path):
    environ = demo_environment({"VAR_DIR": str(tmp_path), "PORT": "8001"})

    assert environ == {
        "DEBUG": "0",
        "DEMO": "1",
        "SECRET_KEY": (tmp_path / "secret-key").read_text(),
        "ALLOWED_HOSTS": "127.0.0.1,localhost,[::1]",
        "BASE_URL": "http://127.0.0.1:8001",
        "WEB_CONCURRENCY": "1",
    }


def test_demo_environment_makes_its_key_once_and_for_its_owner_alone(tmp_path):
    first = demo_environment({"VAR_DIR": str(tmp_path / "var")})["SECRET_KEY"]
    second = demo_environment({"VAR_DIR": str(tmp_path / "var")})["SECRET_KEY"]

    path = tmp_path / "var" / "secret-key"
    assert first == second
    assert len(first) >= 50
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_demo_environment_with_a_key_given_writes_none(tmp_path):
    demo_environment({"VAR_DIR": str(tmp_path / "var"), "SECRET_KEY": "given"})

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "base_url"),
    [("0.0.0.0", "http://127.0.0.1:8000"), ("::1", "http://[::1]:8000")],
)
def test_demo_environment_links_to_where_it_listens(tmp_path, host, base_url):
    environ = demo_environment({"VAR_DIR": str(tmp_path), "HOST": host})

    assert environ["BASE_URL"] == base_url


@pytest.fixture
def static_root(tmp_path, settings):
    settings.VAR_DIR = tmp_path
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    }
    return settings.STATIC_ROOT


def test_collect_static_files_works_once_and_again_when_something_changed(static_root, capsys):
    serve.collect_static_files()
    first = capsys.readouterr().out
    serve.collect_static_files()
    second = capsys.readouterr().out
    (static_root / "staticfiles.json").unlink()
    serve.collect_static_files()
    third = capsys.readouterr().out

    assert (first, second, third) == (first, "", first)
    assert first == "Preparing stylesheets and scripts…\n"
    assert (static_root / "staticfiles.json").exists()


def test_static_fingerprint_follows_the_files(static_root, tmp_path, settings):
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "a.css").write_text("a {}")
    before = serve.static_fingerprint()

    settings.STATICFILES_DIRS = [folder]
    with_it = serve.static_fingerprint()
    (folder / "a.css").write_text("a { color: red }")

    assert len({before, with_it, serve.static_fingerprint()}) == 3
    assert len(list(get_finders())) == 2


def test_the_server_logs_in_the_form_that_we_do():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import json; from granian.log import LogLevels, configure_logging, logger\n"
            f"configure_logging(LogLevels.info, json.load(open({serve.GRANIAN_LOGS!r})))\n"
            "logger.info('Starting %s', 'granian')",
        ],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )

    line = json.loads(done.stderr)
    assert (line["level"], line["message"]) == ("INFO", "Starting granian")
    assert done.stdout == ""
