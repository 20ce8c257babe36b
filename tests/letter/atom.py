"""What is wrong with an Atom feed, by RFC 4287: its grammar (atom.rng) and what depends on other elements."""

from collections import Counter
from pathlib import Path

from lxml import etree

GRAMMAR = etree.RelaxNG(etree.parse(Path(__file__).with_name("atom.rng")))
NAMES = {"a": "http://www.w3.org/2005/Atom"}
ALTERNATE = (None, "alternate", "http://www.iana.org/assignments/relation/alternate")


def faults(document: bytes) -> list[str]:
    """All faults in words; empty for a valid feed."""
    feed = etree.fromstring(document)
    if not GRAMMAR.validate(feed):
        return [str(error) for error in GRAMMAR.error_log]
    entries = feed.findall("a:entry", NAMES)
    found = []
    if feed.find("a:author", NAMES) is None and not all(
        entry.find("a:author", NAMES) is not None for entry in entries
    ):
        found.append("§4.1.1: an entry has no author, and neither has the feed")
    for element in (feed, *entries):
        alternates = Counter(
            (link.get("type"), link.get("hreflang"))
            for link in element.findall("a:link", NAMES)
            if link.get("rel") in ALTERNATE
        )
        if any(count > 1 for count in alternates.values()):
            found.append("§4.1.1, §4.1.2: two alternate links of one type and language")
    for entry in entries:
        content = entry.find("a:content", NAMES)
        if content is None and not any(
            link.get("rel") in ALTERNATE for link in entry.findall("a:link", NAMES)
        ):
            found.append("§4.1.2: an entry has neither content nor an alternate link")
        if content is not None and content.get("src") and entry.find("a:summary", NAMES) is None:
            found.append("§4.1.2: content lies elsewhere, and there is no summary")
    keys = [
        (entry.findtext("a:id", None, NAMES), entry.findtext("a:updated", None, NAMES))
        for entry in entries
    ]
    if len(set(keys)) < len(keys):
        found.append("§4.1.1: one entry stands there twice")
    return found
