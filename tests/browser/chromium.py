"""Finds a Chromium for the browser tests, or brings one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests import debian

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class NoBrowser(Exception):
    """Says in a sentence how to get a browser."""


def find() -> str | None:
    """The path of a Chromium on this machine: CHROMIUM's, a command, or Playwright's own."""
    named = os.environ.get("CHROMIUM")
    if named:
        path = shutil.which(named)
        if path is None:
            msg = f"CHROMIUM is {named!r}, which is no program here. Mend it, or unset it."
            raise NoBrowser(msg)
        return path
    for command in COMMANDS:
        if path := shutil.which(command):
            return path
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def find_or_install() -> str:
    """Likewise, installing one where there is none; raises NoBrowser where that fails too."""
    path = find()
    if path is None:
        install()
        path = find()
    if path is None:
        msg = (
            "There is no Chromium for the browser tests, and none could be installed. "
            "Install the package chromium or Google Chrome, or set CHROMIUM to its path."
        )
        raise NoBrowser(msg)
    return path


def install() -> None:
    """Install Chromium the way this machine allows; the caller looks whether it worked."""
    debian.bring("chromium")
    if any(map(shutil.which, COMMANDS)):
        return
    print("No Chromium here: asking Playwright to download its own…", flush=True)
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
