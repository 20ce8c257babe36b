"""The catalogues under locale/: what there is to translate, and the files that follow from it.

`python .ci/catalogues.py` reads every string that code and templates hand to gettext, brings each .po file
in line with it (new ones empty, those that are gone removed) and compiles the .mo files, which are kept in the
repository so that nobody needs gettext's programs to run the product. Translate what is empty; then run
it again. `.ci/translations.py` checks all of it.
"""

import ast
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

BASE_DIR = Path(__file__).resolve().parent.parent
# What the product speaks besides English, in which its strings are written.
LANGUAGES = ("ar", "es", "fr", "pt", "ru", "zh_Hans")
CODE = ("config", "letter", "signatories")
# Where each function has its context, its message and the plural, by position.
CALLS = {
    "_": (None, 0, None),
    "gettext": (None, 0, None),
    "gettext_lazy": (None, 0, None),
    "gettext_noop": (None, 0, None),
    "ngettext": (None, 0, 1),
    "ngettext_lazy": (None, 0, 1),
    "pgettext": (0, 1, None),
    "pgettext_lazy": (0, 1, None),
    "npgettext": (0, 1, 2),
}
CALL = re.compile(rf"\b({'|'.join(CALLS)})\(")


@dataclass(frozen=True)
class Source:
    """One string to translate, and where it stands."""

    id: str
    plural: str | None
    context: str | None
    path: str


def sources() -> Iterator[Source]:
    """Every string that is handed to gettext, file by file."""
    for room in CODE:
        for path in sorted((BASE_DIR / room).rglob("*.py")):
            if "migrations" not in path.parts:
                yield from _of_code(path.read_text(encoding="utf-8"), _name(path))
    for path in sorted((BASE_DIR / "templates").rglob("*")):
        if path.suffix in {".html", ".txt"}:
            # Django's own way: a template becomes calls as Python has them, and noise around.
            code = templatize(path.read_text(encoding="utf-8"), origin=str(path))
            yield from _of_template(code, _name(path))


def _name(path: Path) -> str:
    return path.relative_to(BASE_DIR).as_posix()


def _of_code(code: str, path: str) -> Iterator[Source]:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from _source(node.func.id, node.args, path)


def _of_template(code: str, path: str) -> Iterator[Source]:
    for found in CALL.finditer(code):
        yield from _source(found[1], _arguments(code, found.end()), path)


def _arguments(code: str, start: int) -> list[ast.expr]:
    """The arguments of a call that begin there."""
    for end in (at.end() for at in re.compile(r"\)").finditer(code, start)):
        try:
            call = ast.parse(f"f({code[start:end]}", mode="eval").body
        except SyntaxError:
            continue  # a parenthesis within a string
        assert isinstance(call, ast.Call)
        return call.args
    return []


def _source(name: str, arguments: list[ast.expr], path: str) -> Iterator[Source]:
    if name not in CALLS:
        return
    values = [each.value if isinstance(each, ast.Constant) else None for each in arguments]
    texts = [None if at is None or at >= len(values) else values[at] for at in CALLS[name]]
    context, message, plural = (text if isinstance(text, str) else None for text in texts)
    if message:
        yield Source(message, plural, context, path)


def template() -> Catalog:
    """The catalogue of all sources, without translations; sorted as the files are."""
    found: dict[tuple[str, str | None], tuple[str | None, set[str]]] = {}
    for source in sources():
        plural, paths = found.get((source.id, source.context), (None, set()))
        found[source.id, source.context] = (plural or source.plural, paths | {source.path})
    catalog = Catalog(charset="utf-8", fuzzy=False)
    for (message, context), (plural, paths) in sorted(
        found.items(), key=lambda item: (min(item[1][1]), item[0][0], item[0][1] or "")
    ):
        catalog.add(
            (message, plural) if plural else message,
            locations=[(path, None) for path in sorted(paths)],  # type: ignore[misc]  # a file alone
            context=context,
        )
    return catalog


def path_of(language: str, suffix: str = "po") -> Path:
    return BASE_DIR / "locale" / language / "LC_MESSAGES" / f"django.{suffix}"


def read(language: str) -> Catalog:
    """A language's catalogue as it is kept; empty where there is none yet."""
    path = path_of(language)
    if not path.exists():
        return Catalog(locale=language, charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str) -> Catalog:
    """A language's catalogue with just what there is to translate now, and what is translated already."""
    kept = read(language)
    catalog = Catalog(
        locale=language, project="Undersigned", charset="utf-8", fuzzy=False, header_comment=""
    )
    for message in template():
        if message.id:
            catalog[message.id] = _translated(message, kept)
    return catalog


def _translated(message: Message, kept: Catalog) -> Message:
    earlier = kept.get(message.id, message.context)
    string = earlier.string if earlier and earlier.id == message.id else None
    is_plural = isinstance(message.id, tuple | list)
    if string is None or is_plural != isinstance(string, tuple | list):
        string = ("",) * kept.num_plurals if is_plural else ""
    return Message(
        message.id,
        string,
        locations=message.locations,
        flags=message.flags,
        context=message.context,
    )


def as_po(catalog: Catalog) -> bytes:
    """A catalogue's file: no dates and no line numbers, which change without a word having changed."""
    buffer = io.BytesIO()
    write_po(
        buffer, catalog, width=100, omit_header=True, include_lineno=False, ignore_obsolete=True
    )
    header = (
        'msgid ""\nmsgstr ""\n'
        f'"Language: {catalog.locale_identifier}\\n"\n'
        '"Content-Type: text/plain; charset=UTF-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: {catalog.plural_forms}\\n"\n\n'
    )
    return header.encode() + buffer.getvalue()


def as_mo(po: bytes) -> bytes:
    """The compiled form of a catalogue's file."""
    catalog = read_po(io.BytesIO(po))
    # Else the moment at which it was made: the same words make the same file.
    catalog.creation_date = catalog.revision_date = datetime(2000, 1, 1, tzinfo=UTC)
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def main() -> int:
    for language in LANGUAGES:
        catalog = updated(language)
        po = as_po(catalog)
        path_of(language).parent.mkdir(parents=True, exist_ok=True)
        path_of(language).write_bytes(po)
        path_of(language, "mo").write_bytes(as_mo(po))
        missing = sum(not is_translated(message) for message in catalog if message.id)
        print(f"{language}: {len(catalog)} strings, {missing} to translate")
    return 0


def is_translated(message: Message) -> bool:
    """Whether there is a translation, and one for each plural form."""
    strings = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return all(strings)


if __name__ == "__main__":
    sys.exit(main())
