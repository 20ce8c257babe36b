"""Texts compared word by word: what is shown is both texts, neither more nor less."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from letter.comparing import Piece, compare, is_changed
from letter.text import paragraphs

WORDS = st.sampled_from(
    ["veto", "Council", "the", "of", "مجلس", "安理会", "é.", "<https://a.org/b>"]
)
PARAGRAPHS = st.lists(st.lists(WORDS, min_size=1, max_size=8).map(" ".join), max_size=5)


def shown(compared):
    """With marks as a person would make them on paper."""
    marks = {"same": "{}", "added": "+{}+", "taken_out": "-{}-"}
    return [
        "".join(marks[piece.kind].format(piece.text) for piece in pieces) for pieces in compared
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("We ask for a code.", "We ask for a code.", ["We ask for a code."]),
        ("We ask for a code.", "We ask for the code.", ["We ask for -a-+the+ code."]),
        ("We ask for a code.", "We ask for a code of conduct.", ["We ask for a code+ of conduct+."]),
        ("every member abstains", "all shall abstain", ["-every member abstains-", "+all shall abstain+"]),
        ("我们要求安理会行动", "我们请求安理会行动", ["我们-要-+请+求安理会行动"]),
        ("قانون سلوك المجلس", "قانون سلوك الجمعية", ["قانون سلوك -المجلس-+الجمعية+"]),
        ("see our letter <https://a.org/1>", "see our letter <https://a.org/2>", ["see our letter -<https://a.org/1>-+<https://a.org/2>+"]),
        ("", "Excellency,", ["+Excellency,+"]),
        ("Excellency,", "", ["-Excellency,-"]),
    ],
)  # fmt: skip
def test_one_paragraph(old, new, expected):
    assert shown(compare([old], [new])) == expected


def test_a_paragraph_put_in_between_leaves_the_others_as_they_are():
    old = ["The first asks for reasons.", "The last thanks everyone."]
    new = ["The first asks for good reasons.", "A wholly new demand.", "The last thanks everyone."]

    assert shown(compare(old, new)) == [
        "The first asks for +good +reasons.",
        "+A wholly new demand.+",
        "The last thanks everyone.",
    ]


@given(PARAGRAPHS, PARAGRAPHS)
def test_without_what_was_added_it_is_the_old_text_and_without_what_went_the_new(old, new):
    compared = compare(old, new)

    def only(other):
        texts = [
            "".join(piece.text for piece in pieces if piece.kind in {"same", other})
            for pieces in compared
        ]
        return [" ".join(text.split()) for text in texts if text.strip()]

    assert only("taken_out") == old
    assert only("added") == new
    assert is_changed(compared) == (old != new)
    assert Piece("same", "") not in [piece for pieces in compared for piece in pieces]


def test_paragraphs_have_the_words_the_links_and_the_notes_of_a_letter():
    source = (
        "# Heading\n\nWe *ask*\nfor [a code](https://a.org/b).[^1]\n\n"
        "- One\n- Two\n\n[^1]: Article 27.\n\n    And a second part."
    )

    assert paragraphs(source) == [
        "Heading",
        "We ask for a code <https://a.org/b>.[1]",
        "One",
        "Two",
        "[1] Article 27.",
        "And a second part.",
    ]
