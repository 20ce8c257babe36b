"""What people write on top of the columns of a list, in eight languages, and which field that is."""

from collections.abc import Sequence
from typing import Final

from letter.headings import folded

# By language and field. Case, accents and punctuation make no difference.
_HEADINGS: Final = {
    "en": {
        "name": (
            "name; organisation; organization; organisation name; organization name; name of organisation; "
            "name of organization; name of the organisation; name of the organization; organisation's name; "
            "organization's name; signatory; institution; ngo"
        ),
        "countries": "country; countries; country/countries; country(ies)",
        "label": "label; in parentheses",
        "website": "website; web site; web; url; site; homepage",
        "contact_name": "contact; contact name; contact's name; contact person",
        "contact_role": "role; contact role; contact's role; position; function; job title",
        "email": (
            "e-mail; email; mail; e-mail address; email address; contact email; contact e-mail; "
            "contact's e-mail"
        ),
        "sort_as": "sort as; sort; sort key",
        "other_names": "other names; names in other languages; translations; other_names",
        "note": "note; notes; remark; remarks; comment; comments",
    },
    "fr": {
        "name": (
            "nom; nom de l'organisation; nom de l'organization; nom de l'association; organisation; "
            "organisme; association; institution; ong; signataire"
        ),
        "countries": "pays",
        "label": "libellé; mention; entre parenthèses",
        "website": "site; site web; site internet; adresse du site",
        "contact_name": "contact; nom du contact; personne de contact; interlocuteur; représentant",
        "contact_role": "fonction; poste; rôle; qualité",
        "email": (
            "courriel; e-mail; mail; mél; adresse e-mail; adresse mail; adresse électronique; adresse courriel"
        ),
        "sort_as": "clé de tri; classer sous",
        "other_names": "autres noms; noms dans d'autres langues; traductions",
        "note": "remarque; remarques; commentaire; commentaires; note; notes; observations",
    },
    "es": {
        "name": (
            "nombre; organización; nombre de la organización; entidad; institución; asociación; ong; "
            "firmante"
        ),
        "countries": "país; países",
        "label": "etiqueta; entre paréntesis",
        "website": "sitio; sitio web; página web; web",
        "contact_name": "contacto; nombre del contacto; persona de contacto; representante",
        "contact_role": "cargo; función; puesto",
        "email": "correo; correo electrónico; dirección de correo; dirección de correo electrónico",
        "sort_as": "ordenar como",
        "other_names": "otros nombres; nombres en otros idiomas; traducciones",
        "note": "nota; notas; comentario; comentarios; observaciones",
    },
    "pt": {
        "name": (
            "nome; organização; nome da organização; entidade; instituição; associação; ong; signatário; "
            "signatária"
        ),
        "countries": "país; países",
        "label": "etiqueta; rótulo; entre parênteses",
        "website": "site; sítio; sítio web; página; página web; endereço do site",
        "contact_name": "contato; contacto; nome do contato; nome do contacto; pessoa de contato; representante",
        "contact_role": "cargo; função",
        "email": "correio; correio eletrônico; correio electrónico; endereço de e-mail; endereço eletrônico",
        "sort_as": "ordenar como",
        "other_names": "outros nomes; nomes noutras línguas; nomes em outros idiomas; traduções",
        "note": "nota; notas; comentário; comentários; observação; observações",
    },
    "de": {
        "name": (
            "Name; Organisation; Name der Organisation; Organisationsname; Einrichtung; Verein; Verband; NGO; "
            "NRO; Institution; Unterzeichner; Unterzeichnerin"
        ),
        "countries": "Land; Länder; Staat; Land/Länder",
        "label": "Bezeichnung; Zusatz; in Klammern",
        "website": "Webseite; Website; Internetseite; Internet; Homepage; Internetadresse",
        "contact_name": (
            "Ansprechpartner; Ansprechpartnerin; Ansprechperson; Ansprechpartner/in; Kontakt; Kontaktperson; "
            "Name des Kontakts"
        ),
        "contact_role": "Funktion; Rolle; Position; Amt; Aufgabe",
        "email": "E-Mail; E-Mail-Adresse; Mailadresse; Mail; Emailadresse",
        "sort_as": "sortieren als; Sortierung; Sortierschlüssel",
        "other_names": "andere Namen; Namen in anderen Sprachen; Übersetzungen",
        "note": "Notiz; Notizen; Bemerkung; Bemerkungen; Anmerkung; Anmerkungen; Kommentar; Hinweis",
    },
    "ar": {
        "name": "الاسم; اسم المنظمة; المنظمة; منظمة; اسم الجمعية; الجمعية; المؤسسة; اسم المؤسسة; الجهة",
        "countries": "البلد; بلد; الدولة; دولة; البلدان; الدول",
        "label": "التسمية; بين قوسين",
        "website": "الموقع; الموقع الإلكتروني; موقع الويب; الموقع الالكتروني",
        "contact_name": "جهة الاتصال; اسم جهة الاتصال; مسؤول الاتصال; الشخص المسؤول; شخص الاتصال; المسؤول",
        "contact_role": "المنصب; الوظيفة; الصفة; الدور",
        "email": "البريد; البريد الإلكتروني; البريد الالكتروني; بريد إلكتروني; الإيميل; عنوان البريد الإلكتروني",
        "sort_as": "ترتيب حسب",
        "other_names": "أسماء أخرى; الأسماء بلغات أخرى",
        "note": "ملاحظة; ملاحظات; تعليق; تعليقات",
    },
    "ru": {
        "name": (
            "название; организация; название организации; наименование; наименование организации; "
            "учреждение; нко; нпо; подписавший"
        ),
        "countries": "страна; страны; государство",
        "label": "подпись в скобках; в скобках; обозначение",
        "website": "сайт; веб-сайт; вебсайт; адрес сайта",
        "contact_name": "контакт; контактное лицо; имя контакта; представитель; фио",
        "contact_role": "должность; роль; функция",
        "email": "почта; эл. почта; электронная почта; адрес электронной почты; e-mail; имейл",
        "sort_as": "сортировать как",
        "other_names": "другие названия; названия на других языках; переводы",
        "note": "примечание; примечания; заметка; комментарий; комментарии",
    },
    "zh-hans": {
        "name": "名称; 名稱; 组织; 組織; 组织名称; 組織名稱; 机构; 機構; 机构名称; 機構名稱; 单位; 签署方",
        "countries": "国家; 國家; 国家/地区; 國家/地區; 国别; 所在国",
        "label": "标签; 標籤; 括号内; 括號內",
        "website": "网站; 網站; 网址; 網址; 主页; 官网",
        "contact_name": "联系人; 聯絡人; 聯繫人; 联系人姓名; 联络人",
        "contact_role": "职务; 職務; 职位; 職位; 角色",
        "email": "邮箱; 郵箱; 电子邮件; 電子郵件; 电邮; 電郵; 电子邮箱; 邮件地址",
        "sort_as": "排序",
        "other_names": "其他名称; 其他名稱; 其他语言名称; 其他語言名稱",
        "note": "备注; 備註; 附注; 说明; 注释",
    },
}  # fmt: skip


_FIELD: Final = {
    folded(heading): field
    for fields in reversed(_HEADINGS.values())  # where two languages differ, the first one holds
    for field, text in fields.items()
    for heading in text.split("; ")
}


def field_of(heading: str) -> str:
    """The field that a column with this heading holds; "" where the heading says nothing."""
    return _FIELD.get(folded(heading), "")


def languages_of(headings: Sequence[str]) -> tuple[str, ...]:
    """The languages in which most of the headings are known, but for English; several may tie."""
    found = {folded(heading) for heading in headings}
    counts = {
        language: len(
            found & {folded(each) for text in fields.values() for each in text.split("; ")}
        )
        for language, fields in _HEADINGS.items()
    }
    most = max(counts.values())
    if not most or counts["en"] == most:
        return ()
    return tuple(language for language, count in counts.items() if count == most)
