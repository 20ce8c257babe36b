"""Column headings of tables that people bring, as they are told apart: by their words alone."""

import re
import unicodedata
from typing import Final

_LONGEST: Final = 250  # characters; what is longer is no heading


def folded(heading: str) -> str:
    """The heading without case, accents and punctuation; nothing of what is none."""
    if len(heading) > _LONGEST:
        return ""
    decomposed = unicodedata.normalize("NFKD", heading.replace("’", "'").casefold())
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(re.findall(r"[^\W_]+", plain))
