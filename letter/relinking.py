"""Links of the site made to lead from file to file, for a copy of it that lies anywhere.

A link by path becomes relative to its file and names the file itself ("../index.html"), so that it works at any path
of any web server, in an archive and from a disk. An absolute one becomes likewise, or leads to the address at which the
copy will be, where that is known.
"""

import json
import posixpath
import re
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import urljoin, urlsplit
from xml.dom import minidom

from django.conf import settings

# What a page loads by itself; data-countries is read by its script.
_LOADING: Final = frozenset({"src", "srcset", "poster", "data", "data-countries"})
_LINKING: Final = _LOADING | {"href", "action", "formaction"}
_LOADING_RELATIONS: Final = frozenset(
    {"stylesheet", "icon", "preload", "modulepreload", "manifest"}
)
_ATTRIBUTE: Final = re.compile(
    r"""(?P<name>[^\s"'<>/=]+)(?P<is>\s*=\s*)(?P<value>"[^"]*"|'[^']*'|[^\s"'>]+)"""
)

_LINKED_DATA: Final = re.compile(r'<script type="application/ld\+json">.*?</script>', re.DOTALL)


class DeadLink(Exception):
    """A page leads to what the copy does not have, or would load something from elsewhere."""


@dataclass
class Relinker:
    """What the copy has: its files by the addresses that the site serves them at.

    `base` is the absolute address of the copy, with a slash at its end, or empty. `static` collects the static
    files that its pages use, by their names on the site.
    """

    files: dict[str, str]
    base: str = ""
    static: set[str] = field(default_factory=set)

    def page(self, body: bytes, address: str) -> bytes:
        """A page with its links made anew, and all other bytes as they are."""
        html = self._html(body.decode(), address)
        return _LINKED_DATA.sub(lambda data: self._linked_data(data[0], address), html).encode()

    def feed(self, body: bytes, address: str) -> bytes:
        """An Atom feed, with the links in the HTML of its entries."""
        document = minidom.parseString(body)  # noqa: S318  ours
        for link in document.getElementsByTagName("link"):
            link.setAttribute("href", self.link(link.getAttribute("href"), address))
        for name in ("title", "subtitle", "summary", "content"):
            for element in document.getElementsByTagName(name):
                if element.getAttribute("type") == "html" and element.firstChild:
                    words: Any = element.firstChild
                    words.data = self._html(words.data, address)
        return document.toxml(encoding="utf-8")

    def list(self, body: bytes, address: str) -> bytes:
        """A list as JSON: its schema is the copy's; its letter stays the live one unless the copy has an address."""
        document = json.loads(body)
        document["$schema"] = self.link(document["$schema"], address)
        if self.base:
            document["url"] = self.link(document["url"], address)
        return json.dumps(document, ensure_ascii=False).encode()

    def link(self, link: str, address: str, *, loads: bool = False) -> str:
        """A link as it is in the copy of the page at `address`; raises DeadLink.

        Somebody's words may name any address, also one of this site that no copy has: what is absolute and leads to
        no file stays as it is. `loads`: the page fetches it by itself.
        """
        if not link or link.startswith("#"):
            return link
        absolute = urljoin(settings.BASE_URL + address, link)
        is_absolute = bool(urlsplit(link).scheme)
        if not f"{absolute}/".startswith(f"{settings.BASE_URL}/"):
            if loads and not absolute.startswith("data:"):
                raise DeadLink(f"{address} loads {link} from elsewhere")
            return link
        wanted, hash_sign, fragment = absolute.removeprefix(settings.BASE_URL).partition("#")
        path = self._file(wanted)
        if path is None:
            if is_absolute and not loads:
                return link
            raise DeadLink(f"{address} leads to {link}, which is not part of the copy")
        start = posixpath.dirname(self.files[address])
        target = (
            self.base + path if self.base and is_absolute else posixpath.relpath(path, start or ".")
        )
        return f"{target}{hash_sign}{fragment}"

    def _file(self, wanted: str) -> str | None:
        if wanted.startswith(settings.STATIC_URL):
            name = wanted.removeprefix(settings.STATIC_URL)
            self.static.add(name)
            return f"static/{name}"
        return self.files.get(wanted)

    def _html(self, html: str, address: str) -> str:
        finder = _Tags()
        finder.feed(html)
        finder.close()
        line_starts = [0, *(found.end() for found in re.finditer("\n", html))]
        parts, done = [], 0
        for line, column, tag, attributes, source in finder.found:
            at = line_starts[line - 1] + column
            parts += [html[done:at], self._tag(source, tag, attributes, address)]
            done = at + len(source)
        return "".join([*parts, html[done:]])

    def _linked_data(self, element: str, address: str) -> str:
        """Data for search engines, with those of its texts that are addresses of the site made anew."""
        own = re.compile(f'"({re.escape(settings.BASE_URL)}/[^"]*)"')
        return own.sub(lambda found: f'"{self.link(found[1], address)}"', element)

    def _tag(self, source: str, tag: str, values: dict[str, str], address: str) -> str:
        relations = values.get("rel", "").split()

        def made_anew(found: re.Match[str]) -> str:
            name = found["name"].lower()
            value = values.get(name, "")
            if name in _LINKING:
                loads = name in _LOADING or (
                    tag == "link" and not _LOADING_RELATIONS.isdisjoint(relations)
                )
                new = self._links(value, address, loads=loads, several=name == "srcset")
            elif tag == "meta" and name == "content" and value.startswith(f"{settings.BASE_URL}/"):
                new = self.link(value, address)  # og:url, og:image and the like
            else:
                return found[0]
            return found[0] if new == value else f'{found["name"]}{found["is"]}"{escape(new)}"'

        return _ATTRIBUTE.sub(made_anew, source)

    def _links(self, value: str, address: str, *, loads: bool, several: bool) -> str:
        if not several:
            return self.link(value, address, loads=loads)
        candidates = [candidate.split() for candidate in value.split(",")]
        return ", ".join(
            " ".join([self.link(url, address, loads=loads), *size]) for url, *size in candidates
        )


class _Tags(HTMLParser):
    """The tags that have a link, and where they stand.

    By their places, and not by a tree that is written anew (lxml): that would change quotes, entities and white space
    all over pages that are kept as they were published.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, int, str, dict[str, str], str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _value in attrs}
        if not names.isdisjoint(_LINKING) or (tag == "meta" and "content" in names):
            values = {name: value or "" for name, value in reversed(attrs)}
            self.found.append((*self.getpos(), tag, values, self.get_starttag_text() or ""))
