"""Brings programs that are tested or tested with, where Debian has them and this machine allows it."""

import os
import shutil
import subprocess

# Which package has which program.
PACKAGES = {
    "buildah": "buildah",
    "chromium": "chromium",
    "docker-compose": "docker-compose",
    "faketime": "faketime",
    "nginx": "nginx",
    "pdftotext": "poppler-utils",
    "pgbouncer": "pgbouncer",
    "redis-server": "redis-server",
    "systemd-analyze": "systemd",
    "wrk": "wrk",
}
# Servers are in folders that only root's shells look into.
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def find(program: str) -> str | None:
    """The path of a program on this machine."""
    return shutil.which(program, path=PATH)


def bring(*programs: str) -> None:
    """Install those that are not here; the caller looks whether it worked."""
    missing = [PACKAGES[program] for program in programs if find(program) is None]
    if not missing or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print(f"Installing Debian's {', '.join(missing)}…", flush=True)
    # Servers among them are not to be started (RUNLEVEL).
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for arguments in (
        ["update", "-qq"],
        ["install", "-y", "-qq", "--no-install-recommends", *missing],
    ):
        # Its thousand lines of progress would bury what matters; its errors stay.
        subprocess.run(["apt-get", *arguments], env=quiet, stdout=subprocess.DEVNULL, check=False)


def path_of(program: str) -> str:
    """The path of a program that a test cannot do without; fails, saying what to install."""
    path = find(program)
    assert path, f"There is no {program} here: on Debian, apt install {PACKAGES[program]}"
    return path
