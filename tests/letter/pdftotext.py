"""What poppler's pdftotext, by which people and machines read PDFs, reads in one."""

import shutil
import subprocess

import pytest


def text_of(pdf: bytes) -> str:
    """A PDF's text as pdftotext gives it."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed (Debian: poppler-utils)")
    done = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True)
    return done.stdout.decode()
