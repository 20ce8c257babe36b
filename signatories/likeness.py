"""How like two names of organisations are, and the keys under which names that are alike are found.

Two names are one where every word that tells organisations apart has its like in the other:
misspelt, in another order, run together, or shrunk to initials. A word or a country that only one
of them has makes another organisation of it: a branch is not its parent.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import Final

from django.utils import translation
from rapidfuzz.distance import OSA

from letter import countries
from signatories.domains import own_domain
from signatories.models import NameKey
from signatories.name_signs import unmasked
from signatories.names import name_key


def _words_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


# From here on a coordinator should be asked whether the two are one.
LIKELY: Final = 0.8
# Below this nothing is shown.
POSSIBLE: Final = 0.6
_MOST_IF_OTHER_WORDS: Final = 0.75
_MOST_IF_OTHER_PLACES: Final = 0.7
_MOST_IF_NOT_EQUAL: Final = 0.99
_INITIALS: Final = 0.9
_GENERIC_WEIGHT: Final = 0.1

_ELISION: Final = re.compile(r"\b(?:d|l|n|s|qu|dell|all|nell)['’]", re.IGNORECASE)
_APOSTROPHES: Final = str.maketrans("", "", "'’‘`ʻʼ")
_PARENTHESIS: Final = re.compile(r"[(\[（]([^()\[\]（）]*)[)\]）]")
_OTHER_LANGUAGE: Final = re.compile(r"\s[/|]\s")
_UMLAUTS: Final = re.compile("([aou])e")
_CUT_SHORT: Final = re.compile(r"\b([^\W\d_]{3,})\.(?=\s|$)")  # "Inst."
# The plural in Spanish: "DDHH" and "DD. HH." are "derechos humanos". Without Roman numerals.
_DOUBLED: Final = re.compile(r"\b([A-HJ-UWYZ])\1\.?\s?([A-HJ-UWYZ])\2\b\.?")
_FIGURE_FOR_WORD: Final = re.compile(r"(?<=[a-z])4(?=[A-Z])")  # "Bytes4All"
_VOWELS: Final = re.compile("[aeiouy]")
_FIRST_IDEOGRAPH: Final = "\u2e80"  # from here on, a letter more or less is another word

_LEGAL_FORMS: Final = frozenset(
    {
        "ac", "asbl", "aisbl", "association loi 1901", "cic", "ets", "ev", "ggmbh", "gmbh", "inc",
        "incorporated", "limited", "llc", "ltd", "ngo", "npc", "npo", "ong", "onlus", "ops", "osc",
        "plc", "spzoo", "stichting", "vzw", "zs",
        "ано", "автономнаянекоммерческаяорганизация", "мбо", "моо", "нко", "ооо", "роо",
        "межрегиональнаяобщественнаяорганизация", "международнаяобщественнаяорганизация",
        "некоммерческаяорганизация", "общественнаяорганизация", "громадськаорганізація",
        "региональнаяобщественнаяорганизация", "社团法人", "财团法人",
    }
)  # fmt: skip
_STOP_WORDS: Final = _words_of(
    "a an and at by for from in of on the to with "
    "au aux d de des du en et l la le les pour par sur un une "
    "con del e el las los para por y da das do dos em na o os "
    "dem den der die fur im und van von voor het een zur zum "
    "di della dei delle gli i il och av u za и в за та з για του της τα"
)
# Words that come and go with the same organisation; but one in the place of another does not.
_GENERIC: Final = _words_of("association foundation group international organization")
_SAME_WORDS: Final = {
    "african": "africa",
    "asian": "asia",
    "center": "centre",
    "european": "europe",
    "int": "international",
    "intl": "international",
    "org": "organization",
    "organisation": "organization",
    "women": "woman",
    **dict.fromkeys(
        _words_of(
            "asociacion associacao associacio associazione asotsiatsiya vereniging verein "
            "ассоциация асоціація جمعيه"
        ),
        "association",
    ),
    **dict.fromkeys(
        _words_of("fundacion fundacao fundacio fundacja fondazione stiftung фонд مؤسسه"),
        "foundation",
    ),
    **dict.fromkeys(_words_of("grupo groupe gruppe gruppo группа مجموعه"), "group"),
    **dict.fromkeys(
        _words_of(
            "internacional internationale internazionale internationaal "
            "международный международная международное دوليه دولي"
        ),
        "international",
    ),
    **dict.fromkeys(
        _words_of(
            "organizacion organizacao organizacio organizzazione organizacja organisatie "
            "организация організація منظمه"
        ),
        "organization",
    ),
}
# Letters that many keyboards lack; the forms of one Arabic letter; Chinese as it is simplified, for
# characters that names of organisations are made of.
_LETTER_PAIRS: Final = (
    "ıi łl đd øo أا إا آا ٱا ىي ةه 國国 權权 師师 團团 會会 協协 聯联 灣湾 "
    "臺台 學学 華华 婦妇 運运 動动 農农 業业 環环 護护 綠绿 態态 邊边 爭争 議议 連连 線线 關关 "
    "懷怀 導导 發发 開开 際际 漢汉 語语 經经 濟济 東东 亞亚 歐欧 廣广 門门 陽阳 島岛 義义 務务 "
    "總总 財财 館馆 園园 區区 縣县 鄉乡 難难 災灾 醫医 藥药 風风 傳传 體体 報报 記记 網网 絡络 "
    "論论 壇坛 訊讯 聲声 電电 視视 見见 觀观 點点 監监 獄狱 獨独 選选 舉举 辦办 廳厅 職职 員员 "
    "勞劳 資资 產产 證证 書书 圖图 畫画 藝艺 術术 戲戏 劇剧 樂乐 飛飞 機机 車车 輛辆 馬马 龍龙 "
    "鳳凤 鳥鸟 魚鱼 飲饮 樹树 葉叶 紅红 藍蓝 黃黄 銀银 鐵铁 錢钱 號号 碼码 數数 專专 項项 單单 "
    "雙双 萬万 億亿 實实 現现 創创 歷历 遺遗 跡迹 時时 間间 當当 緊紧 補补 償偿 貧贫 窮穷 饑饥 "
    "餓饿 戰战 達达 賴赖 維维 穩稳 個个 過过 從从 眾众 種种"
)
_SAME_LETTERS: Final = str.maketrans({pair[0]: pair[1] for pair in _LETTER_PAIRS.split()})
_ARABIC_MARKS: Final = re.compile("[\u0640\u064b-\u0652]")
# What is written together with the word after it: and, the, by the, for the.
_ARABIC_PREFIXES: Final = re.compile("^(?:وال|بال|لل|ال|ل(?=.{4}))(?=.{3})")
_SHORT_COUNTRIES: Final = {"uk": "GB", "gb": "GB", "usa": "US", "uae": "AE", "drc": "CD"}
_DEMONYMS: Final = (
    "AF afghan;AL albanian;DZ algerian;AO angolan;AR argentine argentinian;AM armenian;"
    "AU australian;AT austrian;AZ azerbaijani;BH bahraini;BD bangladeshi;BY belarusian;BE belgian;"
    "BJ beninese;BT bhutanese;BO bolivian;BA bosnian;BW botswanan;BR brazilian;GB british;"
    "BG bulgarian;BF burkinabe;MM burmese burma;BI burundian;KH cambodian;CM cameroonian;"
    "CA canadian;TD chadian;CL chilean;CN chinese;CO colombian;CD congolese;HR croatian;CU cuban;"
    "CY cypriot;CZ czech;DK danish;DO dominican;NL dutch;EC ecuadorian;EG egyptian;ER eritrean;"
    "EE estonian;ET ethiopian;FI finnish;FR french;GM gambian;GE georgian;DE german deutsche;"
    "GH ghanaian;GR greek hellenic;GT guatemalan;GN guinean;HT haitian;HN honduran;HU hungarian;"
    "IS icelandic;IN indian;ID indonesian;IR iranian;IQ iraqi;IE irish;IL israeli;IT italian;"
    "JM jamaican;JP japanese;JO jordanian;KZ kazakh;KE kenyan;KR korean;XK kosovar;KW kuwaiti;"
    "KG kyrgyz;LV latvian;LB lebanese;LR liberian;LY libyan;LT lithuanian;MG malagasy;MW malawian;"
    "MY malaysian;ML malian;MR mauritanian;MX mexican;MD moldovan;MN mongolian;MA moroccan;"
    "MZ mozambican;NA namibian;NP nepali nepalese;NZ newzealander;NI nicaraguan;NG nigerian;"
    "NO norwegian;OM omani;PK pakistani;PS palestinian;PY paraguayan;PE peruvian;PH filipino "
    "philippine;PL polish;PT portuguese;QA qatari;RO romanian;RU russian;RW rwandan;SA saudi;"
    "SN senegalese;RS serbian;SL sierraleonean;SK slovak;SI slovenian;SO somali;ZA southafrican;"
    "SS southsudanese;ES spanish;LK srilankan;SD sudanese;SE swedish;CH swiss;SY syrian;"
    "TW taiwanese;TJ tajik;TZ tanzanian;TH thai;TG togolese;TN tunisian;TR turkish;UG ugandan;"
    "UA ukrainian;US american america;UY uruguayan;UZ uzbek;VE venezuelan;VN vietnamese;YE yemeni;"
    "ZM zambian;ZW zimbabwean"
)  # fmt: skip


@dataclass(frozen=True)
class _Reading:
    """A name as it is compared: words that tell, words that come and go, countries."""

    words: tuple[str, ...]
    generic: frozenset[str]
    places: frozenset[str]
    # The telling words as they were written, folded, for their initials.
    written: tuple[str, ...]
    # Words in capitals, which may be the initials of others.
    acronyms: frozenset[str]
    # Words that a full stop cut short.
    cut: frozenset[str]

    @property
    def run_together(self) -> str:
        return "".join(self.words)


@cache
def _demonyms() -> dict[str, str]:
    entries = (entry.split() for entry in _DEMONYMS.split(";"))
    return {word: code for code, *words in entries for word in words}


@lru_cache(maxsize=65536)
def _country(text: str) -> str | None:
    """The country that one or more folded words name, as a noun or an adjective."""
    joined = text.replace(" ", "")
    if code := _SHORT_COUNTRIES.get(joined) or _demonyms().get(joined):
        return code
    if len(joined) <= 3:  # "de" and "in" are codes, too
        return None
    # In one language always: what is stored as keys must not depend on who looks.
    with translation.override("en"):
        return countries.match(text)


@lru_cache(maxsize=16384)
def _canonical(word: str) -> str:
    """A word without what spellings and numbers of the same word differ in."""
    word = _UMLAUTS.sub(r"\1", word.translate(_SAME_LETTERS))
    if "\u0600" <= word[:1] <= "\u06ff":
        # An article that stands by itself stays: a word without a letter has no initial.
        word = _ARABIC_PREFIXES.sub("", _ARABIC_MARKS.sub("", word)) or word
    word = _SAME_WORDS.get(word, word)
    if len(word) > 6 and word.endswith("ing"):
        word = word.removesuffix("ing")
    if len(word) > 4 and word.endswith("ies"):
        word = word.removesuffix("ies") + "y"
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word.removesuffix("s")
    word = _SAME_WORDS.get(word, word)
    return next((generic for generic in _GENERIC if _alike(word, generic)), word)


def _without_legal_forms(words: list[str]) -> list[str]:
    """Also where a form was written with dots: "e.V." has come as two words, "sp. z o.o." as four."""
    kept = words
    for size in (4, 3, 2, 1):
        if len(kept) > size and "".join(kept[-size:]) in _LEGAL_FORMS:
            kept = kept[:-size]
        first = "".join(kept[:size])
        if len(kept) > size and len(first) > 2 and first in _LEGAL_FORMS:
            kept = kept[size:]
    return kept


def _is_acronym(text: str) -> bool:
    return " " not in text and sum(char.isupper() for char in text) >= 2


def _is_shortened(aside: str, name: str) -> bool:
    """Whether a text in ideographs is some of a name's, in their order: 台權會 of 台灣人權促進會."""
    left = iter(name)
    return min(aside, default="") >= _FIRST_IDEOGRAPH and all(char in left for char in aside)


@lru_cache(maxsize=8192)
def readings(name: str) -> tuple[_Reading, ...]:
    """A name as one or more: without the acronym behind it, that acronym, and each language."""
    asides = [aside.strip() for aside in _PARENTHESIS.findall(name)]
    outside = _PARENTHESIS.sub(" ", name)
    acronyms = [aside for aside in asides if _is_acronym(aside) or _is_shortened(aside, outside)]
    bare = _PARENTHESIS.sub(
        lambda found: " " if found[1].strip() in acronyms else f" {found[1]} ", name
    )
    forms = [bare, *acronyms]
    if len(parts := _OTHER_LANGUAGE.split(bare)) > 1:
        forms += parts
    return tuple(_read(form) for form in forms if form.strip())


def _read(form: str) -> _Reading:
    plain = _ELISION.sub(" ", unmasked(form)).translate(_APOSTROPHES)
    plain = _FIGURE_FOR_WORD.sub(" for ", _DOUBLED.sub(r"\1\2", plain))
    acronyms = {name_key(word) for word in re.split(r"[\s\-–/,.]+", plain) if _is_acronym(word)}
    if plain.isupper() and len(plain.split()) > 1:
        acronyms.clear()
    folded = _without_legal_forms(name_key(plain).split())
    places, rest = set(), []
    at = 0
    while at < len(folded):
        for size in (4, 3, 2, 1):
            if at + size <= len(folded) and (code := _country(" ".join(folded[at : at + size]))):
                places.add(code)
                at += size
                break
        else:
            rest.append(folded[at])
            at += 1
    telling = [word for word in rest if not _is_stop_word(word)] or rest or folded
    # "… Human Rights Studies – CIHRS" says the same thing twice.
    telling = [word for word in telling if not _repeats(word, telling, acronyms)]
    pairs = [(word, _canonical(word)) for word in telling]
    heavy = [pair for pair in pairs if pair[1] not in _GENERIC] or pairs
    words = tuple(dict.fromkeys(canonical for _written, canonical in heavy))
    generic = frozenset(canonical for _written, canonical in pairs) - set(words)
    written = tuple(word for word in folded if not _is_stop_word(word))
    cut = frozenset(_canonical(name_key(word)) for word in _CUT_SHORT.findall(plain))
    return _Reading(words, generic, frozenset(places), written, frozenset(acronyms), cut)


def _is_stop_word(word: str) -> bool:
    return word in _STOP_WORDS or _UMLAUTS.sub(r"\1", word) in _STOP_WORDS


def _repeats(word: str, words: list[str], acronyms: set[str]) -> bool:
    others = "".join(other[0] for other in words if other != word)
    return word in acronyms and len(word) > 2 and word == others


# Each of many names is compared with several.
folded_key: Final = lru_cache(maxsize=16384)(name_key)


def likeness(one: str, other: str) -> float:
    """How likely two names are one organisation's, from 0 to 1; see LIKELY."""
    if folded_key(one) == folded_key(other):
        return 1.0
    scores = (_compare(mine, theirs) for mine in readings(one) for theirs in readings(other))
    return min(max(scores, default=0.0), _MOST_IF_NOT_EQUAL)


def _compare(one: _Reading, other: _Reading) -> float:
    if not one.words or not other.words or _are_two_acronyms(one, other):
        return 0.0
    if _spells(one, other) or _spells(other, one):
        return _INITIALS
    if one.run_together == other.run_together:
        score, is_whole = 1.0, True
    else:
        score, is_whole = _align(one, other)
    differing = len(one.generic ^ other.generic) * _GENERIC_WEIGHT
    weight = max(len(one.words), len(other.words))
    score = score * weight / (weight + differing)
    is_replaced = bool(one.generic - other.generic and other.generic - one.generic)
    if not is_whole or is_replaced:
        score = min(score, _MOST_IF_OTHER_WORDS)
    if one.places != other.places:
        score = min(score, _MOST_IF_OTHER_PLACES)
    return score


def _is_initials(reading: _Reading) -> bool:
    return any(_canonical(acronym) == reading.words[0] for acronym in reading.acronyms)


def _are_two_acronyms(one: _Reading, other: _Reading) -> bool:
    """Whether both names are initials alone, and other ones: CEDHA is not CEDHU misspelt."""
    both = set(one.words) ^ set(other.words)
    return (
        len(one.words) == len(other.words) == 1
        and bool(both)
        and all(map(_is_initials, (one, other)))
    )


def _align(one: _Reading, other: _Reading) -> tuple[float, bool]:
    """The share of words that have their like in the other name, and whether all have."""
    mine, theirs = list(one.words), list(other.words)
    total, matched = 0.0, 0
    for word in one.words:
        best = max(theirs, key=lambda their, my=word: _alike(my, their), default="")  # type: ignore[misc]
        if best and (alike := _alike(word, best)):
            mine.remove(word)
            theirs.remove(best)
            total += alike
            matched += 1
    for of, short, long in ((one, mine, theirs), (other, theirs, mine)):
        for word in of.cut.intersection(short):
            if whole := next((each for each in long if each.startswith(word)), ""):
                short.remove(word)
                long.remove(whole)
                total += _INITIALS
                matched += 1
    if not mine and not theirs:
        return total / matched, True
    if _is_short_for(mine, theirs, one, other) or _is_short_for(theirs, mine, other, one):
        return _INITIALS, True
    return total / max(len(one.words), len(other.words)), False


def _is_short_for(short: list[str], long: list[str], of: _Reading, whole: _Reading) -> bool:
    """Whether what is left of one name is initials that the words left of the other begin with."""
    if len(short) != 1 or len(long) < 2:
        return False
    initials = "".join(word[0] for word in whole.written)
    for acronym in of.acronyms:
        at = initials.find(acronym)
        # Two letters tell something beside other words.
        is_too_short = len(acronym) < (3 if len(of.words) == 1 else 2)
        if at < 0 or is_too_short or _canonical(acronym) != short[0]:
            continue
        spelt = {_canonical(word) for word in whole.written[at : at + len(acronym)]}
        if spelt.issuperset(long):
            return True
    return False


@lru_cache(maxsize=16384)
def _alike(one: str, other: str) -> float:
    """1 for the same word, less for one that is probably misspelt, 0 for another word."""
    if one == other:
        return 1.0
    shorter, longest = sorted((len(one), len(other)))
    may_be_misspelt = (
        longest >= 5  # a letter dropped from a word of five leaves four
        and shorter >= 4
        and one[0] == other[0]
        and one.isalpha()
        and other.isalpha()
        and max(one + other) < _FIRST_IDEOGRAPH
    )
    if not may_be_misspelt:
        return 0.0
    most = 2 if shorter >= 9 else 1
    distance = OSA.distance(one, other, score_cutoff=most)
    return 1 - distance / longest if distance <= most else 0.0


def _spells(short: _Reading, long: _Reading) -> bool:
    """Whether a name is an acronym, perhaps with a country, of another."""
    if len(short.words) != 1 or len(long.written) < 3:
        return False
    for acronym in short.acronyms:
        if _canonical(acronym) != short.words[0] or len(acronym) < 3:
            continue
        if short.places == long.places and acronym == "".join(word[0] for word in long.words):
            return True
        if not short.places and _is_made_of(acronym, long.written):
            return True
    return False


def _is_made_of(acronym: str, words: tuple[str, ...]) -> bool:
    """Whether the acronym is beginnings of the words, in order, leaving out at most one.

    "INSEC" is INformal (Sector) SErvice Centre.
    """

    def fits(letters: str, at: int, left_out: int) -> bool:
        if at == len(words):
            return not letters
        word = words[at]
        if any(
            letters[:size] == word[:size] and fits(letters[size:], at + 1, left_out)
            for size in range(1, min(3, len(letters), len(word)) + 1)
        ):
            return True
        return at > 0 and left_out > 0 and fits(letters, at + 1, left_out - 1)

    return fits(acronym, 0, 1)


# --- The keys of a name -------------------------------------------------------------

KEY_LENGTH: Final = NameKey._meta.get_field("key").max_length or 0
_MOST_INITIALS: Final = 9


def keys_of(name: str, website: str = "") -> set[str]:
    """The index keys of a name: two names that are likely one share at least one that is rare.

    Consonants of its words, alone, in neighbouring pairs and all together, survive most slips;
    initials lead from "HRW" to its words and back, and from "INSEC", which has more than initials,
    to Informal Sector Service Centre; a website leads to names that share nothing.
    """
    keys: set[str] = set()
    for reading in readings(name):
        skeletons = sorted({_skeleton(word) for word in (*reading.words, *sorted(reading.places))})
        keys.update(f"w:{skeleton}" for skeleton in skeletons)
        keys.update(f"p:{one} {two}" for one, two in pairwise(skeletons))
        keys.add(f"n:{' '.join(skeletons)}")
        keys.add(f"j:{_skeleton(reading.run_together)}")
        keys.update(f"a:{acronym}" for acronym in reading.acronyms)
        # "UNA-Sweden" has the initials of United Nations Association-Sweden, and the country besides.
        home = tuple(word for word in reading.written if not _country(word))
        for words in (reading.words, reading.written, home):
            if len(words) > 2:
                keys.add(f"a:{''.join(word[0] for word in words)}")
        if len(reading.written) == 1:
            keys.add(f"a:{reading.written[0]}")
        if len(reading.words) == 1 and _is_initials(reading):
            keys.update(f"i:{letters}" for letters in _beginnings(reading.written[0]))
        keys.update(f"i:{letters}" for letters in _initials(reading.written))
    if domain := own_domain(website):
        keys.add(f"d:{domain}")
    return {key[:KEY_LENGTH] for key in keys}


def _initials(words: tuple[str, ...]) -> set[str]:
    """The initials of the words, and those with one word left out, as an acronym may leave it out."""
    letters = "".join(word[0] for word in words[:_MOST_INITIALS])
    found = {letters, *(letters[:at] + letters[at + 1 :] for at in range(1, len(letters)))}
    return {each for each in found if len(each) > 2}


def _beginnings(acronym: str) -> set[str]:
    """The initials of the words of which an acronym may have taken one to three letters each."""
    if not 3 < len(acronym) <= _MOST_INITIALS:
        return set()
    found: list[set[str]] = [{""}]
    for end in range(1, len(acronym) + 1):
        starts = range(max(0, end - 3), end)
        found.append({before + acronym[start] for start in starts for before in found[start]})
    return {each for each in found[-1] if len(each) > 2}


def _skeleton(word: str) -> str:
    """A word's beginning and its consonants, each run of one letter once."""
    consonants = word[:1] + _VOWELS.sub("", word[1:])
    return re.sub(r"(.)\1+", r"\1", consonants)
