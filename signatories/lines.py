"""From approved signatories to the public lines that `letter.publishing` is handed."""

from collections.abc import Iterator

from django.utils import translation

from letter.countries import country_name
from letter.models import Letter
from letter.ordering import country_key, sort_key
from letter.publishing import Line
from signatories.models import Signatory


def line_of(signatory: Signatory, letter: Letter) -> Line:
    """The public line of a signatory, approved or not yet."""
    with translation.override(letter.default_language):
        return _line(signatory, letter)


def approved_lines(letter: Letter) -> Iterator[Line]:
    """The lines of all approved signatories of a letter, in no particular order."""
    approved = Signatory.objects.for_letter(letter).approved().iterator(chunk_size=2000)
    with translation.override(letter.default_language):
        for signatory in approved:
            yield _line(signatory, letter)


def _line(signatory: Signatory, letter: Letter) -> Line:
    first = signatory.countries[0] if signatory.countries else ""
    return Line(
        line_id=signatory.line_id,
        name=signatory.name,
        countries=tuple(signatory.countries),
        label=signatory.public_label,
        sort_key=sort_key(
            letter.ordering,
            name=bytes(signatory.collation_key),
            country=country_key(country_name(first) if first else ""),
            approved_at=signatory.approved_at,
            line_id=signatory.line_id,
        ),
    )
