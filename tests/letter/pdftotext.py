"""Finds poppler's pdftotext, by which people and machines read PDFs, or brings it."""

import shutil
import subprocess

import pytest

from tests import debian


def bring() -> None:
    """Install it where this machine allows; without, the tests that need it say that they were left out."""
    debian.bring("pdftotext", "poppler-utils")


def text_of(pdf: bytes) -> str:
    """A PDF's text as pdftotext gives it."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed (Debian: poppler-utils)")
    done = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True)
    return done.stdout.decode()
