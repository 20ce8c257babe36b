"""What a name or a role looks like, from its letters alone: a plea for a second look, never a verdict."""

import re
import unicodedata
from typing import Final

from signatories.names import name_key

# Scripts whose letters pass for one another: the "а" of Cyrillic among the "a" of Latin.
LOOKALIKE_SCRIPTS: Final = frozenset({"ARMENIAN", "CYRILLIC", "GREEK", "LATIN"})
# Of Cyrillic and Greek, those that nobody tells from Latin ones (UTS #39, confusables).
_IMITATED: Final = str.maketrans(
    "АВЕЅІЈКМНОРСТХаеѕіјкорсухΑΒΕΖΗΙΚΜΝΟΡΤΥΧαικνορυχ",
    "ABESIJKMHOPCTXaesijkopcyxABEZHIKMNOPTYXaiknopyx",
)
_LINK: Final = re.compile(r"https?:|://|\bwww\.|\b[\w-]+\.[a-z]{2,}/", re.IGNORECASE)
_FORMULA: Final = re.compile(r"[=＝@]|[-+]\w+[(|!]")
_MARKUP: Final = re.compile(r"<[/!]?[a-z]|\{[{%]|\$\{|\bjavascript:", re.IGNORECASE)
_HOST: Final = re.compile(
    r"\b[\w-]{2,}\.(?:biz|com|edu|info|io|net|ngo|online|org|shop|site|top|xyz)\b", re.IGNORECASE
)
# The one-dot leader, the full stops of East Asia, and the wide forms of ASCII.
_READ_AS: Final = {
    **{ord(dot): "." for dot in "․。｡"},
    **{0xFF01 + place: chr(0x21 + place) for place in range(94)},
}
_TITLES: Final = frozenset(
    {"dr", "dra", "frau", "herr", "m", "mlle", "mme", "mr", "mrs", "ms", "prof", "sir", "sr", "sra"}
)
# A name with one of these, in the forms that name_key gives, is an organisation's.
_ORGANIZATION_WORDS: Final = frozenset(
    """
    academy access accion action advocacy afrique africa african agency alianza alliance amnesty
    asia asociacao asociacion associacao association associates bureau campaign caritas center
    centre centro church circle citizens civil club coalicion coalition coletivo colectivo
    collectif collective college comision comite commission committee community confederation
    congress cooperative council defenders democracy derechos development digital diaspora direitos
    droits education egypt equality europe federacion federation film fondation forum forums foundation
    free freedom
    freedoms front fund fundacao fundacion global green group groupe grupo haus health house
    human humanitarian impact inc initiative institut institute instituto international
    internet justice kenya lab labs law lawyers league liberties liberty liga ligue limited llc
    ltd media mission monitor movement movimento movimiento mouvement national ngo network now
    observatoire observatorio observatory office ong org organisation organizacao organizacion
    organization palestine parliament party peace people plataforma plateforme platform policy press
    privacy programme project proyecto red relief rescue research reseau resource rete rights
    save school service services sisters society solidarity solidarite sudan survivors synod
    syndicat syria team trust uganda union unite united universidad universite university verein
    voice voices watch witness women womens workers world yemen youth
    """.split()  # noqa: SIM905  # words are read more easily without quotes
)
_ROLES: Final = tuple(
    f" {name_key(role)} "
    for role in (
        # English
        "director", "president", "secretary general", "general secretary", "coordinator",
        "chair", "chairperson", "chairman", "chairwoman", "co-chair", "convenor", "convener",
        "founder", "co-founder", "chief executive", "CEO", "executive secretary", "head", "principal",
        # French
        "directeur", "directrice", "présidente", "secrétaire général", "secrétaire générale",
        "coordinateur", "coordinatrice", "coordonnateur", "coordonnatrice",
        "fondateur", "fondatrice", "délégué général", "déléguée générale",
        # Spanish and Portuguese
        "directora", "diretor", "diretora", "presidente", "presidenta", "secretario general",
        "secretaria general", "secretário-geral", "secretária-geral", "coordinador", "coordinadora",
        "coordenador", "coordenadora", "fundador", "fundadora",
        # Arabic, with and without the article
        "مدير", "المدير", "مديرة", "المديرة", "رئيس", "الرئيس", "رئيسة", "الرئيسة",
        "أمين عام", "الأمين العام", "الأمينة العامة", "منسق", "المنسق", "منسقة", "المنسقة",
        "مؤسس", "المؤسس",
    )
)  # fmt: skip
_BESIDE_A_ROLE: Final = frozenset(
    """
    assistant assistante asistente assistente ex former ancien ancienne intern stagiaire student
    estagiario pasante
    """.split()  # noqa: SIM905  # words are read more easily without quotes
)


def may_usually_sign(role: str) -> bool:
    """Whether the stated role is one whose holders usually may sign for their organisation."""
    key = f" {name_key(role)} "
    return not _BESIDE_A_ROLE & set(key.split()) and any(known in key for known in _ROLES)


def is_shouted(name: str) -> bool:
    """Whether a name of several words is all in capitals; acronyms, also two of them, are not."""
    words = [word for word in re.findall(r"[^\W\d_]+", name) if len(word) > 1]
    if len(words) < 2 or not all(word.isupper() for word in words):
        return False
    return len(words) > 2 or all(len(word) > 4 for word in words)


def looks_personal(name: str) -> bool:
    """Whether a name may be a person's ("John Smith", "Dr Anna Müller"): it knows no more than the words."""
    words = name.split()
    has_title = bool(words) and name_key(words[0]) in _TITLES
    words = words[has_title:]
    if not (1 if has_title else 2) <= len(words) <= 3:
        return False
    return all(_is_capitalised(word) for word in words) and not (
        _ORGANIZATION_WORDS & set(name_key(name).split())
    )


def _is_capitalised(word: str) -> bool:
    parts = re.split(r"[-'’]", word.rstrip("."))
    return all(part.isalpha() and part[0].isupper() for part in parts) and not (
        len(word) > 2 and word.isupper()
    )


def is_code(name: str) -> bool:
    """Whether a name begins like a spreadsheet's formula or has markup or a template's marks in it."""
    return bool(_FORMULA.match(name) or _MARKUP.search(name))


def is_link(name: str) -> bool:
    """Whether a name has a web address in it."""
    return bool(_LINK.search(_as_typed_in_a_browser(name)))


def is_host(name: str) -> bool:
    """Whether a name reads like a site's, as some organisations' do ("350.org")."""
    return bool(_HOST.search(_as_typed_in_a_browser(name)))


def _as_typed_in_a_browser(name: str) -> str:
    """With what a browser reads as a dot or a letter of ASCII (UTS #46): "example․org" leads to example.org.

    Not by NFKC, which takes hours for a megabyte of accents (UAX #15 §9).
    """
    return name.translate(_READ_AS)


def mixed_words(name: str) -> list[str]:
    """The words whose letters come from scripts that imitate each other."""
    return [
        word
        for word in re.findall(r"[^\W\d_]+", name)
        if len({_script(letter) for letter in word} & LOOKALIKE_SCRIPTS) > 1
    ]


def unmasked(name: str) -> str:
    """The name as it is meant to be read: in words of mixed scripts, Latin letters for those that imitate them."""
    for word in mixed_words(name):
        name = name.replace(word, word.translate(_IMITATED))
    return name


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]
