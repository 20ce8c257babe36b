"""Characters that nobody sees, and that hide, move or end what stands beside them."""

import re
from typing import Final

# What sets or overrides the direction of writing for all that follows (UTS #36 §3, UAX #9); single marks do not.
BIDI_CONTROLS: Final = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
# Controls but tab and the ends of lines, and what XML cannot hold besides.
_HIDDEN: Final = re.compile(
    f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{BIDI_CONTROLS}\ud800-\udfff\ufffe\uffff]"
)


def without_hidden(text: str) -> str:
    """A text that people read, without them."""
    return _HIDDEN.sub("", text)
