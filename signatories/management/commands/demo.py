"""manage.py demo: what `make demo` shows."""

from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

import signatories
from letter.models import Letter
from letter.publishing import request_publication
from signatories import moderation
from signatories.importing import import_letter
from signatories.letter_file import read_letter
from signatories.models import Event, Message, Signatory
from signatories.moderation import CONTACT, By
from signatories.worker import run_due

SLUG: Final = "no-veto"
FILE: Final = Path(signatories.__file__).parent / "demo" / "letter.txt"
OPEN_FOR: Final = timedelta(days=21)
SIGN_ON_TEXT: Final = (
    "Organisations of any size and any country may sign; individuals may not. "
    "Signing means that your organisation's name stands under the letter, **publicly and with its countries**, "
    "when it goes to the Permanent Representatives."
)


class SignOn(NamedTuple):
    """A made-up sign-on of the demo; `hours` ago it came in."""

    name: str
    countries: tuple[str, ...]
    website: str
    contact: str
    role: str
    email: str
    hours: int


WAITING: Final = (
    SignOn("Maison de la Mémoire du Kivu", ("CD", "RW"), "https://memoire-kivu.example", "Aline Bahati",
           "chargée de programme", "aline@memoire-kivu.example", 52),
    SignOn("مركز الشهادة والعدالة", ("JO", "SY"), "https://shahada.example", "Rima Haddad",
           "director", "office@shahada.example", 41),
    SignOn("Lakeside Peace Forum", ("KE", "UG"), "https://lakesidepeace.example", "James Otieno",
           "coordinator", "lakesidepeaceforum@gmail.com", 30),
    SignOn("Фонд «Память и право»", ("UA",), "https://pamyat.example", "Olena Kravets",
           "lawyer", "o.kravets@chambers.example.com", 17),
    SignOn("GENOCIDE WATCH", ("US",), "", "Someone Helpful", "supporter", "helpful@gmail.com", 9),
    SignOn("和平見證協會", ("TW",), "https://witness.example", "Lin Yu-ting", "secretary-general",
           "lin@witness.example", 5),
)  # fmt: skip
UNCONFIRMED: Final = SignOn(
    "Observatorio de Memoria",
    ("CO",),
    "",
    "Lucía Prieto",
    "directora",
    "lucia@observatorio.example",
    3,
)
RETURNED: Final = SignOn(
    "Peace Centre", ("NG",), "https://peacecentre.example", "Ngozi Obi", "director",
    "ngozi@peacecentre.example", 70,
)  # fmt: skip


class Command(BaseCommand):
    help = "Loads the demo letter with its signatories, some sign-ons that wait, and the coordinator demo / demo."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError(
                "This makes a coordinator with a known password. Set DEMO=1 if that is wanted."
            )
        with transaction.atomic():
            coordinator = self._coordinator()
            if not Letter.objects.filter(slug=SLUG).exists():
                self._letter(coordinator)
        run_due()
        base = settings.BASE_URL
        self.stdout.write(
            f"\n  The letter         {base}/{SLUG}/"
            f"\n  Sign it            {base}/{SLUG}/sign/"
            f"\n  The mails it sends {base}/inbox/"
            f"\n  The coordinator    {base}/admin/signatories/signatory/   (user demo, password demo)\n"
        )

    def _coordinator(self) -> Any:
        user, created = get_user_model().objects.get_or_create(
            username="demo", defaults={"email": "demo@coalition.example.org", "is_staff": True}
        )
        if created:
            user.set_password("demo")
            user.save(update_fields=["password"])
            user.groups.set(Group.objects.filter(name__in=["coordinator", "editor"]))
        return user

    def _letter(self, coordinator: Any) -> None:
        now = timezone.now()
        file = read_letter(FILE.read_text(encoding="utf-8"))
        imported = import_letter(
            file, title=file.title, slug=SLUG, approve=True, at=now - timedelta(days=4)
        )
        letter = imported.letter
        letter.time_zone = "America/New_York"
        last_day = (now + OPEN_FOR).astimezone(letter.zone).date()
        letter.closes_at = datetime.combine(
            last_day, time(23, 59), tzinfo=ZoneInfo(letter.time_zone)
        )
        letter.cutoff_at = letter.closes_at + timedelta(days=1)
        letter.sign_on_text = SIGN_ON_TEXT
        letter.contact_address = "secretariat@coalition.example.org"
        letter.save()
        for waiting in WAITING:
            self._sign(letter, waiting, now)
        self._sign(letter, UNCONFIRMED, now, is_confirmed=False)
        returned = self._sign(letter, RETURNED, now)
        moderation.decide(
            returned.pk,
            Event.RETURN,
            by=By.coordinator(coordinator),
            reason="Several organisations are called Peace Centre. Please give the full name, with the city.",
            at=now - timedelta(hours=60),
        )
        # What these contacts would have been told is long told; the inbox is the newcomer's own.
        Message.objects.filter(letter=letter, signatory__isnull=False).update(sent_at=now)
        request_publication(letter, at=now)

    def _sign(
        self, letter: Letter, sign_on: SignOn, now: datetime, *, is_confirmed: bool = True
    ) -> Signatory:
        at = now - timedelta(hours=sign_on.hours)
        signatory = moderation.submit(
            Signatory(
                letter=letter,
                revision=letter.revisions.get(),
                source=Signatory.Source.FORM,
                name=sign_on.name,
                countries=list(sign_on.countries),
                website=sign_on.website,
                contact_name=sign_on.contact,
                contact_role=sign_on.role,
                email=sign_on.email,
                language=letter.default_language,
                seconds_taken=95,
            ),
            at=at,
        )
        if is_confirmed:
            moderation.decide(signatory.pk, Event.CONFIRM, by=CONTACT, at=at + timedelta(minutes=6))
        return signatory
