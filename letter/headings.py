"""Column headings of tables that people bring, as they are told apart: by their words alone."""

import re
import unicodedata


def folded(heading: str) -> str:
    """The heading without case, accents and punctuation."""
    decomposed = unicodedata.normalize("NFKD", heading.replace("’", "'").casefold())
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(re.findall(r"[^\W_]+", plain))
