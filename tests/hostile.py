"""The one table of hostile strings: what somebody might type into any field, to break any output."""

from typing import Final

SCRIPTS: Final = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></textarea></script><svg onload=alert(1)>",
    "<!-- <b> -->]]>",
    "&lt;b&gt; &amp;amp; &#60;i&#62;",
    "[x](javascript:alert(1)) <javascript:alert(1)> [y](data:text/html,x)",
    "![x](https://evil.example/x.png) <https://evil.example/>",
    "`<b>` [^1] **x**\n\n[^1]: <i>",
)
HEADERS: Final = (
    "Peace\r\nBcc: victim@example.org",
    "Peace\nContent-Type: text/html\n\n<b>",
    "=?utf-8?q?=0D=0ABcc:_victim?=",
    '"a" <b@example.org>, c@example.org',
)
FORMULAS: Final = (
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    ' "=1+1"',
    "＝1+1",
    "a;=1+1",
    "'=1+1",
    'DDE("cmd";"/C calc")',
    "#REF!",
    '1,"2";3',
)
TYPST: Final = (
    '#import "x.typ": *',
    '#eval("1")',
    "$ x $ `raw` @label <label>",
    "\\ \\u{202e} = heading",
    "#[b] // c /* d */",
)
TEMPLATES: Final = (
    "{{ settings.SECRET_KEY }}",
    "{% load x %}",
    "%(name)s %s %d",
    "{0.__class__}",
    "${x}",
)
BIDI: Final = tuple(
    f"PAX {chr(code)}XAP" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
)
INVISIBLE: Final = (
    "A\u200bB\ufeffC\u00ad",
    "nul\0byte",
    "bell\x07 form\x0c escape\x1b",
    "del\x7f csi\x9b",
    "not\ufffe xml\uffff",
    "line\u2028paragraph\u2029next\x85",
    "half\ud800 pair\udfff",
)
LONG: Final = (
    "x" * 300,
    "e" + "\u0301" * 60,
    "\u1100\u1161\u11a8" * 60,
    "W" * 249,
    "a" * 6000,
)
SCRIPTS_OF_THE_WORLD: Final = (
    "منظمة السلام (كينيا)",
    "ארגון השלום",
    "👩‍👩‍👧 🇰🇪🇪🇹",
    "和平组织",
    "İstanbul ß ﬁ Ǆ",
)

STRINGS: Final = (
    *SCRIPTS,
    *HEADERS,
    *FORMULAS,
    *TYPST,
    *TEMPLATES,
    *BIDI,
    *INVISIBLE,
    *LONG,
    *SCRIPTS_OF_THE_WORLD,
)
