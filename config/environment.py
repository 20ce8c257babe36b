"""Reads values of the environment: one rule for what counts as on, and for lists."""

import os
from collections.abc import Mapping

ON = frozenset({"1", "true", "yes", "on"})
OFF = frozenset({"0", "false", "no", "off"})


def env_bool(name: str, environ: Mapping[str, str] = os.environ, *, default: bool = False) -> bool:
    """Whether the variable says 1, true, yes or on; the default where it says nothing."""
    word = environ.get(name, "").strip().lower()
    return word in ON if word else default


def env_list(name: str, environ: Mapping[str, str] = os.environ) -> list[str]:
    """The variable's comma-separated items, without the empty ones."""
    return [item.strip() for item in environ.get(name, "").split(",") if item.strip()]


def env_int(name: str, default: int, environ: Mapping[str, str] = os.environ) -> int:
    """A whole number of at least one; the default where it is none."""
    text = environ.get(name, "").strip()
    return int(text) if text.isascii() and text.isdecimal() and int(text) > 0 else default
