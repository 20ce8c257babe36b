"""Brings programs that are tested or tested with, where Debian has them and this machine allows it."""

import os
import shutil
import subprocess

# Servers are in folders that only root's shells look into.
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def find(command: str) -> str | None:
    """The path of a program on this machine."""
    return shutil.which(command, path=PATH)


def bring(command: str, package: str) -> None:
    """Install a program that is not here; the caller looks whether it worked."""
    if find(command) or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print(f"No {command} here: installing Debian's {package}…", flush=True)
    # Servers among them are not to be started (RUNLEVEL).
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for arguments in (
        ["update", "-qq"],
        ["install", "-y", "-qq", "--no-install-recommends", package],
    ):
        # Its thousand lines of progress would bury what matters; its errors stay.
        subprocess.run(["apt-get", *arguments], env=quiet, stdout=subprocess.DEVNULL, check=False)


def path_of(command: str, package: str) -> str:
    """The path of a program that a test cannot do without; fails, saying what to install."""
    path = find(command)
    if path is None:
        msg = f"There is no {command} here. As root on Debian `make test` brings it; else: apt install {package}"
        raise AssertionError(msg)
    return path
