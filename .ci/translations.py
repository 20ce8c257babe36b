"""Finds what a reader in another language would get in English, or broken.

Three looks: every catalogue under locale/ must be complete (no empty entry, no fuzzy one, the
same placeholders as its source), must have just the strings that code and templates have, and be
compiled (see .ci/catalogues.py); and no template may hold words outside of gettext's tags.
Prints each finding with its file and line; exit status 1 where there is one.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

# Names, which are the same in every language.
NOT_TRANSLATED = {"Undersigned", "CSV", "JSON", "PDF", "Atom"}
# Attributes that are read to or by people.
READ_ATTRIBUTES = {"alt", "aria-description", "aria-label", "label", "placeholder", "title"}
PLACEHOLDER = re.compile(r"%\([^)]+\)[a-z]|%[sd]|\{[^{}]*\}")
COMMENTS = re.compile(r"\{#.*?#\}|\{%\s*comment\b.*?%\}.*?\{%\s*endcomment\s*%\}", re.DOTALL)
TRANSLATED = re.compile(
    r"\{%\s*blocktrans(?:late)?\b.*?%\}.*?\{%\s*endblocktrans(?:late)?\s*%\}", re.DOTALL
)
# A block that fills in a class or a policy's keyword: "frame-wide", "same-origin".
KEYWORDS = re.compile(r"\{%\s*block\s+\w+\s*%\}[a-z0-9]+(?:-[a-z0-9]+)+\{%\s*endblock\b.*?%\}")
VERBATIM = re.compile(r"\{%\s*verbatim\b.*?%\}|\{%\s*endverbatim\s*%\}", re.DOTALL)
# Keys are the same in every language.
KEYS = re.compile(r"<kbd>.*?</kbd>")
TAGS = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)


@dataclass
class Entry:
    """One message of a catalogue."""

    line: int
    is_fuzzy: bool = False
    source: list[str] = field(default_factory=list)  # msgid, msgid_plural
    target: list[str] = field(default_factory=list)  # msgstr, or msgstr[0], msgstr[1], …


def entries(text: str) -> Iterator[Entry]:
    """The messages of a .po file, without its header and what is obsolete."""
    entry: Entry | None = None
    is_fuzzy = False
    into: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        keyword, _, rest = line.partition(" ")
        if line.startswith("#,"):
            is_fuzzy = "fuzzy" in line
        elif line.startswith("#"):
            continue
        elif keyword == "msgctxt":
            into = []
            into.append("")
        elif keyword == "msgid":
            if entry and entry.source != [""]:
                yield entry
            entry, is_fuzzy = Entry(number, is_fuzzy), False
            into = entry.source
            into.append(ast.literal_eval(rest))
        elif entry and (keyword == "msgid_plural" or keyword.startswith("msgstr")):
            into = entry.source if keyword == "msgid_plural" else entry.target
            into.append(ast.literal_eval(rest))
        elif line.startswith('"') and into:
            into[-1] += ast.literal_eval(line)
    if entry and entry.source != [""]:
        yield entry


def catalogue_findings(text: str) -> Iterator[tuple[int, str]]:
    for entry in entries(text):
        words = repr(entry.source[0][:60])
        if entry.is_fuzzy:
            yield entry.line, f"fuzzy: {words}"
        elif not entry.target or not all(entry.target):
            yield entry.line, f"not translated: {words}"
        else:
            # A plural may leave out the number where the language says "one" in a word.
            owed = set(PLACEHOLDER.findall(entry.source[-1]))
            for target in entry.target[-1:]:
                if set(PLACEHOLDER.findall(target)) != owed:
                    yield entry.line, f"other placeholders than its source: {words}"


class _Words(HTMLParser):
    """Collects what a page says, with the lines where it does."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self._unread = ""  # the script or style that we are in

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "style"}:
            self._unread = tag
        for name, value in attrs:
            if name in READ_ATTRIBUTES and value:
                self._add(value)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._unread:
            self._unread = ""

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self._add(data)

    def _add(self, text: str) -> None:
        line = self.getpos()[0]
        for offset, piece in enumerate(text.split("\n")):
            self.found.append((line + offset, piece))


def template_findings(source: str, *, is_html: bool) -> Iterator[tuple[int, str]]:
    for pattern in (COMMENTS, TRANSLATED, KEYWORDS, VERBATIM, TAGS, KEYS):
        # Only the line breaks stay, so that lines keep their numbers.
        source = pattern.sub(lambda match: "\n" * match[0].count("\n"), source)
    if is_html:
        parser = _Words()
        parser.feed(source)
        parser.close()
        pieces = parser.found
    else:
        pieces = list(enumerate(source.split("\n"), start=1))
    for line, piece in pieces:
        words = " ".join(
            word for word in piece.split() if word.strip(".,:()–—") not in NOT_TRANSLATED
        )
        if any(character.isalpha() for character in words):
            yield line, f"words outside of a translation tag: {words[:60]!r}"


def file_findings() -> Iterator[str]:
    """What `make messages` would change."""
    import catalogues  # noqa: PLC0415  # beside this file, on the path when it is run

    for language in catalogues.LANGUAGES:
        po = catalogues.as_po(catalogues.updated(language))
        for path, due in (
            (catalogues.path_of(language), po),
            (catalogues.path_of(language, "mo"), catalogues.as_mo(po)),
        ):
            if not path.exists() or path.read_bytes() != due:
                yield f"{path.relative_to(BASE_DIR)}: not in line with the sources: run make messages"


def main() -> int:
    findings = list(file_findings())
    catalogues = sorted(BASE_DIR.glob("locale/*/LC_MESSAGES/*.po"))
    for path in catalogues:
        for line, finding in catalogue_findings(path.read_text(encoding="utf-8")):
            findings.append(f"{path.relative_to(BASE_DIR)}:{line}: {finding}")
    templates = sorted(
        path for path in BASE_DIR.glob("templates/**/*") if path.suffix in {".html", ".txt"}
    )
    for path in templates:
        source = path.read_text(encoding="utf-8")
        for line, finding in template_findings(source, is_html=path.suffix == ".html"):
            findings.append(f"{path.relative_to(BASE_DIR)}:{line}: {finding}")
    for finding in findings:
        print(finding)
    languages = ", ".join(path.parts[-3] for path in catalogues) or "no catalogue yet, only English"
    print(f"Translations: {languages}; {len(templates)} templates; {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
