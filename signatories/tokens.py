"""The secrets that stand in mailed links."""

import hashlib
import secrets


def new_token() -> str:
    """32 random bytes, URL-safe: 43 characters that nobody guesses."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What the database keeps of a token: its SHA-256, in hex.

    A salt or a slow hash protects secrets that people choose, because those can be guessed. A
    token is 256 random bits: there is no dictionary of them and no table to compute beforehand,
    and an unsalted hash lets the database find the row by an index.
    """
    return hashlib.sha256(token.encode()).hexdigest()
