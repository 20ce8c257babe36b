"""What reads texts and files of strangers, each with what it promises of whatever comes."""

import io
import unicodedata
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from html.parser import HTMLParser
from ipaddress import ip_address
from typing import Any, Final
from wsgiref.util import setup_testing_defaults

from django.core.exceptions import (
    BadRequest,
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import QueryDict
from django.http.multipartparser import MultiPartParserError
from django.test import RequestFactory, override_settings
from PIL import Image

from config.logs import without_secrets
from config.proxies import client_address, scheme_of
from config.reading import WsgiApplication
from letter import comparing, countries, logo, ordering, recipients, sharing, sheets, text
from letter.cells import protected, unprotected
from letter.characters import without_hidden
from letter.front import _says_nothing
from letter.models import LANGUAGE_CODES
from letter.serving import ENCODINGS, encoding_for, is_named
from signatories import letter_file, list_file, other_names
from signatories.forms import SignForm, new_stamp
from signatories.likeness import likeness
from signatories.names import KEY_MAX_LENGTH, NameRefused, clean_line, clean_name, name_key
from signatories.networks import network_key
from tests.fuzz.cases import Dice, Target

CODES: Final = frozenset(dict(countries.choices()))
# What may be in a page of ours that a text was made into.
TAGS: Final = frozenset(
    [
        "a",
        "blockquote",
        "br",
        "code",
        "em",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "section",
        "strong",
        "sup",
        "ul",
    ]
)
ATTRIBUTES: Final = frozenset(
    ["href", "title", "id", "rel", "role", "aria-label", "class", "start"]
)


def _text(data: bytes) -> str:
    """Whatever may come out of Django's hands: text without half characters."""
    return data.decode("utf-8", "replace")


class Allowed(HTMLParser):
    """Raises where there is anything but the tags, attributes and links that a text may become."""

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        for name, value in attrs:
            assert name in ATTRIBUTES, name
            if name == "href":
                assert value is not None
                assert value.startswith("#") or value.lower().startswith(
                    ("http:", "https:", "mailto:")
                ), value

    def handle_startendtag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def is_clean(name: str, *, max_length: int = 250) -> None:
    """Raises unless a name may stand on a public list."""
    assert name == clean_name(name, max_length=max_length)
    assert name == unicodedata.normalize("NFC", name)
    assert name == without_hidden(name)
    assert len(name) <= max_length
    assert not any(unicodedata.category(char) in {"Cc", "Cs", "Co", "Cn"} for char in name)
    assert "\n" not in name
    assert name_key(name)


# --- Texts ---


def markdown(data: bytes) -> None:
    source = _text(data)
    html = text.render_markdown(source)
    parser = Allowed()
    parser.feed(html)
    parser.close()
    _nodes(text.tree(source))
    assert len(text.plain_text(source, limit=200)) <= 200
    paragraphs = text.paragraphs(source)
    for before, after in ((paragraphs, paragraphs[::2]), (paragraphs[1:], paragraphs)):
        pieces = [piece for one in comparing.compare(before, after) for piece in one]
        shown = "".join(piece.text for piece in pieces if piece.kind != "taken_out")
        assert sorted("".join(shown.split())) == sorted("".join("".join(after).split()))


def _nodes(nodes: Iterable[Any]) -> None:
    for node in nodes:
        if isinstance(node, str):
            assert (
                not any(unicodedata.category(char) == "Cc" and char != "\n" for char in node)
                or "\t" in node
            )
        else:
            _nodes(node["of"])


def names(data: bytes) -> None:
    raw = data.decode("utf-8", "surrogateescape")
    key = name_key(raw)
    assert len(key) <= KEY_MAX_LENGTH
    assert name_key(key) == key
    with suppress(NameRefused):
        line = clean_line(raw)
        assert clean_line(line) == line
    with suppress(NameRefused):
        is_clean(clean_name(raw))


def several_names(data: bytes) -> None:
    with suppress(NameRefused):
        for code, name in other_names.read(_text(data)).items():
            assert code in LANGUAGE_CODES
            is_clean(name)


def likely(data: bytes) -> None:
    one, _, other = _text(data).partition("\0")
    assert 0 <= likeness(one[:250], other[:250]) <= 1
    keys = [ordering.collation_key(each[:250]) for each in (one, other)]
    assert all(isinstance(ordering.initial(key), str) for key in keys)


def where(data: bytes) -> None:
    label = _text(data)
    codes = countries.read_label(label)
    assert codes is None or CODES.issuperset(codes)
    assert CODES.issuperset(countries.meanings(label))
    assert countries.match(label) in {*CODES, None}
    assert all(isinstance(each, str) for each in countries.readings(label))
    assert isinstance(countries.unread_part(label), str)
    if codes:
        assert countries.read_label(countries.label_from(codes)) == codes


def cells(data: bytes) -> None:
    typed = data.decode("utf-8", "surrogateescape")
    cell = protected(typed)
    assert unprotected(cell) == typed
    for part in (cell, *cell.split(";"), *cell.split("\t"), *cell.split("|")):
        assert not part.lstrip(' "').startswith(tuple("=+-@＝＋－＠"))


def logged(data: bytes) -> None:
    said = without_secrets(data.decode("utf-8", "surrogateescape"))
    assert "/confirm/secret" not in said
    assert "somebody@example.org" not in without_secrets(f"{said} somebody@example.org")


# --- Files ---


def letter(data: bytes) -> None:
    read = letter_file.read_letter(_text(data))
    for entry in read.entries:
        is_clean(entry.name)
        assert CODES.issuperset(entry.countries)
    text.render_markdown(read.body)


def listed(data: bytes) -> None:
    filename = "list.csv" if data[:1] > b"M" else ""
    with suppress(list_file.Unreadable):
        for row in list_file.check(
            list_file.lay_out(list_file.read_table(data, filename=filename))
        ):
            _row(row)


def _row(row: Any) -> None:
    assert all(said for _field, said in row.problems)
    if row.problems:
        return
    is_clean(row.name)
    assert CODES.issuperset(row.countries)
    assert row.website == "" or row.website.startswith(("http://", "https://", "ftp"))
    for field in ("label", "contact_name", "contact_role", "sort_as", "note"):
        value = getattr(row, field)
        assert value == without_hidden(value)
    assert not row.email or "@" in row.email
    several_names(row.other_names.encode())


SHEET: Final = "xl/worksheets/sheet1.xml"
STRINGS: Final = "xl/sharedStrings.xml"


def packed(parts: dict[str, bytes]) -> bytes:
    """An .xlsx of one sheet, whose parts these take the place of."""
    main = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = b"http://schemas.openxmlformats.org/package/2006/"
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml."
    usual = {
        "[Content_Types].xml": b'<Types xmlns="%scontent-types">'
        b'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        b'<Override PartName="/xl/workbook.xml" ContentType="%ssheet.main+xml"/>'
        b'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="%sworksheet+xml"/>'
        b'<Override PartName="/xl/sharedStrings.xml" ContentType="%ssharedStrings+xml"/>'
        b"</Types>" % (package, kind, kind, kind),
        "_rels/.rels": b'<Relationships xmlns="%srelationships"><Relationship Id="r1" '
        b'Type="%s/officeDocument" Target="xl/workbook.xml"/></Relationships>' % (package, office),
        "xl/workbook.xml": b'<workbook xmlns="%s" xmlns:r="%s"><sheets>'
        b'<sheet name="A" sheetId="1" r:id="r1"/></sheets></workbook>' % (main, office),
        "xl/_rels/workbook.xml.rels": b'<Relationships xmlns="%srelationships">'
        b'<Relationship Id="r1" Type="%s/worksheet" Target="worksheets/sheet1.xml"/>'
        b'<Relationship Id="r2" Type="%s/sharedStrings" Target="sharedStrings.xml"/>'
        b"</Relationships>" % (package, office, office),
        STRINGS: b'<sst xmlns="%s"/>' % main,
        SHEET: b'<worksheet xmlns="%s"><sheetData/></worksheet>' % main,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in (usual | parts).items():
            archive.writestr(name, part)
    return buffer.getvalue()


def rows(inside: bytes) -> bytes:
    """A sheet's XML with that in it."""
    main = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return b'<worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>' % (main, inside)


def sheet(data: bytes) -> None:
    kind, inside = data[:1], data[1:]
    if kind < b"\x80":
        made = packed({SHEET: rows(inside)})
    elif kind < b"\xc0":
        made = packed({STRINGS: inside, SHEET: rows(b'<row><c t="s"><v>0</v></c></row>')})
    else:
        whole = packed({SHEET: rows(b'<row><c t="inlineStr"><is><t>PAX</t></is></c></row>')})
        at = int.from_bytes(inside[:2], "big") % len(whole)
        made = whole[:at] + inside[2:] + whole[at + len(inside[2:]) :]
    with suppress(sheets.Broken, sheets.TooLarge):
        for _number, texts in sheets.first_sheet(made, most_rows=50, most_columns=10):
            assert all(isinstance(each, str) for each in texts)
            assert len(texts) <= 10


def to_whom(data: bytes) -> None:
    with suppress(recipients.NotReadable):
        for recipient in recipients.read(recipients.text_of(data)):
            for field in recipients.FIELDS:
                value = getattr(recipient, field)
                assert len(value) <= 200
                assert value == without_hidden(value)
            assert recipient.country in {*CODES, ""}
            assert recipient.language in {*LANGUAGE_CODES, ""}


def picture(data: bytes) -> None:
    try:
        drawing = logo.drawn(io.BytesIO(data))
    except logo.NotDrawn as refused:
        assert str(refused).endswith(".")  # noqa: PT017
        return
    with Image.open(io.BytesIO(drawing.png)) as drawn:
        assert (drawn.format, drawn.size, drawn.info) == (
            "PNG",
            (drawing.width, drawing.height),
            {},
        )


# --- Headers, addresses, forms ---


def proxies(data: bytes) -> None:
    dice = Dice(data)
    known = ("127.0.0.1", "192.0.2.7", "2001:db8::1", "::ffff:10.0.0.1", "", "unix:", "10.0.0.1")
    request = RequestFactory().get("/")
    request.META["REMOTE_ADDR"] = dice.text(known)
    request.META["HTTP_X_FORWARDED_FOR"] = ",".join(
        dice.text(known) for _each in range(dice.number(5))
    )
    request.META["HTTP_X_FORWARDED_PROTO"] = dice.text(("https", "http"))
    with override_settings(TRUSTED_PROXIES=dice.pick(([], ["127.0.0.1"], ["0.0.0.0/0", "::/0"]))):
        address = client_address(request)
        scheme_of(request.META)
    assert not address or str(ip_address(address)) == address
    key = network_key(address, letter_id=1)
    assert key == "" or len(key) == 32


def encodings(data: bytes) -> None:
    header = data.decode("latin-1")
    assert encoding_for.__wrapped__(header) in {*ENCODINGS, ""}
    assert is_named('"x"', header) in {True, False}
    assert is_named('"x"', f'{header}, "x"') or '"' in header


def queries(data: bytes) -> None:
    query = data.decode("latin-1")
    _says_nothing(query)
    for tag in (query, *query.split("-")):
        assert sharing.nearest(tag, ("fr", "zh-hans")) in {"fr", "zh-hans"}
        assert sharing.spoken(tag) in {"", *LANGUAGE_CODES}


def bodies(data: bytes) -> None:
    """A request's Content-Type and what follows: read, or refused by what Django makes an answer of."""
    head, _, body = data.partition(b"\n")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": head.decode("latin-1"),
        "CONTENT_LENGTH": str(len(body)),
        "QUERY_STRING": body[:50].decode("latin-1"),
        "wsgi.input": io.BytesIO(body),
    }
    setup_testing_defaults(environ)
    request = WsgiApplication.request_class(environ)
    refusals = (
        BadRequest,
        MultiPartParserError,
        RequestDataTooBig,
        TooManyFilesSent,
        TooManyFieldsSent,
    )
    with suppress(*refusals):
        for values in (request.GET, request.POST):
            for name in values:
                for value in (name, *values.getlist(name)):
                    value.encode()  # no half character, which no database takes


FIELDS: Final = (
    "organization",
    "countries",
    "countries_typed",
    "website",
    "contact_name",
    "contact_role",
    "email",
    "email_asked",
    "authorised",
    "privacy",
    "updates",
    "homepage_2",
    "stamp",
    "via",
    "other_name_fr",
)
TYPED: Final = {
    "organization": ("Genocide Alert",),
    "countries": ("KE", "DE", "Kenya", "xx"),
    "website": ("www.example.org", "https://example.org/a?b", "http://[::1]/"),
    "contact_name": ("Ana",),
    "contact_role": ("director",),
    "email": ("ana@example.org", "İ@exämple.org", "a@gmial.com"),
    "authorised": ("on",),
    "privacy": ("on",),
    "homepage_2": ("",),
    "countries_typed": ("",),
    "email_asked": ("",),
    "stamp": ("STAMP",),
    "via": ("", "amnesty"),
    "other_name_fr": ("", "Alerte"),
}


def typed(dice: Dice) -> dict[str, list[str]]:
    """A form as somebody might send it: mostly in order, with something odd in a field or two."""
    fields = {
        name: [new_stamp() if name == "stamp" else TYPED.get(name, ("on",))[0]] for name in FIELDS
    }
    for _each in range(dice.number(6)):
        name = dice.pick(FIELDS)
        values = [dice.text(TYPED.get(name, ("on",))) for _every in range(dice.number(4))]
        fields[name] = values
    return fields


def form(data: bytes) -> None:
    sent = QueryDict(mutable=True)
    for name, values in typed(Dice(data)).items():
        sent.setlist(name, [value.encode("utf-8", "replace").decode() for value in values])
    filled = SignForm(sent, languages=("en", "fr"))
    if len(data) % 8 == 0:  # as it is shown again, which takes ten times as long
        str(filled)
    if filled.is_valid():
        changes = filled.changes()
        is_clean(changes["name"])
        assert CODES.issuperset(changes["countries"])
        assert changes["website"] == "" or changes["website"].startswith(("http://", "https://"))
        assert len(changes["website"]) <= 200
        for name in changes["other_names"].values():
            is_clean(name)
        for field in ("contact_name", "contact_role"):
            is_clean(filled.cleaned_data[field], max_length=150)
        email = filled.cleaned_data["email"]
        assert email == email.lower() == without_hidden(email)
        assert len(email) <= 254
        assert email.count("@") >= 1


MARKDOWN = (
    b"# ",
    b"**",
    b"*",
    b"_",
    b"`",
    b"```\n",
    b"> ",
    b"- ",
    b"1. ",
    b"\n",
    b"\n\n",
    b"    ",
    b"[a](",
    b")",
    b"https://example.org",
    b"javascript:",
    b"[^1]",
    b"[^1]: ",
    b"<a href=",
    b"<!--",
    b"&#x3a;",
    b"![",
    b"\\",
    b"---",
    b"<https://a.b>",
    b"[r]: ",
    b"\t",
    b"~~~",
    b"mailto:a@b.c",
    b"data:text/html,",
)
WORDS = (
    b"Kenya",
    b"KE",
    b" and ",
    b", ",
    b"Congo",
    b"(",
    b")",
    b"; ",
    b"PAX",
    b"\n",
    b"1. ",
    b"fr: ",
    b" | ",
    b"&",
    b"et",
)
# The slow ones first: what they leave of their share the others make up for.
PARSERS: Final = (
    Target(
        "list file",
        listed,
        (
            *WORDS,
            b"Name",
            b",",
            b"\t",
            b'"',
            b"a@b.org",
            b"www.b.org",
            b"Name;Country\n",
            b"\xff\xfe",
            b"PK",
        ),
    ),
    Target("form", form, (b"\1", b"\2", b"\3\4", b"\5", b"\6")),
    Target("markdown", markdown, MARKDOWN),
    Target(
        "letter file",
        letter,
        (*WORDS, b"Excellency,\n", b"Sincerely,\n", "¹".encode(), b"# ", b"2. ", b"()"),
    ),
    Target(
        "names", names, ("e\u0301".encode(), "\u200d".encode(), "\u0915\u094d".encode(), b"a", b" ")
    ),
    Target(
        "several names",
        several_names,
        (b"fr: ", b"ar: ", b" | ", b"|", b"\n", b"Paix", b"zh-hans:"),
    ),
    Target("likeness", likely, (b"Human Rights", b" Watch", b"HRW", b"\0", b"-")),
    Target("countries", where, WORDS),
    Target("cells", cells, (b"=", b"+", b"-", b"@", b"'", b'"', b";", b"\t", b"|", b" ", b"a")),
    Target(
        "logs", logged, (b"/confirm/secret", b"a@b.c", b"?q=", b"DETAIL:", b"%40", b"/signature/")
    ),
    Target(
        "spreadsheet",
        sheet,
        (
            b"\0",
            b"\x80",
            b"\xc0",
            b"<row>",
            b"</row>",
            b'<row r="9">',
            b'<row r="999999999999">',
            b"<c>",
            b"</c>",
            b'<c r="XFD1">',
            b'<c t="s">',
            b'<c t="inlineStr">',
            b"<is><t>a</t></is>",
            b"<v>1</v>",
            b"<v>1e999</v>",
            b"<v>nan</v>",
            b'<c t="d">',
            b'<c t="b">',
            b'<c s="1">',
            b"<f>A1</f>",
            b"<sst>",
            b"<si><t>",
            b"</t></si>",
            b"</sst>",
            b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>",
            b"&b;",
        ),
    ),
    Target(
        "recipients",
        to_whom,
        (
            *WORDS,
            b"Name;Title;Salutation;Country;Language\n",
            b'"',
            b"fr",
            b";",
            b"\t",
            b"\xff\xfe",
        ),
    ),
    Target(
        "logo",
        picture,
        (
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
            b"\xff\xd8\xff\xe0\0\x10JFIF\0",
            b"RIFF\0\0\0\0WEBPVP8L",
            b"IDAT",
            b"\0\0\0\1",
        ),
    ),
    Target("proxies", proxies, (b"\0", b"\1", b"\2", b"\3")),
    Target(
        "encodings",
        encodings,
        (
            b"gzip",
            b"br",
            b"*",
            b";q=",
            b"0",
            b"1",
            b"nan",
            b"inf",
            b"1e9",
            b",",
            b'"',
            b"W/",
            b"identity",
        ),
    ),
    Target(
        "queries", queries, (b"utm_a=", b"fbclid", b"&", b"=", b"fr", b"-", b"zh", b"Hans", b"_")
    ),
    Target(
        "request bodies",
        bodies,
        (
            b"multipart/form-data; boundary=a\n",
            b"--a\r\n",
            b"--a--",
            b"\r\n",
            b"\r\n\r\n",
            b"text/plain; charset=",
            b"base64",
            b"utf-7",
            b"rot13",
            b"idna",
            b"punycode",
            b"unicode_escape",
            b"; a*=x; a*0=y",
            b"charset*=b''%00",
            b'Content-Disposition: form-data; name="x"',
            b"; filename=y",
            b"; name*=utf-7''%2B2AA-",
            b"\n",
            b"a=1&b=2",
            b"%ED%A0%80",
            b"application/x-www-form-urlencoded\n",
            b"Content-Transfer-Encoding: base64\r\n",
            b"+2AA-",
            b"*0*=",
            b"charset*=",
            b"utf-8''",
        ),
    ),
)
