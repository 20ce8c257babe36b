"""Rows for tests: plain sequences, names from the trade."""

from datetime import UTC, datetime

import factory
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from letter.models import Letter, Revision, RevisionText
from signatories.models import Organization, Signatory
from signatories.names import name_key

# Long past wherever the tests run, so that what is due then is due now.
NOW = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)


class LetterFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Letter

    slug = factory.Sequence(lambda n: f"letter-{n}")
    title = "A letter"
    salutation = "Excellency,"
    closing_line = "Sincerely,"
    state = Letter.State.OPEN


class RevisionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Revision

    letter = factory.SubFactory(LetterFactory)
    number = 1
    published_at = NOW


class RevisionTextFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = RevisionText

    revision = factory.SubFactory(RevisionFactory)
    language = "en"
    body = "We ask for a **code of conduct**."


class OrganizationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Organization

    name = factory.Sequence(lambda n: f"Organisation {n:05}")
    name_key = factory.LazyAttribute(lambda made: name_key(made.name))


class SignatoryFactory(factory.django.DjangoModelFactory):
    """A sign-on in any state, without the history that led there."""

    class Meta:
        model = Signatory

    letter = factory.SubFactory(LetterFactory)
    name = factory.Sequence(lambda n: f"Organisation {n:05}")
    countries = factory.LazyFunction(lambda: ["KE"])
    contact_name = "Amina Yusuf"
    contact_role = "director"
    email = factory.Sequence(lambda n: f"contact{n}@example.org")
    state = Signatory.State.PENDING
    source = Signatory.Source.FORM
    submitted_at = NOW

    @classmethod
    def _create(cls, model_class, *args, **kwargs):
        signatory = model_class(*args, **kwargs)
        signatory.derive_keys()
        if signatory.revision_id is None:
            signatory.revision = signatory.letter.revisions.get()
        if signatory.state == Signatory.State.APPROVED and signatory.organization_id is None:
            signatory.organization, _ = Organization.objects.get_or_create(
                name_key=signatory.name_key, defaults={"name": signatory.name}
            )
            signatory.approved_at = NOW
        signatory.save()
        return signatory


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    email = factory.LazyAttribute(lambda made: f"{made.username}@coalition.example.org")
    is_staff = True

    @factory.post_generation
    def group(self, create, name):
        if name:
            self.groups.add(Group.objects.get(name=name))


def make_letter(**kwargs) -> Letter:
    """An open letter with a published text."""
    text = RevisionTextFactory(revision__letter=LetterFactory(**kwargs))
    return text.revision.letter
