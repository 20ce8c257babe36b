"""Finds poppler's pdftotext, by which people and machines read PDFs, or brings it."""

import os
import shutil
import subprocess

import pytest


def bring() -> None:
    """Install it where this machine allows; without, the tests that need it say that they were left out."""
    if shutil.which("pdftotext") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        print("No pdftotext here: installing Debian's poppler-utils…", flush=True)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (
            ["update", "-qq"],
            ["install", "-y", "-qq", "--no-install-recommends", "poppler-utils"],
        ):
            subprocess.run(
                ["apt-get", *arguments], env=quiet, stdout=subprocess.DEVNULL, check=False
            )


def text_of(pdf: bytes) -> str:
    """A PDF's text as pdftotext gives it."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed (Debian: poppler-utils)")
    done = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True)
    return done.stdout.decode()
