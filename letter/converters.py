"""What an address may have in it, besides what Django knows."""

from django.urls import register_converter

from letter.models import LANGUAGE_CODES


class LanguageConverter:
    """A language code that a letter can be written in."""

    regex = "|".join(sorted(LANGUAGE_CODES, key=len, reverse=True))

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(LanguageConverter, "language")
