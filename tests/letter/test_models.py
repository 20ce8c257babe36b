"""What a letter is at a moment, and who may know."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from letter.models import Letter
from tests.factories import NOW, LetterFactory

HOUR = timedelta(hours=1)
DRAFT, NOT_YET, OPEN, PAST, CLOSED = Letter.Status


@pytest.mark.parametrize(
    ("state", "opens", "closes", "cutoff", "status", "takes"),
    [
        ("draft", None, None, None, DRAFT, False),
        ("draft", -1, 1, None, DRAFT, False),
        ("open", None, None, None, OPEN, True),
        ("open", 1, 2, None, NOT_YET, False),
        ("open", 0, 2, None, OPEN, True),
        ("open", -2, 1, None, OPEN, True),
        ("open", -2, 0, None, PAST, False),
        ("open", None, -1, None, PAST, False),
        ("open", None, -1, 1, PAST, True),
        ("open", None, -2, 0, PAST, False),
        ("closed", None, None, None, CLOSED, False),
        ("closed", -1, 1, 2, CLOSED, False),
    ],
)
def test_status_and_whether_signatures_are_taken(state, opens, closes, cutoff, status, takes):
    def moment(hours):
        return None if hours is None else NOW + hours * HOUR

    letter = Letter(
        state=state, opens_at=moment(opens), closes_at=moment(closes), cutoff_at=moment(cutoff)
    )

    assert (letter.status(at=NOW), letter.takes_signatures(at=NOW)) == (status, takes)


def test_times_that_contradict_each_other_do_not_validate(db):
    letter = LetterFactory.build(opens_at=NOW, closes_at=NOW - HOUR)

    with pytest.raises(ValidationError, match="must open before its deadline"):
        letter.full_clean()


def test_nothing_of_the_public_room_points_into_the_private_one():
    """What a linter cannot see: relations between models."""
    from django.apps import apps

    outward = {
        field.related_model._meta.app_label
        for model in apps.get_app_config("letter").get_models()
        for field in model._meta.get_fields()
        if field.is_relation and not field.auto_created and field.related_model
    }

    assert outward == {"letter", "auth"}
