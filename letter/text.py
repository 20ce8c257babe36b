"""Letters' Markdown as HTML, as plain text, and as a tree for other formats.

CommonMark with footnotes, without raw HTML, tables or "smart" quotation marks: what is printed is
what was written. `render_markdown` is the product's only source of safe HTML. The HTML that it
makes is put through nh3 all the same, so a mistake in a parser cannot become a script on a page.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from html import escape
from typing import Any, Final, NotRequired, TypedDict

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
# Of no meaning on paper, and nothing that XML can hold; what XML leaves out beside them, too.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
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


class Node(TypedDict):
    """A piece of a text: its kind, what it holds, and what only some kinds have.

    Blocks: paragraph, heading (level), items, numbered (start), item, quote, preformatted, rule. Within
    them: strong, emphasis, code, link (href), break, note (number; holds blocks), note_again (number).
    """

    kind: str
    of: list["Node | str"]
    level: NotRequired[int]
    start: NotRequired[int]
    href: NotRequired[str]
    number: NotRequired[int]


def tree(source: str) -> list[Node]:
    """A text's blocks, each note where it is first referred to.

    Levels of headings begin with 1 and leave none out, and no heading is empty, as ISO 14289-1 (PDF/UA)
    wants it. White space is folded, but in preformatted text; there is no control character.
    """
    parser = _parser()
    notes: dict[int, Node] = {}
    root = _nested(parser.parse(source, {}), notes)
    _put_notes(root, notes, {})
    level = 0
    blocks = [block for block in root["of"] if not isinstance(block, str)]
    for block in _all_nodes(blocks):
        if block["kind"] == "heading" and not _is_said(block):
            block["kind"] = "paragraph"
        elif block["kind"] == "heading":
            level = min(block["level"], level + 1)
            block["level"] = level
    return blocks


_KINDS: Final = {
    "paragraph": "paragraph",
    "heading": "heading",
    "bullet_list": "items",
    "ordered_list": "numbered",
    "list_item": "item",
    "blockquote": "quote",
    "strong": "strong",
    "em": "emphasis",
    "link": "link",
    "footnote": "note",
    "footnote_block": "notes",
}
_LEAVES: Final = {
    "code_inline": "code",
    "code_block": "preformatted",
    "fence": "preformatted",
    "hr": "rule",
    "hardbreak": "break",
}


def _nested(tokens: Iterable[Token], notes: dict[int, Node]) -> Node:
    """The tokens as a tree; what the notes say goes to `notes`, and a reference is empty as yet."""
    root: Node = {"kind": "root", "of": []}
    open_nodes = [root]
    for token in tokens:
        if token.nesting == 1:
            node: Node = {"kind": _KINDS[token.type.removesuffix("_open")], "of": []}
            if node["kind"] == "note":
                notes[token.meta["id"]] = node
            elif node["kind"] != "notes":
                open_nodes[-1]["of"].append(node)
            if node["kind"] == "heading":
                node["level"] = int(token.tag[1:])
            elif node["kind"] == "numbered":
                node["start"] = int(token.attrGet("start") or 1)
            elif node["kind"] == "link":
                node["href"] = str(token.attrGet("href") or "")
            open_nodes.append(node)
        elif token.nesting == -1:
            open_nodes.pop()
        elif token.type == "inline":
            open_nodes[-1]["of"] += _nested(token.children or [], notes)["of"]
        else:
            open_nodes[-1]["of"] += _leaf(token)
    return root


def _leaf(token: Token) -> list[Node | str]:
    if token.type in {"text", "image"}:
        # Nothing is loaded from elsewhere, so what an image says in words must do.
        words = "".join(_words([token]))
        return [_CONTROL.sub("", re.sub(r"\s+", " ", words))]
    if token.type == "softbreak":
        return [" "]
    if token.type == "footnote_ref":
        return [{"kind": "note", "of": [], "number": token.meta["id"]}]
    if token.type in _LEAVES:
        return [{"kind": _LEAVES[token.type], "of": [_CONTROL.sub("", token.content)]}]
    return []  # the arrow from a note back to the text


def _put_notes(node: Node, notes: Mapping[int, Node], numbers: dict[int, int]) -> None:
    """Put what each note says where it is first referred to, and number them in that order."""
    for child in node["of"]:
        if isinstance(child, str):
            continue
        if child["kind"] == "note":
            key = child["number"]
            if key in numbers:
                child["kind"], child["number"] = "note_again", numbers[key]
                continue
            child["number"] = numbers[key] = len(numbers) + 1
            child["of"] = notes[key]["of"] if key in notes else []
        _put_notes(child, notes, numbers)


def _is_said(node: Node) -> bool:
    """Whether a node holds any word or sign, apart from notes."""
    return any(
        any(map(str.isprintable, child.strip()))
        if isinstance(child, str)
        else child["kind"] not in {"note", "note_again"} and _is_said(child)
        for child in node["of"]
    )


def _all_nodes(nodes: Iterable[Node | str]) -> Iterator[Node]:
    for node in nodes:
        if not isinstance(node, str):
            yield node
            yield from _all_nodes(node["of"])


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


def paragraphs(source: str) -> list[str]:
    """A text's words by paragraph, heading and list item, for comparing; notes last.

    Unlike `plain_text` it keeps where a link leads ("our letter <https://…>") and the marks of
    notes ("[1]"), for a change of those is a change of what is said. Emphasis is left out.
    """
    found: list[str] = []
    note = ""
    for token in _parser().parse(source, {}):
        if token.type == "footnote_open":
            note = f"[{token.meta['id'] + 1}] "
        elif token.type in {"inline", "code_block", "fence"}:
            words = "".join(_marked_words(token.children or [])) or token.content
            if folded := " ".join(words.split()):
                found.append(note + folded)
            note = ""
    return found


def _marked_words(tokens: Sequence[Token]) -> Iterator[str]:
    address = ""
    for token in tokens:
        if token.type == "link_open":
            address = str(token.attrGet("href") or "")
        elif token.type == "link_close":
            yield f" <{address}>"
        elif token.type == "footnote_ref":
            yield f"[{token.meta['id'] + 1}]"
        else:
            yield from _words([token])


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
