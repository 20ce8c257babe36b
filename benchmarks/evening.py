"""An evening's queue: sign-ons as they come in for one letter, each with what would be the right decision.

The same ones for the same seed: sixty in four hundred come twice, thirty are fakes, twenty are misspelt.
The organisations with a name in `KNOWN` exist, all others are put together from parts; every address is at
a domain that nobody can have (RFC 2606) or at a provider where anybody can.
"""

import random
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import cycle, islice
from typing import Any, Final, NamedTuple

from benchmarks.names import Made, made_up

SEED: Final = 20250303
EVENING: Final = 400
LETTER, EARLIER = "an-evening", "an-earlier-letter"  # slugs
LISTED: Final = 40  # on the list already when the evening begins
APART: Final = timedelta(minutes=4)


class Sort(StrEnum):
    """What an entry is, and so how it should be decided."""

    CLEAR = "clear"  # approved
    DUPLICATE = "duplicate"  # rejected, since the organisation has signed
    FAKE = "fake"  # rejected
    MISSPELT = "misspelt"  # returned, or corrected


# How many of four hundred.
MIX: Final = {Sort.DUPLICATE: 60, Sort.FAKE: 30, Sort.MISSPELT: 20}


@dataclass
class Entry:
    """One sign-on of the evening, and of which sort it is; `how` says what makes it so."""

    sort: Sort
    how: str
    name: str
    countries: list[str]
    website: str
    email: str
    contact: str
    role: str
    seconds: int | None = 95
    # The organisation that it is the second entry of, or the name it should have.
    meant: str = ""


@dataclass
class Evening:
    """Who is on the list, whom the registry knows from an earlier letter, and what waits, oldest first."""

    listed: list[Made]
    known: list[Made]
    entries: list[Entry]


class Known(NamedTuple):
    """An organisation that exists: its name, country, initials, and its name in another language."""

    name: str
    country: str
    initials: str = ""
    translated: str = ""


KNOWN: Final = (
    Known("Human Rights Watch", "US", "HRW"),
    Known("International Federation for Human Rights", "FR", "FIDH",
          "Fédération internationale pour les droits humains"),
    Known("International Commission of Jurists", "CH", "ICJ", "Commission internationale de juristes"),
    Known("World Organisation Against Torture", "CH", "OMCT", "Organisation mondiale contre la torture"),
    Known("Society for Threatened Peoples", "DE", "GfbV", "Gesellschaft für bedrohte Völker"),
    Known("Cairo Institute for Human Rights Studies", "EG", "CIHRS", "مركز القاهرة لدراسات حقوق الإنسان"),
    Known("Syrian Network for Human Rights", "SY", "SNHR", "الشبكة السورية لحقوق الإنسان"),
    Known("Centre for Civil Liberties", "UA", "CCL", "Центр громадянських свобод"),
    Known("Taiwan Association for Human Rights", "TW", "TAHR", "台灣人權促進會"),
    Known("Comisión Colombiana de Juristas", "CO", "CCJ", "Colombian Commission of Jurists"),
    Known("Helsinki Foundation for Human Rights", "PL", "HFHR", "Helsińska Fundacja Praw Człowieka"),
    Known("Norwegian Helsinki Committee", "NO", "NHC", "Den norske Helsingforskomité"),
    Known("Peace Brigades International", "BE", "PBI", "Brigadas Internacionales de Paz"),
    Known("Memorial Human Rights Centre", "RU", "", "Правозащитный центр «Мемориал»"),
    Known("Youth Initiative for Human Rights", "RS", "YIHR", "Inicijativa mladih za ljudska prava"),
    Known("Physicians for Human Rights", "US", "PHR"),
    Known("Kenya Human Rights Commission", "KE", "KHRC"),
    Known("Southern Africa Litigation Centre", "ZA", "SALC"),
    Known("Foundation for Human Rights Initiative", "UG", "FHRI"),
    Known("West Africa Network for Peacebuilding", "GH", "WANEP"),
    Known("Commonwealth Human Rights Initiative", "IN", "CHRI"),
    Known("Transitional Justice Working Group", "KR", "TJWG"),
    Known("Child Rights International Network", "GB", "CRIN"),
    Known("Institute for War and Peace Reporting", "GB", "IWPR"),
    Known("Women's Refugee Commission", "US", "WRC"),
    Known("Human Rights Law Network", "IN", "HRLN"),
    Known("Legal Resources Centre", "ZA", "LRC"),
    Known("Centro de Estudios Legales y Sociales", "AR", "CELS"),
    Known("Ligue des droits de l'Homme", "FR", "LDH"),
    Known("Minority Rights Group", "GB", "MRG"),
    Known("Ain o Salish Kendra", "BD", "ASK"),
    Known("Suara Rakyat Malaysia", "MY", "SUARAM"),
    Known("Conectas Direitos Humanos", "BR"),
    Known("Medica Mondiale", "DE"),
    Known("Brot für die Welt", "DE", "", "Bread for the World"),
    Known("Genocide Watch", "US"),
    Known("Odhikar", "BD"),
    Known("Al-Haq", "PS"),
)  # fmt: skip
PEOPLE: Final = (
    "Aline Bahati", "James Otieno", "Rima Haddad", "Lucía Prieto", "Olena Kravets", "Lin Yu-ting",
    "Ngozi Obi", "Tesfaye Bekele", "Marie Dubois", "João Mendes", "Anna Weber", "Farid Rahimi",
    "Sunita Rao", "Grace Akello", "Pavel Novák", "Fatou Diallo", "رنا خليل", "Олександр Гончар",
    "陳怡君", "सुनीता शर्मा",
)  # fmt: skip
ROLES: Final = (
    "director", "coordinator", "programme officer", "secretary general", "president", "présidente",
    "directora", "head of advocacy", "lawyer", "chairperson", "coordinadora", "diretora", "volunteer", "",
)  # fmt: skip
THROW_AWAY: Final = ("mailinator.com", "yopmail.com", "guerrillamail.com", "trashmail.com")
# Written without letters that could be left out, doubled or put first in initials.
NOT_ALPHABETIC: Final = {"zh", "hi"}
FREE: Final = ("gmail.com", "yahoo.com", "hotmail.com", "outlook.com")
_LOOKALIKES: Final = str.maketrans("HaeopcMT", "НаеорсМТ")  # Cyrillic on the right


def evening(count: int = EVENING, *, seed: int = SEED) -> Evening:
    """So many entries in the mix of four hundred, of each sort at least one."""
    return _Maker(count, random.Random(seed)).evening()  # noqa: S311  # the same each time


class _Maker:
    def __init__(self, count: int, draw: random.Random) -> None:
        self.draw = draw
        self.count = count
        self.names = made_up(draw)
        self.known = [
            Made(each.name, each.country, f"{_label(each.name)}.example") for each in KNOWN
        ]
        self.facts = {each.name: each for each in KNOWN}
        self.used: set[str] = set()
        self.made: dict[str, Made] = {}

    def evening(self) -> Evening:
        draw = self.draw
        shares = {sort: max(1, round(self.count * of / EVENING)) for sort, of in MIX.items()}
        # A third of the real ones signed before the evening, a third an earlier letter, a third neither.
        listed = [*self.known[::3], *islice(self.names, LISTED - len(self.known[::3]))]
        earlier = [*self.known[1::3], *islice(self.names, 80)]
        fresh = self.known[2::3]
        clear_count = self.count - sum(shares.values())
        clear = list(self.clear(clear_count, fresh, earlier[:40], listed))
        originals = [entry for entry in clear if entry.how in {"own domain", "known"}]
        waiting = [self.made[entry.name] for entry in originals]
        duplicates = list(self.duplicates(shares[Sort.DUPLICATE], listed, waiting))
        fakes = list(self.fakes(shares[Sort.FAKE], listed))
        misspelt = list(self.misspelt(shares[Sort.MISSPELT], earlier[40:]))
        # Those of one burst come one after the other.
        bursts: dict[str, list[Entry]] = {}
        for entry in fakes:
            bursts.setdefault(entry.email, []).append(entry)
        blocks = [*([entry] for entry in (*clear, *duplicates, *misspelt)), *bursts.values()]
        draw.shuffle(blocks)
        return Evening(
            listed, earlier, _originals_first([one for block in blocks for one in block])
        )

    # --- Clear ones -------------------------------------------------------------

    def clear(
        self, count: int, fresh: list[Made], earlier: list[Made], listed: list[Made]
    ) -> Iterator[Entry]:
        """Organisations that sign once, with all that may look odd about them and is not."""
        real, known, parents = iter(fresh), iter(earlier), iter(listed)
        hows = cycle(
            ["own domain"] * 6
            + ["known", "free-mail", "from a spreadsheet", "own domain", "known", "free-mail"]
            + [
                "no website",
                "from a spreadsheet",
                "own domain",
                "branch",
                "other domain",
                "no country",
            ]
        )
        for how in islice(hows, count):
            match how:
                case "known":
                    made = next(known, None) or next(self.names)
                case "branch":
                    made = self.branch(next(parents))
                case _:
                    made = next(real, None) or next(self.names)
            entry = self.entry(Sort.CLEAR, how, made)
            match how:
                case "free-mail" | "no website":
                    entry.email = f"{_label(made.name)[:24]}{self.draw.randrange(99)}@{self.draw.choice(FREE)}"
                    entry.website = entry.website if how == "free-mail" else ""
                case "from a spreadsheet":
                    entry.email = entry.contact = entry.role = ""
                    entry.website = entry.website if self.draw.random() < 0.5 else ""
                    entry.seconds = None
                case "other domain":
                    entry.email = f"partner@chambers-{self.draw.randrange(999)}.example"
                case "no country":
                    entry.countries = []
            yield entry

    def branch(self, parent: Made) -> Made:
        """The national section of somebody on the list, as a rule with a page on the parent's site."""
        country, code = self.draw.choice(
            [("Uganda", "UG"), ("Nepal", "NP"), ("Chile", "CL"), ("Ghana", "GH")]
        )
        domain = parent.domain if self.draw.random() < 0.5 else f"{code.lower()}-{parent.domain}"
        return Made(f"{parent.name} {country}", code, domain)

    # --- Duplicates -------------------------------------------------------------

    def duplicates(self, count: int, listed: list[Made], waiting: list[Made]) -> Iterator[Entry]:
        """Second entries, by another person: half for what is on the list, half for what waits too."""
        ways: list[tuple[str, Callable[[Made], str]]] = [
            ("the same name", lambda made: made.name),
            ("capitals", lambda made: _other_than(made.name, made.name.upper())),
            ("a slip", self.slip),
            ("legal form", self.with_legal_form),
            ("initials behind", self.with_initials),
            ("the same name", lambda made: made.name),
            ("no accents", lambda made: _other_than(made.name, _without_accents(made.name))),
            ("initials alone", self.initials),
            ("translated", self.translated),
            ("a slip", self.slip),
        ]
        pools = cycle([listed, waiting])
        for number, (how, write) in enumerate(islice(cycle(ways), count)):
            # Only some of the real ones have such: they are looked for in both.
            pool = [*listed, *waiting] if how in {"initials alone", "translated"} else next(pools)
            original, written = self.choose(pool, write)
            entry = self.entry(Sort.DUPLICATE, how, original._replace(name=written))
            entry.meant = original.name
            entry.email = f"info@{original.domain}"
            # Every other one with nothing but the name to tell by.
            if number % 2:
                entry.website = ""
                entry.email = f"{_label(entry.contact)}{number}@{self.draw.choice(FREE)}"
                entry.how += ", no website"
            yield entry

    def choose(self, pool: list[Made], write: Callable[[Made], str]) -> tuple[Made, str]:
        """One that was not chosen before, and how its name is written there."""
        for made in self.draw.sample(pool, len(pool)):
            if made.name not in self.used and (written := write(made)):
                self.used.add(made.name)
                return made, written
        raise LookupError("every organisation has its duplicate")

    def initials(self, made: Made) -> str:
        if known := self.facts.get(made.name):
            return known.initials
        letters = "".join(word[0] for word in re.findall(r"\b[^\W\d_]{4,}", made.name)).upper()
        return letters if len(letters) > 2 and made.language not in NOT_ALPHABETIC else ""

    def translated(self, made: Made) -> str:
        known = self.facts.get(made.name)
        return known.translated if known else ""

    def with_initials(self, made: Made) -> str:
        initials = self.initials(made)
        return f"{made.name} ({initials})" if initials else ""

    @staticmethod
    def with_legal_form(made: Made) -> str:
        match made.language:
            case "en":
                return f"The {made.name}"
            case "fr" | "de" | "es":
                form = {"fr": "asbl", "de": "e.V.", "es": "A.C."}[made.language]
                return f"{made.name} {form}"
        return ""

    def slip(self, made: Made) -> str:
        """The name with one slip of the finger in one of its long words; empty if it has none."""
        words = made.name.split(" ")
        long = [at for at, word in enumerate(words) if len(word) > 6 and word.isalpha()]
        if not long or made.language in NOT_ALPHABETIC:
            return ""
        at = self.draw.choice(long)
        word = words[at]
        # Not the first letter: that is seen at once.
        where = self.draw.randrange(2, len(word) - 2)
        words[at] = self.draw.choice(
            [
                word[:where] + word[where + 1 :],
                word[:where] + word[where + 1] + word[where] + word[where + 2 :],
                word[:where] + word[where] + word[where:],
            ]
        )
        return " ".join(words) if words[at] != word else self.slip(made)

    # --- Fakes and slips ----------------------------------------------------------

    def fakes(self, count: int, listed: list[Made]) -> Iterator[Entry]:
        hows = (
            "a link", "lookalike letters", "throw-away address", "own name", "person", "quick",
            "throw-away address", "lookalike letters", "nothing to see", "person",
        )  # fmt: skip
        burst = 3 if count > len(hows) else 0
        for number, how in enumerate(islice(cycle(hows), count - burst)):
            yield self.fake(how, number, listed)
        for made in islice(self.names, burst):
            entry = self.entry(Sort.FAKE, "burst", made)
            entry.email, entry.website = "j.smith1975@gmail.com", ""
            yield entry

    def fake(self, how: str, number: int, listed: list[Made]) -> Entry:
        draw = self.draw
        made = next(self.names)
        entry = self.entry(Sort.FAKE, how, made)
        entry.email = f"{_label(entry.contact)}.{number}@{draw.choice(FREE)}"
        entry.website = ""
        match how:
            case "a link":
                entry.name = f"Best prices www.offers-{number}.example"
            case "lookalike letters":
                entry.name = listed[number].name.translate(_LOOKALIKES)
            case "throw-away address":
                entry.email = f"abc{number}@{draw.choice(THROW_AWAY)}"
            case "own name":
                entry.name, entry.role = entry.contact, ""
            case "person":
                entry.name = f"{draw.choice(['Peter', 'Sarah', 'Daniel'])} {draw.choice(['Miller', 'Jones', 'Rossi'])}"
            case "quick":
                entry.seconds = draw.randrange(3)
        return entry

    def misspelt(self, count: int, earlier: list[Made]) -> Iterator[Entry]:
        """Names with a slip: two in three of organisations that the registry knows."""
        for number in range(count):
            is_known = number % 3 != 2
            pool = earlier if is_known else list(islice(self.names, 20))
            made, written = self.choose(pool, self.slip)
            how = "known to the registry" if is_known else "known to nobody"
            entry = self.entry(Sort.MISSPELT, how, made._replace(name=written))
            entry.meant = made.name
            if number % 4 == 0:
                entry.how += ", from a spreadsheet"
                entry.email = entry.contact = entry.role = ""
            yield entry

    def entry(self, sort: Sort, how: str, made: Made) -> Entry:
        draw = self.draw
        self.made[made.name] = made
        return Entry(
            sort=sort,
            how=how,
            name=made.name,
            countries=[made.country],
            website=f"https://{made.domain}",
            email=f"{draw.choice(['office', 'contact', 'secretariat'])}@{made.domain}",
            contact=draw.choice(PEOPLE),
            role=draw.choice(ROLES),
            seconds=draw.randrange(40, 400),
        )


def _other_than(name: str, written: str) -> str:
    return "" if written == name else written


def _originals_first(entries: list[Entry]) -> list[Entry]:
    """Who signs again has signed before."""
    at = {entry.name: number for number, entry in enumerate(entries) if entry.sort == Sort.CLEAR}
    for number, entry in enumerate(entries):
        first = at.get(entry.meant) if entry.sort == Sort.DUPLICATE else None
        if first is not None and first > number:
            at[entry.meant] = number
            entries[number], entries[first] = entries[first], entries[number]
    return entries


def _label(text: str) -> str:
    """What a domain or an address might be made of."""
    plain = _without_accents(text).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z]+", "", plain)[:30] or "office"


def _without_accents(text: str) -> str:
    bare = re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", bare)


# --- On the site ----------------------------------------------------------------


def fill(count: int = EVENING, *, seed: int = SEED) -> dict[str, Any]:
    """Bring an evening to this database; give the letter's key and the entries' references, in order."""
    from django.db import transaction
    from django.utils import timezone

    from letter.models import Letter
    from letter.publishing import request_publication
    from signatories import moderation
    from signatories.importing import signable_revision
    from signatories.models import Message, Signatory
    from signatories.moderation import CONTACT, SYSTEM, Event
    from tests.factories import make_letter

    tonight = evening(count, seed=seed)
    now = timezone.now()

    def signed(letter: Letter, made: Made) -> Signatory:
        return Signatory(
            letter=letter,
            revision=signable_revision(letter),
            name=made.name,
            countries=[made.country],
            website=f"https://{made.domain}",
        )

    def sign(letter: Letter, entry: Entry, at: Any) -> Signatory:
        signatory = Signatory(
            letter=letter,
            revision=signable_revision(letter),
            source=Signatory.Source.FORM,
            name=entry.name,
            countries=entry.countries,
            website=entry.website,
            contact_name=entry.contact,
            contact_role=entry.role,
            email=entry.email,
            seconds_taken=entry.seconds,
        )
        if not entry.email:
            return moderation.add(signatory, by=SYSTEM, source=Signatory.Source.IMPORT, at=at)
        signatory = moderation.submit(signatory, at=at)
        moderation.decide(signatory.pk, Event.CONFIRM, by=CONTACT, at=at + timedelta(minutes=1))
        return signatory

    # In one transaction, so that the worker sends nothing of all this.
    with transaction.atomic():
        earlier = make_letter(slug=EARLIER, title="An earlier letter")
        letter = make_letter(slug=LETTER, title="The letter of the evening")
        for of, organizations in ((earlier, tonight.known), (letter, tonight.listed)):
            for _count in moderation.add_many(
                [signed(of, made) for made in organizations],
                by=SYSTEM,
                source=Signatory.Source.IMPORT,
                at=now - timedelta(days=30),
            ):
                pass
            pks = of.signatories.values_list("pk", flat=True)
            moderation.decide_many(pks, Event.APPROVE, by=SYSTEM, at=now - timedelta(days=29))
            request_publication(of, at=now)
        begin = now - APART * (count + 1)
        references = [
            sign(letter, entry, begin + APART * number).reference
            for number, entry in enumerate(tonight.entries)
        ]
        Message.objects.filter(letter__in=[letter, earlier]).update(sent_at=now)
    return {"letter": letter.pk, "references": references}
