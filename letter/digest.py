r"""Digests by which anyone can verify a letter's editions without us.

Every digest is the SHA-256, in lower-case hex, of one JSON object in a canonical form: UTF-8 with
no byte order mark; keys sorted by Unicode code point; no white space between tokens; only strings,
integers, null, arrays and objects; text exactly as published, nothing escaped but the quotation
mark, the backslash and U+0000-U+001F (``\b \t \n \f \r``, else ``\u00xx`` in lower case).

Each line of the list has a commitment, over its salt, name, countries and label, and, where it has them,
its names in other languages and the number of the revised text that it signed. An edition's
digest is over the letter's slug, the edition's number and time, the previous edition's digest
("" in the first), the digest of the revision it prints, and the commitments in the list's order.
So no name can be added, taken out, changed or moved in an old edition without changing every
digest after it. To verify: recompute the commitments from the public JSON, then the editions in
turn, and compare the last digest with one that was noted down earlier or elsewhere.

To redact a line, all that its commitment covers is deleted everywhere and its commitment
stays, so the chain still holds. The salt, 128 random bits, is why the commitment alone tells
nothing: without it one could try every organization's name against the hash.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

REVISION_FIELDS: Final = frozenset({"title", "addressee", "salutation", "body", "closing_line"})


def canonical(value: object) -> bytes:
    """The canonical form of a value, as the module's docstring describes it.

    Raises TypeError for what the form leaves out (floats, booleans, other types and keys that are
    not strings), UnicodeEncodeError for a lone surrogate. Tuples count as arrays.
    """
    _check(value)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def _check(value: object) -> None:
    # A boolean is an int in Python but not in JSON: by exact type, so that none slips through.
    if value is None or type(value) in {str, int}:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            if type(key) is not str:
                raise TypeError(f"a key in the canonical form is text, not {type(key).__name__}")
            _check(item)
    elif isinstance(value, list | tuple):
        for item in value:
            if type(item) is not str:  # most are, and there are thousands
                _check(item)
    else:
        raise TypeError(f"the canonical form has no {type(value).__name__}")


def _digest(value: object) -> str:
    return hashlib.sha256(canonical(value)).hexdigest()


def new_salt() -> str:
    """128 random bits as 32 hex characters, one salt for each line."""
    return secrets.token_hex(16)


def commitment(
    salt: str,
    name: str,
    countries: Sequence[str],
    label: str | None,
    *,
    other_names: Mapping[str, str] | None = None,
    signed_text: int | None = None,
) -> str:
    """The digest that stands for one line.

    `countries` are ISO codes in the order given. `label` is None where it is made from the
    countries, "" where it is hidden, and otherwise the text as set. Names in other languages, and the
    number of the revised text that was signed, are covered where there are any, so that a line without
    them has the digest that it always had.
    """
    line: dict[str, object] = {
        "salt": salt,
        "name": name,
        "countries": list(countries),
        "label": label,
    }
    if other_names:
        line["other_names"] = dict(other_names)
    if signed_text is not None:
        line["signed_text"] = signed_text
    return _digest(line)


def revision_digest(slug: str, number: int, texts: Mapping[str, Mapping[str, str]]) -> str:
    """The digest of a revision: the letter's slug, the number, and its texts by language code.

    Each text has exactly the REVISION_FIELDS (the body as Markdown), else ValueError: a field
    forgotten would be a field that anyone may change.
    """
    for language, text in texts.items():
        if text.keys() != REVISION_FIELDS:
            wrong = ", ".join(sorted(text.keys() ^ REVISION_FIELDS))
            raise ValueError(f"the text in {language!r} lacks or should not have: {wrong}")
    by_language = {language: dict(text) for language, text in texts.items()}
    return _digest({"letter": slug, "number": number, "texts": by_language})


def edition_digest(
    *,
    letter: str,
    number: int,
    published_at: datetime,
    previous: str,
    revision: str,
    lines: Iterable[str],
) -> str:
    """The digest of an edition.

    `letter` is the slug, `previous` the digest of the edition before ("" for the first),
    `revision` the revision's digest, `lines` the commitments in the order of the list.
    """
    return _digest(
        {
            "letter": letter,
            "number": number,
            "published_at": timestamp(published_at),
            "previous": previous,
            "revision": revision,
            "lines": lines if isinstance(lines, list | tuple) else list(lines),
        }
    )


def timestamp(at: datetime) -> str:
    """A time as digests hold it: UTC, the second begun, as in "2026-11-24T05:00:00Z".

    Raises ValueError for a time without a zone, which would mean another moment elsewhere.
    """
    if at.tzinfo is None or at.utcoffset() is None:
        raise ValueError("a published time needs a time zone")
    return at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
