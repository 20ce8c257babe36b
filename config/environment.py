"""Reads values of the environment: one rule for what counts as on, and for lists."""

import os
from collections.abc import Mapping


def env_bool(name: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the variable says 1, true, yes or on."""
    return environ.get(name, "").strip().lower() in {"1", "true", "yes", "on"}


def env_list(name: str, environ: Mapping[str, str] = os.environ) -> list[str]:
    """The variable's comma-separated items, without the empty ones."""
    return [item.strip() for item in environ.get(name, "").split(",") if item.strip()]
