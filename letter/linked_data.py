"""What a letter's page says of itself to search engines: JSON-LD in the words of schema.org.

It is a block of data, which no browser runs, so the strict content security policy lets it be.
"""

import json
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString

from letter.digest import timestamp
from letter.models import Edition, Text


def of_page(
    edition: Edition,
    text: Text,
    *,
    url: str,
    description: str,
    letterhead: str,
    card: str,
    first_published_at: datetime,
) -> SafeString:
    """The element for the page's head. The list is not in it: 5,000 names would be in every page twice."""
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Article",
        "headline": text.title,
        "description": description,
        "inLanguage": text.language,
        "url": url,
        "mainEntityOfPage": url,
        "datePublished": timestamp(first_published_at),
        "dateModified": timestamp(edition.published_at),
        "version": edition.number,
        "isAccessibleForFree": True,
        "interactionStatistic": {
            "@type": "InteractionCounter",
            "interactionType": "https://schema.org/EndorseAction",
            "userInteractionCount": edition.organization_count,
        },
    }
    if card:
        data["image"] = card
    if letterhead:
        coalition = {"@type": "Organization", "name": letterhead}
        data |= {"author": coalition, "publisher": coalition}
    written = json.dumps(data, ensure_ascii=False)
    # HTML reads no entities here, only where the element ends ("script data state"): JSON has other words for that.
    for each in "<>&":
        written = written.replace(each, f"\\u{ord(each):04x}")
    return SafeString(f'<script type="application/ld+json">{written}</script>')
