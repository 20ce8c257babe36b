"""What is in deploy/, each file read by the program that it is for."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from config.checks import problems
from tests import debian
from tests.browser.site import BASE_DIR, clean_environ, manage
from tests.deploy import configured
from tests.deploy.configured import DEPLOY
from tests.test_docs import settings_read

UNITS = ("undersigned-web.service", "undersigned-worker.service")
BACKUP = "undersigned-backup.service"
TIMER = "undersigned-backup.timer"
CONTAINERFILE = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
EXAMPLE = (DEPLOY / "undersigned.env.example").read_text(encoding="utf-8")
KEY = "for-the-tests-alone-3kQ9vXz7Lm2Rt8Wp5Yb1Nc6Hs4Jd0Fg"


def run(*command: object, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_nginx_takes_its_configuration(tmp_path):
    main = configured.nginx(tmp_path, http=8080, https=8443, nodes=[8001, 8002])
    nginx = debian.path_of("nginx")

    done = run(nginx, "-t", "-q", "-e", "stderr", "-c", main)

    said = [
        line
        for line in done.stderr.splitlines()
        # Newer ones would have it said otherwise, in a way that older ones do not take.
        if 'the "listen ... http2" directive is deprecated' not in line
    ]
    assert (done.returncode, said) == (0, [])


@pytest.mark.parametrize("unit", [*UNITS, BACKUP, TIMER])
def test_systemd_takes_the_units(tmp_path, unit):
    # It looks whether the program is there; and for what a timer starts, beside it.
    python = {"/opt/undersigned/.venv/bin/python": sys.executable}
    for each in {*UNITS, BACKUP}:
        (tmp_path / each).write_text(configured.substituted(each, python), encoding="utf-8")
    shutil.copy(DEPLOY / TIMER, tmp_path)
    analyze = debian.path_of("systemd-analyze")

    done = run(analyze, "verify", "--man=no", tmp_path / unit)

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("unit", [*UNITS, BACKUP])
def test_the_units_are_shut_in(unit):
    analyze = debian.path_of("systemd-analyze")

    # Of 100, where a unit that nobody has looked after has 96.
    done = run(analyze, "security", "--offline=true", "--threshold=16", DEPLOY / unit)

    assert done.returncode == 0, done.stdout


def test_the_nightly_backup_is_made_where_old_ones_are_removed(tmp_path):
    """The unit's two commands, with its folder in the place of ours."""
    kept = tmp_path / "backups"
    kept.mkdir()
    old, new, other = kept / "undersigned-1.zip", kept / "undersigned-2.zip", kept / "mine.zip"
    for path, days in ((old, 40), (new, 20), (other, 40)):
        path.touch()
        os.utime(path, (time.time() - days * 24 * 3600,) * 2)
    environ = clean_environ() | {"VAR_DIR": str(tmp_path)}
    unit = configured.substituted(
        BACKUP,
        {
            "/opt/undersigned/.venv/bin/python": sys.executable,
            "/var/lib/undersigned": str(tmp_path),
        },
    )
    (make,), (remove,) = (
        re.findall(rf"^{name}=(.*)$", unit, flags=re.MULTILINE)
        for name in ("ExecStart", "ExecStartPost")
    )
    manage(environ, "migrate", "--verbosity", "0")

    for command in (make, remove):
        subprocess.run(shlex.split(command), cwd=BASE_DIR, env=environ, check=True)

    assert not old.exists()
    assert {new, other} < set(kept.iterdir())
    assert len(list(kept.iterdir())) == 3


@pytest.mark.parametrize("unit", UNITS)
def test_the_units_refuse_no_call_that_the_product_makes(unit):
    analyze = debian.path_of("systemd-analyze")
    refused = set()
    for line in re.findall(r"^SystemCallFilter=(.*)", (DEPLOY / unit).read_text(), re.MULTILINE):
        names = line.removeprefix("~").split()
        calls = {name for name in names if not name.startswith("@")}
        for group in set(names) - calls:
            calls |= set(run(analyze, "syscall-filter", group).stdout.split())
        refused = refused | calls if line.startswith("~") else refused - calls

    # What config.running, the worker and letter.compiling ask for; nice(2) is a call of its own on none of ours.
    assert not {"sched_setaffinity", "sched_setscheduler", "setpriority"} & refused
    assert "sched_setattr" in refused


def test_the_example_of_settings_names_them_all():
    named = re.findall(r"^#?([A-Z_]+)=", EXAMPLE, flags=re.MULTILINE)

    assert len(named) == len(set(named))
    assert set(named) == settings_read()


def test_the_example_of_settings_needs_a_key_and_nothing_else(tmp_path):
    given = dict(line.split("=", 1) for line in EXAMPLE.splitlines() if re.match("[A-Z]", line))
    given["VAR_DIR"] = str(tmp_path)

    assert [problem.id for problem in problems(given)] == ["undersigned.E001"]
    assert problems(given | {"SECRET_KEY": KEY}) == []


def test_compose_takes_its_file(tmp_path):
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    (tmp_path / "deploy" / "undersigned.env").write_text(EXAMPLE, encoding="utf-8")
    command = [
        debian.path_of("docker-compose"),
        *("-f", tmp_path / "deploy" / "compose.yaml", "config", "--quiet"),
    ]

    done = run(*command, POSTGRES_PASSWORD="letters8digits")
    without = run(*command)

    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert without.returncode != 0
    assert "POSTGRES_PASSWORD" in without.stdout + without.stderr


def test_in_compose_nginx_asks_the_web_nodes_and_leaves_its_logs_to_the_engine():
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    _sh, _c, script = shlex.split(compose["services"]["nginx"]["command"])
    words = shlex.split(script)
    sed = words[: words.index("/etc/undersigned/nginx.conf")]

    configuration = run(*sed, DEPLOY / "nginx.conf").stdout

    assert re.findall(r"^ *server (.*?) ", configuration, re.MULTILINE) == ["web:8000"]
    assert re.findall(r"^ *(\w+_log) (/\S+)", configuration, re.MULTILINE) == [
        ("access_log", "/dev/stdout"),
        ("error_log", "/dev/stderr"),
    ]


def test_buildah_builds_the_image_but_for_what_it_runs(tmp_path):
    """All but RUN, on an image that stands in for Python's: there is no registry to have that one from."""
    storage = ["--root", tmp_path / "root", "--runroot", tmp_path / "run", "--storage-driver=vfs"]
    buildah = [debian.path_of("buildah"), *storage]
    etc = tmp_path / "rootfs" / "etc"
    etc.mkdir(parents=True)
    (etc / "passwd").write_text("undersigned:x:10001:10001::/var/lib/undersigned:/bin/sh\n")
    venv = tmp_path / "rootfs" / "opt" / "venv"
    venv.mkdir(parents=True)
    (venv / "made").touch()
    (base,) = set(re.findall(r"^FROM (\S+)", CONTAINERFILE, flags=re.MULTILINE))
    container = succeeds(*buildah, "from", "scratch")
    succeeds(*buildah, "copy", container, tmp_path / "rootfs", "/")
    succeeds(*buildah, "commit", container, base)
    without_run = re.sub(r"^RUN (?:.*\\\n)*.*\n", "", CONTAINERFILE, flags=re.MULTILINE)
    file = tmp_path / "Containerfile"
    file.write_text(without_run, encoding="utf-8")
    assert without_run.count("RUN") == CONTAINERFILE.count("RUN") - 3

    succeeds(
        *(*buildah, "bud", "--format=docker", "--pull-never", "-f", file, "-t", "image", BASE_DIR)
    )

    said = json.loads(succeeds(*buildah, "inspect", "--type=image", "image"))
    image = said["Docker"]["config"]
    assert image["User"] == "10001"
    assert image["Cmd"] == ["python", "-m", "config.serve"]
    assert list(image["ExposedPorts"]) == ["8000/tcp"]
    mounted = succeeds(*buildah, "mount", succeeds(*buildah, "from", "--pull-never", "image"))
    there = {path.name for path in Path(mounted, "opt", "undersigned").iterdir()}
    assert there == {
        "LICENSE",
        "config",
        "letter",
        "locale",
        "manage.py",
        "signatories",
        "templates",
    }


def succeeds(*command: object) -> str:
    done = run(*command)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_what_the_image_has_made_beforehand_is_not_made_again_at_the_start(tmp_path):
    (command,) = re.findall(r'^RUN (\["python", .*\])$', CONTAINERFILE, flags=re.MULTILINE)
    environ = clean_environ() | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "VAR_DIR": str(tmp_path),
    }
    said = [
        subprocess.run(
            [sys.executable, *json.loads(command)[1:]],
            cwd=BASE_DIR,
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _time in (1, 2)
    ]

    assert [bool(words) for words in said] == [True, False]
