import os

import pytest
from django.db import connection


def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse to pass on another database than the one that was announced."""
    expected = os.environ.get("UNDERSIGNED_EXPECT_VENDOR")
    if expected and connection.vendor != expected:
        pytest.exit(
            f"These tests were to run on {expected}, but Django is set up for {connection.vendor}.",
            returncode=pytest.ExitCode.USAGE_ERROR,
        )
