import pytest
from django.utils.safestring import SafeString
from hypothesis import given
from hypothesis import strategies as st

from letter.text import plain_text, render_markdown


def test_render_markdown_knows_the_features_of_a_letter():
    source = "# Call\n\n**We** urge *all* [states](https://example.org/code).\n\n- one\n\n> said"

    assert render_markdown(source) == (
        "<h2>Call</h2>\n"
        "<p><strong>We</strong> urge <em>all</em> "
        '<a href="https://example.org/code" rel="noopener">states</a>.</p>\n'
        "<ul>\n<li>one</li>\n</ul>\n"
        "<blockquote>\n<p>said</p>\n</blockquote>\n"
    )


def test_render_markdown_links_footnotes_there_and_back():
    html = render_markdown("Atrocities[^a] end.\n\n[^a]: As *defined*.", prefix="fr-")

    assert html == (
        '<p>Atrocities<sup class="footnote-ref">'
        '<a id="fr-fnref1" href="#fr-fn1" role="doc-noteref">1</a></sup> end.</p>\n'
        '<section class="footnotes" role="doc-endnotes" aria-label="Notes">\n<ol>\n'
        '<li id="fr-fn1"><p>As <em>defined</em>. <a class="footnote-back" href="#fr-fnref1" '
        'role="doc-backlink" aria-label="Back to the text">\u21a9\ufe0e</a></p>\n</li>\n'
        "</ol>\n</section>\n"
    )


def test_render_markdown_gives_a_second_reference_its_own_id_and_way_back():
    html = render_markdown("One[^1] two[^1].\n\n[^1]: Note.")

    assert [html.count(part) for part in ('id="fnref1"', 'id="fnref1-2"', 'href="#fnref1-2"')] == [
        1,
        1,
        1,
    ]


def test_render_markdown_is_marked_safe():
    assert isinstance(render_markdown("text"), SafeString)


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"),
        ("<b onclick=x>b</b>", "<p>&lt;b onclick=x&gt;b&lt;/b&gt;</p>\n"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>\n"),
        ("[x](ftp://example.org)", '<p><a rel="noopener">x</a></p>\n'),
        ("[x](//example.org)", '<p><a rel="noopener">x</a></p>\n'),
        ("![A *flag*](https://example.org/flag.png)", "<p>A flag</p>\n"),
        ("```html\ncode\n```", "<pre><code>code\n</code></pre>\n"),
    ],
)
def test_render_markdown_lets_nothing_active_through(source, html):
    assert render_markdown(source) == html


def test_render_markdown_keeps_characters_as_written():
    assert render_markdown('"Quoted" -- it\'s (c) ... | a | b |') == (
        '<p>"Quoted" -- it\'s (c) ... | a | b |</p>\n'
    )


def test_render_markdown_shifts_headings_down_to_the_sixth():
    assert render_markdown("## b\n\n###### f") == "<h3>b</h3>\n<h6>f</h6>\n"


def test_render_markdown_refuses_a_prefix_that_is_no_id():
    with pytest.raises(ValueError, match="not a prefix of ids"):
        render_markdown("text", prefix='"><b>')


@given(st.text())
def test_render_markdown_never_makes_a_tag_that_is_not_allowed(source):
    html = render_markdown(source)

    assert "<script" not in html.lower()
    assert "<img" not in html.lower()


def test_plain_text_leaves_words_only():
    source = "# Title\n\n**We**[^1] `urge`\nall.\n\n- a\n- b\n\n[^1]: Note."

    assert plain_text(source) == "Title We urge all. a b"


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (0, "Hello, brave world"),
        (18, "Hello, brave world"),
        (17, "Hello, brave…"),
        (13, "Hello, brave…"),
        (12, "Hello…"),
        (4, "Hel…"),
    ],
)
def test_plain_text_cuts_after_a_word(limit, text):
    assert plain_text("Hello, brave world", limit=limit) == text


@given(st.text(), st.integers(min_value=1, max_value=60))
def test_plain_text_is_never_longer_than_its_limit(source, limit):
    assert len(plain_text(source, limit=limit)) <= limit
