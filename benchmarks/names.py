"""Names of organisations that do not exist, put together as such names are, in several languages and scripts."""

import random
from collections.abc import Iterator
from typing import Final, NamedTuple


class Made(NamedTuple):
    """A made-up organisation: its name, the country it is in (ISO 3166-1), its own domain, its language."""

    name: str
    country: str
    domain: str
    language: str = "en"


class _Language(NamedTuple):
    heads: tuple[str, ...]
    themes: tuple[str, ...]
    both: str  # two themes
    whole: str


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(", "))


_PLACES: Final = {
    "en": "Kampala UG, Nairobi KE, Accra GH, Lagos NG, Juba SS, Lusaka ZM, Harare ZW, Dhaka BD, Manila PH, Yangon MM, "
    "Karachi PK, Freetown SL, Monrovia LR, Toronto CA, Leeds GB, Dublin IE, Suva FJ, Colombo LK, Gulu UG, Kisumu KE",
    "fr": "Goma CD, Bukavu CD, Bangui CF, Bamako ML, Dakar SN, Lomé TG, Cotonou BJ, Kinshasa CD, Bujumbura BI, "
    "Tunis TN, Lyon FR, Liège BE, Genève CH, Conakry GN, Niamey NE, Abidjan CI",
    "es": "Bogotá CO, Medellín CO, Lima PE, Quito EC, La Paz BO, Asunción PY, Managua NI, Tegucigalpa HN, Oaxaca MX, "
    "Sevilla ES, Rosario AR, Valparaíso CL",
    "pt": "Luanda AO, Maputo MZ, Beira MZ, Recife BR, Belém BR, Manaus BR, Praia CV, Bissau GW, Díli TL, Braga PT",
    "de": "Berlin DE, Köln DE, Leipzig DE, Stuttgart DE, Wien AT, Graz AT, Zürich CH, Basel CH, Bremen DE, Kassel DE",
    "ar": "عمّان JO Amman, بيروت LB Beirut, تونس TN Tounes, القاهرة EG Qahira, الخرطوم SD Khartoum, صنعاء YE Sanaa, "
    "رام الله PS Ramallah, حلب SY Halab, بغداد IQ Baghdad, الموصل IQ Mosul",
    "uk": "Київ UA Kyiv, Львів UA Lviv, Харків UA Kharkiv, Одеса UA Odesa, Дніпро UA Dnipro, Полтава UA Poltava, "
    "Чернівці UA Chernivtsi, Суми UA Sumy",
    "zh": "台北 TW Taipei, 高雄 TW Kaohsiung, 香港 HK Hongkong, 台中 TW Taichung, 新竹 TW Hsinchu, 花蓮 TW Hualien",
    "hi": "दिल्ली IN Delhi, पटना IN Patna, लखनऊ IN Lucknow, भोपाल IN Bhopal, जयपुर IN Jaipur, काठमांडू NP Kathmandu",
}  # fmt: skip
_LANGUAGES: Final = {
    "en": _Language(
        _words("Centre, Network, Forum, Institute, Coalition, Initiative, Alliance, Campaign, Union, Council, "
               "Movement, Observatory, Fund, Clinic"),
        _words("Peace, Justice, Human Rights, Refugees, Memory, Democracy, Reconciliation, Press Freedom, Clean Water, "
               "Land Rights, Girls' Education, Disarmament, Rural Health, Legal Aid, Free Elections, Survivors"),
        "{} and {}", "{place} {head} for {theme}",
    ),
    "fr": _Language(
        _words("Réseau, Centre, Collectif, Observatoire, Synergie, Comité, Ligue, Maison, Alliance, Forum"),
        _words("la paix, la justice, les droits humains, la mémoire, les réfugiés, la démocratie, la presse libre, "
               "l'eau, la terre, les survivantes, l'éducation des filles, le désarmement"),
        "{} et {}", "{head} pour {theme} – {place}",
    ),
    "es": _Language(
        _words("Centro, Red, Colectivo, Observatorio, Comité, Alianza, Casa, Foro, Movimiento, Instituto"),
        _words("la paz, la justicia, los derechos humanos, la memoria, los refugiados, la democracia, el agua, "
               "la tierra, las mujeres, la niñez, el desarme"),
        "{} y {}", "{head} por {theme} de {place}",
    ),
    "pt": _Language(
        _words("Centro, Rede, Coletivo, Observatório, Comitê, Aliança, Casa, Fórum, Movimento"),
        _words("a paz, a justiça, os direitos humanos, a memória, os refugiados, a democracia, a água, a terra"),
        "{} e {}", "{head} para {theme} – {place}",
    ),
    "de": _Language(
        _words("Verein, Netzwerk, Initiative, Bündnis, Forum, Arbeitskreis, Haus, Institut"),
        _words("Frieden, Gerechtigkeit, Menschenrechte, Erinnerung, Geflüchtete, Demokratie, Abrüstung, Landrechte"),
        "{} und {}", "{head} für {theme} {place}",
    ),
    "ar": _Language(
        _words("مركز, شبكة, منتدى, جمعية, مرصد, ائتلاف, مبادرة, مؤسسة"),
        _words("السلام, العدالة, حقوق الإنسان, الذاكرة, اللاجئين, الديمقراطية, المرأة, الطفولة"),
        "{} و{}", "{head} {theme} – {place}",
    ),
    "uk": _Language(
        _words("Центр, Фонд, Мережа, Форум, Спілка, Рада, Коаліція, Ініціатива"),
        _words("миру, справедливості, прав людини, пам'яті, біженців, демократії, вільної преси, правозахисту"),
        "{} та {}", "{head} {theme} – {place}",
    ),
    "zh": _Language(
        _words("協會, 基金會, 論壇, 聯盟, 促進會, 研究中心"),
        _words("和平, 正義, 人權, 記憶, 難民, 民主, 婦女, 環境"),
        "{}與{}", "{place}{theme}{head}",
    ),
    "hi": _Language(
        _words("केंद्र, मंच, संघ, परिषद, संस्थान, अभियान"),
        _words("शांति, न्याय, मानव अधिकार, स्मृति, शरणार्थी, लोकतंत्र, महिला, बाल शिक्षा"),
        "{} और {}", "{place} {theme} {head}",
    ),
}  # fmt: skip
_SHARES: Final = dict(en=40, fr=18, es=12, pt=5, de=6, ar=7, uk=5, zh=4, hi=3)


def made_up(draw: random.Random) -> Iterator[Made]:
    """Organisations without end until the parts are used up (some 100,000); no name comes twice."""
    seen: set[str] = set()
    languages, weights = list(_SHARES), list(_SHARES.values())
    while True:
        code = draw.choices(languages, weights)[0]
        language = _LANGUAGES[code]
        place, country, *latin = draw.choice(_words(_PLACES[code])).rsplit(
            " ", 1 if code in {"en", "fr", "es", "pt", "de"} else 2
        )
        theme = draw.choice(language.themes)
        if draw.random() < 0.7:
            theme = language.both.format(*draw.sample(language.themes, 2))
        name = language.whole.format(head=draw.choice(language.heads), theme=theme, place=place)
        if name not in seen:
            seen.add(name)
            label = (latin[0] if latin else place).encode("ascii", "ignore").decode()
            domain = f"{label.lower().replace(' ', '')}-{len(seen)}.example"
            yield Made(name, country, domain, code)
