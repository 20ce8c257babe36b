"""Brings the programs that the benchmarks measure against: nginx, and wrk, which asks."""

import os
import shutil
import subprocess


def bring(*commands: str) -> None:
    """Install from Debian those that are not here; ends with a sentence where that cannot be."""
    if missing := _missing(commands):
        if os.geteuid() == 0 and shutil.which("apt-get"):
            print(f"Installing Debian's {' and '.join(missing)}…", flush=True)
            quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
            for arguments in (
                ["update", "-qq"],
                ["install", "-y", "-qq", "--no-install-recommends", *missing],
            ):
                subprocess.run(
                    ["apt-get", *arguments], env=quiet, stdout=subprocess.DEVNULL, check=False
                )
        if missing := _missing(commands):
            msg = (
                f"For this benchmark there is no {' and no '.join(missing)} here, and as this user it "
                f"cannot be installed. On Debian, as root: apt install {' '.join(missing)}"
            )
            raise SystemExit(msg)


def _missing(commands: tuple[str, ...]) -> list[str]:
    return [command for command in commands if shutil.which(command) is None]
