"""Reads pages as a person does: without the markup."""

import html
import re


def text_of(response) -> str:
    """A page's text, white space folded."""
    page = re.sub(r"<(script|style).*?</\1>", "", response.content.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", page)).split())
