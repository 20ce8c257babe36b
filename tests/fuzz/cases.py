"""What a case is: bytes. So hypothesis and atheris make them alike, and one that failed is told in a line."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.hostile import STRINGS

Chosen = TypeVar("Chosen")

# The targets of tests/fuzz/site.py, by their names: they need a database, and so Django.
SITE: Final = (
    "public pages",
    "the form, sent",
    "links in mails",
    "the desk, looked at",
    "the desk, typed into",
)
HOSTILE: Final = tuple(each.encode("utf-8", "surrogatepass") for each in STRINGS if len(each) < 400)


@dataclass(frozen=True)
class Target:
    """Something that takes bytes and raises whatever where it breaks what it promises.

    `seeds` are pieces of what it usually gets, to begin with.
    """

    name: str
    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]

    def cases(self) -> st.SearchStrategy[bytes]:
        pieces = st.one_of(
            st.sampled_from(self.seeds or (b"",)),
            st.sampled_from(HOSTILE),
            st.binary(max_size=8),
            st.text(max_size=8).map(str.encode),
        )
        return st.lists(pieces, max_size=12).map(b"".join)

    def try_out(self, tried: Callable[[bytes], None], count: int, *, beginning: Hashable) -> None:
        """Give `tried` so many cases, the same for the same beginning; one that fails is made smaller and told."""
        seed(beginning)(
            settings(
                max_examples=count,
                database=None,
                deadline=None,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            )(given(self.cases())(tried))
        )()


class Dice:
    """Choices and texts, read off a case's bytes; where they end, the first of everything."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def bytes(self, count: int) -> bytes:
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, below: int) -> int:
        """From 0 on."""
        width = 1 if below <= 256 else 2
        return int.from_bytes(self.bytes(width), "big") % below

    def pick(self, choices: Sequence[Chosen]) -> Chosen:
        return choices[self.number(len(choices))]

    def text(self, ordinary: Sequence[str] = ("",)) -> str:
        """An ordinary text, a hostile one, some bytes, or several of them."""
        kind = self.number(8)
        if kind < 3:
            return self.pick(ordinary)
        if kind == 7:
            return self.pick(ordinary) + self.text(ordinary) + self.pick(STRINGS)
        if kind == 6:
            return self.bytes(self.number(40)).decode("utf-8", "surrogateescape")
        return self.pick(STRINGS)

    def __bool__(self) -> bool:
        """Whether there are any left."""
        return self._at < len(self._data)
