"""Countries by the names that organizations write, over ISO 3166-1 and Kosovo (XK).

The names shown come from the setting COUNTRIES_OVERRIDE, from Unicode's CLDR and, in English and for what
is disputed, from django-countries (ISO 3166), in the active language. The tables below only help to
*find* a country, in a file that somebody typed or in a search field; none of their words is ever printed.
"""

import difflib
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError
from django.conf import settings
from django.utils import translation
from django_countries import countries
from django_countries.data import COUNTRIES

from letter.ordering import collation_key

# Old, formal and short names in English, beside the name shown. Without accents, case, dots
# and a leading "the": see _fold.
_OTHER_NAMES: Final = {
    "AE": "UAE; Emirates",
    "AX": "Aland",
    "BA": "Bosnia; Bosnia-Herzegovina; BiH",
    "BN": "Brunei Darussalam",
    "BO": "Plurinational State of Bolivia; Bolivia, Plurinational State of",
    "BQ": "Bonaire, Sint Eustatius and Saba; Bonaire",
    "BS": "Bahamas",
    "BY": "Belorussia",
    "CC": "Cocos Islands; Keeling Islands",
    "CD": (
        "DRC; DR Congo; D R Congo; Congo DR; Congo DRC; Congo-Kinshasa; Dem Rep Congo; Zaire; "
        "Democratic Republic of the Congo; Democratic Republic of Congo; "
        "Dem Rep of the Congo; Congo, Democratic Republic of the; "
        "Congo, Democratic Republic of; Congo, the Democratic Republic of the"
    ),
    "CF": "CAR; Central African Rep",
    "CG": (
        "Republic of the Congo; Republic of Congo; Congo-Brazzaville; Congo Republic; "
        "Congo, Republic of the; Congo, Republic of"
    ),
    "CI": "Ivory Coast; Cote d Ivoire",
    "CN": "People's Republic of China; PRC; PR China; Mainland China",
    "CV": "Cape Verde",
    "CZ": "Czech Republic; Czech Rep",
    "DO": "Dominican Rep",
    "EH": "Sahrawi Arab Democratic Republic; Sahrawi Republic",
    "FK": "Malvinas; Falkland Islands Malvinas; Falklands",
    "FM": "Federated States of Micronesia; Micronesia, Federated States of",
    "GB": (
        "UK; Great Britain; Britain; England; Scotland; Wales; Northern Ireland; "
        "United Kingdom of Great Britain and Northern Ireland"
    ),
    "GM": "Gambia",
    "GS": "South Georgia and the South Sandwich Islands",
    "HK": "Hong Kong SAR; Hong Kong, China",
    "IE": "Republic of Ireland; Eire",
    "IR": "Islamic Republic of Iran; Iran, Islamic Republic of",
    "KG": "Kyrgyz Republic; Kirghizia",
    "KN": "St Kitts",
    "KP": (
        "DPRK; Democratic People's Republic of Korea; DPR Korea; "
        "Korea, Democratic People's Republic of; Korea, North"
    ),
    "KR": "ROK; Republic of Korea; Korea, Republic of; Korea, South",
    "LA": "Lao People's Democratic Republic; Lao PDR",
    "LK": "Ceylon",
    "MD": "Republic of Moldova; Moldova, Republic of",
    "MF": "Saint Martin",
    "MK": "Macedonia; FYROM; Republic of North Macedonia; Former Yugoslav Republic of Macedonia",
    "MM": "Burma; Myanmar (Burma); Burma/Myanmar; Myanmar/Burma",
    "MO": "Macau; Macao SAR",
    "NL": "Holland; Kingdom of the Netherlands",
    "NR": "Nauru",
    "PN": "Pitcairn Islands",
    "PS": (
        "Palestine; State of Palestine; Palestine, State of; oPt; Palestinian Territory; "
        "Palestinian Territories; Occupied Palestinian Territory; "
        "Occupied Palestinian Territories"
    ),
    "RE": "Reunion Island",
    "RU": "Russian Federation",
    "SH": "Saint Helena, Ascension and Tristan da Cunha",
    "ST": "Sao Tome",
    "SX": "Sint Maarten",
    "SY": "Syrian Arab Republic",
    "SZ": "Swaziland; Kingdom of Eswatini",
    "TL": "East Timor",
    "TR": "Turkey; Republic of Turkey",
    "TT": "Trinidad",
    "TW": "Republic of China; Taiwan, ROC; Taiwan, China; Taiwan, Province of China",
    "TZ": "United Republic of Tanzania; Tanzania, United Republic of",
    "US": "USA; US of America; United States of America",
    "VA": "Vatican; Vatican City; Vatican City State",
    "VC": "St Vincent",
    "VE": "Bolivarian Republic of Venezuela; Venezuela, Bolivarian Republic of",
    "VG": "British Virgin Islands; BVI",
    "VI": "US Virgin Islands; USVI; United States Virgin Islands",
    "VN": "Viet Nam",
    "WS": "Western Samoa",
    "XK": "Republic of Kosovo; XKX",
    "ZA": "RSA; Republic of South Africa",
    "ZW": "Rhodesia",
}

# What a country calls itself, where that differs much from English.
_OWN_NAMES: Final = {
    "AE": "الإمارات",
    "AF": "افغانستان",
    "AL": "Shqipëria",
    "AM": "Հայաստան",
    "AT": "Österreich",
    "AZ": "Azərbaycan",
    "BA": "Bosna i Hercegovina",
    "BD": "বাংলাদেশ",
    "BE": "België; Belgique",
    "BG": "България",
    "BH": "البحرين",
    "BR": "Brasil",
    "BY": "Беларусь",
    "CD": "République démocratique du Congo; RDC; RD Congo",
    "CF": "République centrafricaine; Centrafrique; RCA",
    "CG": "République du Congo",
    "CH": "Schweiz; Suisse; Svizzera",
    "CM": "Cameroun",
    "CN": "中国; 中國",
    "CY": "Κύπρος; Kıbrıs",
    "CZ": "Česko; Česká republika",
    "DE": "Deutschland",
    "DK": "Danmark",
    "DZ": "الجزائر; Algérie",
    "EE": "Eesti",
    "EG": "مصر",
    "ES": "España",
    "ET": "ኢትዮጵያ",
    "FI": "Suomi",
    "GE": "საქართველო; Sakartvelo",
    "GR": "Ελλάδα; Hellas",
    "HR": "Hrvatska",
    "HT": "Ayiti",
    "HU": "Magyarország",
    "IE": "Éire",
    "IL": "ישראל",
    "IN": "भारत; Bharat",
    "IQ": "العراق",
    "IR": "ایران",
    "IS": "Ísland",
    "IT": "Italia",
    "JO": "الأردن",
    "JP": "日本; Nippon; Nihon",
    "KH": "កម្ពុជា; Kampuchea",
    "KR": "대한민국; 한국",
    "KW": "الكويت",
    "KZ": "Қазақстан",
    "LB": "لبنان; Liban",
    "LK": "ශ්‍රී ලංකාව; இலங்கை",
    "LT": "Lietuva",
    "LV": "Latvija",
    "LY": "ليبيا",
    "MA": "المغرب; Maroc",
    "ME": "Crna Gora",
    "MK": "Македонија; Северна Македонија",
    "MM": "မြန်မာ",
    "MR": "موريتانيا",
    "NL": "Nederland",
    "NO": "Norge; Noreg",
    "NP": "नेपाल",
    "NZ": "Aotearoa",
    "OM": "عمان",
    "PH": "Pilipinas",
    "PK": "پاکستان",
    "PL": "Polska",
    "PS": "فلسطين",
    "QA": "قطر",
    "RS": "Србија; Srbija",
    "RU": "Россия; Российская Федерация",
    "SA": "السعودية",
    "SD": "السودان",
    "SE": "Sverige",
    "SI": "Slovenija",
    "SK": "Slovensko",
    "SN": "Sénégal",
    "SY": "سوريا; سورية",
    "TD": "Tchad; تشاد",
    "TH": "ประเทศไทย; ไทย",
    "TN": "تونس; Tunisie",
    "TR": "Türkiye",
    "TW": "台灣; 臺灣",
    "UA": "Україна",
    "UZ": "Oʻzbekiston",
    "VN": "Việt Nam",
    "XK": "Kosova; Косово",
    "YE": "اليمن",
}

# Words that people in more than one country write for their own.
_AMBIGUOUS: Final = {
    "Congo": ("CD", "CG"),
    "Korea": ("KP", "KR"),
    "Virgin Islands": ("VG", "VI"),
}

# No country's name has more than three parts with commas or "and" in between.
_MOST_PARTS: Final = 4
_SEPARATOR: Final = re.compile(r"\s*(?:(?:[,;/&،、，；]|\b(?:and|et)\b)\s*)+", re.IGNORECASE)
# Between the names in a label, by language; a comma elsewhere.
_SEPARATORS: Final = dict.fromkeys(("ar", "fa", "ps", "sd", "ug", "ur"), "، ") | dict.fromkeys(
    ("ja", "zh"), "、"
)
# CLDR's "pt" is Brazil's, which has a code of its own here.
_LOCALES: Final = {"pt": "pt_PT"}
# Where CLDR's name says more than a list of countries should, or less.
_AS_ISO: Final = frozenset({"EH", "HK", "MM", "MO", "PS", "TW", "VA"})
_LONGEST_NAME: Final = 250  # characters
_LONGEST_LABEL: Final = 50_000
_LIKENESS: Final = 0.78  # difflib's ratio: "Kenia" and "Kenya" have 0.8


def country_name(code: str) -> str:
    """The country's name in the active language; the code itself where it is none of ours.

    A code that ISO takes away one day still stands in old lists, which must not lose a word.
    """
    return _names(translation.get_language()).get(code, code)


def choices() -> list[tuple[str, str]]:
    """Every country as (code, name), in the order of the names in the active language."""
    return list(_names(translation.get_language()).items())


def label_from(codes: Sequence[str]) -> str:
    """What stands in a line's parentheses: the names in the order given, "" for no country."""
    language = translation.get_language()
    names = _names(language)
    separator = _SEPARATORS.get((language or "").partition("-")[0], ", ")
    return separator.join(names.get(code, code) for code in codes)


@lru_cache(maxsize=4096)
def is_other_name(label: str, codes: tuple[str, ...], language: str) -> bool:
    """Whether a label says in a language, by another name, just these countries: "USA", "Netherlands, USA"."""
    with translation.override(language):
        return read_label(label) == codes


def match(text: str) -> str | None:
    """The code that a name or code stands for; None where it is unknown or ambiguous.

    Knows the English name, the one in the active language, the country's own, short and old forms
    and ISO's codes of two and three letters. England, Scotland, Wales and Northern Ireland are
    GB. Accents, case, dots and a leading "the" make no difference.
    """
    found = meanings(text)
    return found[0] if len(found) == 1 else None


def meanings(text: str) -> tuple[str, ...]:
    """Every code that a text may stand for: one, none, or for "Congo" and "Korea" two."""
    return _index(translation.get_language()).get(_fold(text), ())


def read_label(text: str) -> tuple[str, ...] | None:
    """The codes of a label such as "Kenya, Ethiopia and South Africa", in its order.

    The parts stand between commas, semicolons, slashes, "and", "&" or "et"; a name that contains
    one of those ("Trinidad and Tobago", "Korea, Republic of") is taken whole. None unless every
    part is a country. One named twice counts once.
    """
    codes = _codes(_parts(text))
    return None if codes is None else tuple(dict.fromkeys(codes))


def unread_part(text: str) -> str:
    """The first part of a label that is no country, for the message that says so; "" if none."""
    parts = _parts(text)
    at = _unread(parts)
    return parts[at][0] if at < len(parts) else ""


def readings(text: str) -> tuple[str, ...]:
    """The label with its first part that is no country said in each way that it may be meant.

    In the active language: for "Kenya, Congo" two texts, for "Kenia" one, for "Atlantis" none.
    """
    parts = _parts(text)
    at = _unread(parts)
    if at >= len(parts):
        return ()
    part, separator = parts[at]
    names = [country_name(code) for code in meanings(part)]
    if not names and (meant := suggestion(part)):
        names = [meant]
    return tuple(_joined([*parts[:at], (name, separator), *parts[at + 1 :]]) for name in names)


def _unread(parts: Sequence[tuple[str, str]]) -> int:
    """The index of the first part that is no country; at least the number of parts if none is."""
    at = 0
    while at < len(parts):
        for count in range(_MOST_PARTS, 0, -1):
            if match(_joined(parts[at : at + count])):
                at += count
                break
        else:
            break
    return at


def suggestion(text: str) -> str | None:
    """The name, in the active language, of the country that a misspelling most likely means.

    None where nothing is near, or where the text is spelt right and stands for two countries.
    """
    language = translation.get_language()
    index = _index(language)
    folded = _fold(text)
    # Codes and short forms are near to anything short: "FIM" is no slip of "FIN".
    names = [name for name, codes in index.items() if len(codes) == 1 and len(name) > 3]
    near = difflib.get_close_matches(folded, names, n=1, cutoff=_LIKENESS)
    if not near or len(index.get(folded, ())) > 1:
        return None
    return country_name(index[near[0]][0])


def iso_codes(code: str) -> tuple[str, ...]:
    """The country's codes of two and, where ISO has one, three letters."""
    return tuple(filter(None, (code, str(countries.alpha3(code)))))


def search_terms(code: str) -> list[str]:
    """Other words under which one would look for a country: for a search field beside its name."""
    terms = [*iso_codes(code)[1:], _names("en").get(code, code), *_listed(code)]
    shown = country_name(code)
    return [term for term in dict.fromkeys(terms) if term not in {shown, code}]


def _listed(code: str) -> list[str]:
    """The entries for a country in this module's own tables."""
    text = f"{_OTHER_NAMES.get(code, '')};{_OWN_NAMES.get(code, '')}"
    return [name.strip() for name in text.split(";") if name.strip()]


# The settings hold as long as the process does, so these two are made once per language.
@lru_cache(maxsize=64)
def _names(language: str | None) -> dict[str, str]:
    with translation.override("en"):
        english = {
            code: (str(countries.name(code)), str(COUNTRIES.get(code, "")))
            for code in countries.countries
        }
    named = []
    common = _common_names(language or "en")
    with translation.override(language):
        for code, (english_name, english_iso_name) in english.items():
            name, iso_name = str(countries.name(code)), str(COUNTRIES.get(code, ""))
            is_ours = code in settings.COUNTRIES_OVERRIDE and name != english_name
            if code in common and not is_ours:
                name = common[code]
            # A name of our own that has no translation yet: ISO's has one in most languages.
            elif name == english_name and iso_name != english_iso_name:
                name = iso_name
            named.append((code, name))
    return dict(sorted(named, key=lambda pair: collation_key(pair[1])))


def _common_names(language: str) -> dict[str, str]:
    """The names that people use, from Unicode's CLDR; none for English, which ISO and we have, or where it has none."""
    if language.partition("-")[0] == "en":
        return {}
    try:
        locale = Locale.parse(_LOCALES.get(language, language.replace("-", "_")))
    except (UnknownLocaleError, ValueError):
        return {}
    return {code: name for code, name in locale.territories.items() if code not in _AS_ISO}


@lru_cache(maxsize=64)
def _index(language: str | None) -> dict[str, tuple[str, ...]]:
    """Folded names and codes, with the countries that each may mean."""
    found: dict[str, tuple[str, ...]] = {}
    # A code of ISO never takes away a name: first the names, then what is not yet there.
    for code, name in _names("en").items():
        for known in [name, *_listed(code)]:
            _add(found, known, code)
    with translation.override("en"):
        # What ISO 3166 calls them, where we say it otherwise.
        for code, iso_name in COUNTRIES.items():
            found.setdefault(_fold(str(iso_name)), (code,))
    for code, name in _names(language).items():
        _add(found, name, code)
    for code in _names("en"):
        for short in iso_codes(code):
            found.setdefault(_fold(short), (code,))
    found.update((_fold(name), codes) for name, codes in _AMBIGUOUS.items())
    return found


def _add(found: dict[str, tuple[str, ...]], name: str, code: str) -> None:
    folded = _fold(name)
    known = found.get(folded, ())
    if code not in known:
        found[folded] = (*known, code)


def _fold(text: str) -> str:
    """A name without what people vary: accents, case, dots, punctuation, articles, "St"; nothing of what is no name."""
    if len(text) > _LONGEST_NAME:
        return ""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = re.sub(r"[\u0300-\u036f.'’‘`ʻ\u200c\u200d]", "", decomposed).replace("&", " and ")
    # Not \w: it would split the vowel signs off Bengali, Thai or Burmese words.
    words = "".join(" " if unicodedata.category(char)[0] in "PSZC" else char for char in plain)
    folded = " ".join("saint" if word == "st" else word for word in words.split())
    return folded.removeprefix("the ").removesuffix(" the")


def _parts(label: str) -> list[tuple[str, str]]:
    """A label's parts, each with the separator behind it."""
    parts = []
    start = 0
    if len(label) > _LONGEST_LABEL:
        return [(label, "")]
    for separator in _SEPARATOR.finditer(label):
        parts.append((label[start : separator.start()].strip(), separator.group()))
        start = separator.end()
    parts.append((label[start:].strip(), ""))
    return parts


def _joined(parts: Sequence[tuple[str, str]]) -> str:
    """Parts with the separators between them, as they were written."""
    *first, (last, _) = parts
    return "".join(part + separator for part, separator in first) + last


def _codes(parts: Sequence[tuple[str, str]]) -> list[str] | None:
    """Codes for all parts, the longest name first; None where some part is no country."""
    # From the end, so that at each part it is known whether the rest can be read.
    readable: dict[int, list[str]] = {len(parts): []}
    for start in reversed(range(len(parts))):
        for end in range(min(start + _MOST_PARTS, len(parts)), start, -1):
            if end in readable and (code := match(_joined(parts[start:end]))):
                readable[start] = [code, *readable[end]]
                break
    return readable.get(0)
