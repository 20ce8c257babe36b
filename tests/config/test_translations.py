"""What `make check` asks of catalogues and templates, in .ci/translations.py."""

import importlib.util
import sys

import pytest

from tests.browser.site import BASE_DIR


@pytest.fixture(scope="module")
def translations():
    spec = importlib.util.spec_from_file_location("translations", BASE_DIR / ".ci/translations.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["translations"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["translations"]


HEADER = 'msgid ""\nmsgstr ""\n"Language: fr\\n"\n\n'


@pytest.mark.parametrize(
    ("entry", "findings"),
    [
        ('msgid "Sign"\nmsgstr "Signer"\n', []),
        ('msgid "Sign"\nmsgstr ""\n', [(5, "not translated: 'Sign'")]),
        ('#, fuzzy\nmsgid "Sign"\nmsgstr "Signe"\n', [(6, "fuzzy: 'Sign'")]),
        ('#~ msgid "Sign"\n#~ msgstr ""\n', []),
        ('msgid ""\n"Sign "\n"here"\nmsgstr ""\n"Signer "\n"ici"\n', []),
        ('msgctxt "verb"\nmsgid "Sign"\nmsgstr "Signer"\n', []),
        (
            'msgid "By %(day)s"\nmsgstr "Avant le %(jour)s"\n',
            [(5, "other placeholders than its source: 'By %(day)s'")],
        ),
        (
            'msgid "%(n)s name"\nmsgid_plural "%(n)s names"\n'
            'msgstr[0] "un nom"\nmsgstr[1] "%(n)s noms"\n',
            [],
        ),
        (
            'msgid "%(n)s name"\nmsgid_plural "%(n)s names"\nmsgstr[0] "%(n)s nom"\nmsgstr[1] ""\n',
            [(5, "not translated: '%(n)s name'")],
        ),
    ],
)
def test_catalogue_findings(translations, entry, findings):
    assert list(translations.catalogue_findings(HEADER + entry)) == findings


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('<p>{% translate "Sign" %}</p>', []),
        ("<p>Sign</p>", [1]),
        ("<p>\n  {% blocktranslate trimmed %}\n  Sign\n  {% endblocktranslate %}\n  here</p>", [5]),
        ("<p>{# a note #}{% comment %}another{% endcomment %}</p>", []),
        ('<img alt="A seal">', [1]),
        ('<img alt="{% translate "A seal" %}" class="seal">', []),
        ('<p{% if wide %} class="wide"{% endif %}>{{ count }} · 12</p>', []),
        ("<a>JSON</a> <a>Undersigned</a>", []),
        ('{% block frame %}frame-wide{% endblock %}<script src="x.js"></script>', []),
        ("{% block title %}Letters{% endblock %}", [1]),
        ("<style>p { color: red }</style>", []),
    ],
)
def test_template_findings_in_html(translations, source, lines):
    assert [line for line, _ in translations.template_findings(source, is_html=True)] == lines


def test_template_findings_in_a_plain_mail(translations):
    source = '{% translate "Hello," %}\n\nplease <confirm>\n{{ url }}\n'

    findings = list(translations.template_findings(source, is_html=False))

    assert findings == [(3, "words outside of a translation tag: 'please <confirm>'")]
