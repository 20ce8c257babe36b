"""Names of one organisation in several languages, as one text: "fr: Amnistie | ar: …", or one on each line."""

import re
from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext as _

from letter.models import LANGUAGE_CODES
from signatories.names import NameRefused, clean_name

_CODE: Final = "|".join(sorted(map(re.escape, LANGUAGE_CODES), key=len, reverse=True))
# A bar within a name is no separator, nor at the end of its line: one has a code behind it.
_SEPARATOR: Final = re.compile(rf"\n+|(?<!\|)\|+[^\S\n]*(?=(?:{_CODE})\s*[:：])", re.IGNORECASE)
_NAME: Final = re.compile(rf"\s*({_CODE})\s*[:：](.*)", re.IGNORECASE | re.DOTALL)


def written(names: Mapping[str, str], separator: str = " | ") -> str:
    """The names as one text, by their languages' codes."""
    return separator.join(f"{code}: {name}" for code, name in sorted(names.items()))


def read(text: str) -> dict[str, str]:
    """The names by their languages' codes; raises NameRefused with a sentence about the first that is wrong."""
    found: dict[str, str] = {}
    for part in _SEPARATOR.split(text):
        if not part.strip(" |\t\r"):
            continue
        match = _NAME.fullmatch(part)
        if match is None:
            raise NameRefused(
                _(
                    "Write each name as a language’s code, a colon and the name, as in “fr: …”; not “%(text)s”."
                )
                % {"text": part.strip()[:60]}
            )
        found[match[1].lower()] = clean_name(match[2])
    return found
