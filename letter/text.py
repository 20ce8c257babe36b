"""Letters' Markdown as HTML and as plain text.

CommonMark with footnotes, without raw HTML, tables or "smart" quotation marks: what is printed is
what was written. `render_markdown` is the product's only source of safe HTML. The HTML that it
makes is put through nh3 all the same, so a mistake in a parser cannot become a script on a page.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from html import escape
from typing import Any, Final

import nh3
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from mdit_py_plugins.footnote import footnote_plugin

_TAGS: Final = frozenset(
    "a blockquote br code em h2 h3 h4 h5 h6 hr li ol p pre section strong sup ul".split()  # noqa: SIM905
)
_ATTRIBUTES: Final[Mapping[str, frozenset[str]]] = {
    "a": frozenset({"href", "title", "id", "rel", "role", "aria-label"}),
    "li": frozenset({"id"}),
    "ol": frozenset({"start"}),
    "section": frozenset({"role", "aria-label"}),
}
_CLASSES: Final[Mapping[str, frozenset[str]]] = {
    "a": frozenset({"footnote-back"}),
    "section": frozenset({"footnotes"}),
    "sup": frozenset({"footnote-ref"}),
}
_SCHEMES: Final = frozenset({"http", "https", "mailto"})
_PREFIX: Final = re.compile(r"[A-Za-z0-9_-]*")
_VALUES: Final[Mapping[str, re.Pattern[str]]] = {
    "id": re.compile(r"[A-Za-z0-9_-]*fn(ref)?[0-9]+(-[0-9]+)?"),
    "role": re.compile(r"doc-(noteref|backlink|endnotes)"),
    "rel": re.compile(r"noopener"),
    # An address without a scheme leads nowhere from an e-mail or a PDF.
    "href": re.compile(r"#.*|(https?|mailto):.*", re.IGNORECASE),
}
_PREFIX_KEY: Final = "footnote_prefix"  # in markdown-it's `env`, which carries it to the rules


def render_markdown(source: str, *, prefix: str = "") -> SafeString:
    """A text's HTML, safe to put on a page.

    "#" becomes <h2>, since a page's <h1> is the letter's title. Notes stand at the end in a
    section of their own, linked there and back. `prefix` is put before their ids ("fr-" makes
    "fr-fn1"), so that several texts can stand on one page; ValueError if it is more than letters,
    digits, "_" and "-". The few words of ours (labels of links) are in the active language.
    """
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(f"not a prefix of ids: {prefix!r}")
    parser = _parser()
    env: dict[str, Any] = {_PREFIX_KEY: prefix}
    tokens = parser.parse(source, env)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1:]) + 1, 6)}"
    html = parser.renderer.render(tokens, parser.options, env)
    return mark_safe(_cleaner().clean(html))  # noqa: S308  sanitised one call before


def plain_text(source: str, *, limit: int = 0) -> str:
    """A text's words: no Markdown, no footnote marks or notes, white space folded.

    With a `limit` the result has at most so many characters, cut after a word, with "…".
    """
    text = " ".join("".join(_words(_parser().parse(source, {}))).split())
    if not limit or len(text) <= limit:
        return text
    head = text[: limit - 1]
    if text[limit - 1] != " " and " " in head:
        head = head[: head.rindex(" ")]
    return head.rstrip(" ,;:.–—-") + "…"


def _words(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type == "footnote_block_open":
            return
        if token.type in {"inline", "image"}:
            yield from _words(token.children or [])
        elif token.type in {"text", "code_inline", "code_block", "fence"}:
            yield token.content
        if token.block or token.type in {"softbreak", "hardbreak"}:
            yield " "


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False})
    # No notes within the text (^[like this]): they are no CommonMark, and easily made by mistake.
    parser.use(footnote_plugin, inline=False)
    rules: dict[str, Callable[..., str]] = {
        "image": _image,
        "link_open": _link_open,
        "footnote_ref": _footnote_ref,
        "footnote_block_open": _notes_open,
        "footnote_block_close": _notes_close,
        "footnote_open": _note_open,
        "footnote_anchor": _note_back,
    }
    for name, rule in rules.items():
        parser.add_render_rule(name, rule)
    return parser


@cache
def _cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        allowed_classes={tag: set(names) for tag, names in _CLASSES.items()},
        attribute_filter=_kept_value,
        url_schemes=set(_SCHEMES),
        link_rel=None,  # ours is set by _link_open, and on links that lead away only
    )


def _kept_value(_tag: str, attribute: str, value: str) -> str | None:
    """The value of an allowed attribute, or None to take the attribute away."""
    allowed = _VALUES.get(attribute)
    return value if allowed is None or allowed.fullmatch(value) else None


# Render rules: markdown-it's own do without roles, labels and prefixes.


def _image(
    _self: RendererProtocol, tokens: Sequence[Token], idx: int, _options: OptionsDict, _env: EnvType
) -> str:
    # Nothing is loaded from elsewhere, so what an image says in words must do.
    return escape("".join(_words(tokens[idx].children or [])))


def _link_open(
    self: RendererProtocol, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
) -> str:
    tokens[idx].attrSet("rel", "noopener")
    return str(self.renderToken(tokens, idx, options, env))  # type: ignore[attr-defined]


def _footnote_ref(
    _self: RendererProtocol, tokens: Sequence[Token], idx: int, _options: OptionsDict, env: EnvType
) -> str:
    number, reference = _footnote(tokens[idx], env)
    shown = tokens[idx].meta["id"] + 1
    return (
        f'<sup class="footnote-ref"><a id="{reference}" href="#{number}" role="doc-noteref">'
        f"{shown}</a></sup>"
    )


def _notes_open(*_args: object) -> str:
    label = escape(_("Notes"))
    return f'<section class="footnotes" role="doc-endnotes" aria-label="{label}">\n<ol>\n'


def _notes_close(*_args: object) -> str:
    return "</ol>\n</section>\n"


def _note_open(
    _self: RendererProtocol, tokens: Sequence[Token], idx: int, _options: OptionsDict, env: EnvType
) -> str:
    note, _reference = _footnote(tokens[idx], env)
    return f'<li id="{note}">'


def _note_back(
    _self: RendererProtocol, tokens: Sequence[Token], idx: int, _options: OptionsDict, env: EnvType
) -> str:
    _note, reference = _footnote(tokens[idx], env)
    label = escape(_("Back to the text"))
    # U+FE0E: the arrow as text; without it some telephones show a picture.
    return (
        f' <a class="footnote-back" href="#{reference}" role="doc-backlink" aria-label="{label}">'
        "\u21a9\ufe0e</a>"
    )


def _footnote(token: Token, env: EnvType) -> tuple[str, str]:
    """The ids of a note and of the place that refers to it (the second place: "fnref1-2")."""
    number = token.meta["id"] + 1
    again = token.meta.get("subId", 0)
    suffix = f"-{again + 1}" if again > 0 else ""
    return f"{env[_PREFIX_KEY]}fn{number}", f"{env[_PREFIX_KEY]}fnref{number}{suffix}"
