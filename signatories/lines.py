"""From approved signatories to the public lines that `letter.publishing` is handed."""

from collections.abc import Collection, Iterator, Mapping

from django.utils import translation

from letter.countries import country_name
from letter.models import Letter, Revision
from letter.ordering import country_key, sort_key
from letter.publishing import Line
from signatories.models import Signatory


def line_of(signatory: Signatory, letter: Letter) -> Line:
    """The public line of a signatory, approved or not yet."""
    with translation.override(letter.default_language):
        return _line(signatory, letter, _signed_texts(letter))


def approved_lines(letter: Letter, line_ids: Collection[str] | None = None) -> Iterator[Line]:
    """The lines of the approved signatories of a letter, all or those among `line_ids`, in no particular order."""
    approved = Signatory.objects.for_letter(letter).approved()
    if line_ids is not None:
        approved = approved.filter(line_id__in=line_ids)
    signed_texts = _signed_texts(letter)
    with translation.override(letter.default_language):
        for signatory in approved.iterator(chunk_size=2000):
            yield _line(signatory, letter, signed_texts)


def _signed_texts(letter: Letter) -> dict[int, int | None]:
    """For each revision, the text that its signatories stand under: the last that changed what is asked for.

    None is the first text, so that nothing changes in lines while there is no other.
    """
    signed: int | None = None
    found: dict[int, int | None] = {}
    for revision in letter.revisions.order_by("number"):
        if revision.kind == Revision.Kind.SUBSTANTIVE and revision.published_at:
            signed = revision.number
        found[revision.pk] = signed
    return found


def _line(signatory: Signatory, letter: Letter, signed_texts: Mapping[int, int | None]) -> Line:
    first = signatory.countries[0] if signatory.countries else ""
    return Line(
        line_id=signatory.line_id,
        name=signatory.name,
        countries=tuple(signatory.countries),
        label=signatory.public_label,
        other_names=signatory.other_names,
        # None as well for an entry that is being typed, and has signed nothing yet.
        signed_text=signed_texts.get(signatory.revision_id),
        sort_key=sort_key(
            letter.ordering,
            name=bytes(signatory.collation_key),
            country=country_key(country_name(first) if first else ""),
            approved_at=signatory.approved_at,
            line_id=signatory.line_id,
        ),
    )
