"""What people write on top of the columns of a list of recipients, in eight languages, and which field that is."""

from typing import Final

from letter.headings import folded

# By field. Case, accents and punctuation make no difference.
_HEADINGS: Final = {
    "name": (
        "name; full name; recipient; addressee; head of mission; "
        "nom; nom complet; nom et prénom; destinataire; chef de mission; "
        "nombre; nombre completo; nombre y apellidos; destinatario; "
        "nome; nome completo; destinatário; Empfänger; Empfängerin; "
        "الاسم; اسم; الاسم الكامل; المرسل إليه; المخاطب; "
        "имя; фио; фамилия, имя; получатель; адресат; "
        "姓名; 名字; 名称; 名稱; 收件人; 收信人"
    ),
    "title": (
        "title; job title; position; function; role; post; "
        "titre; fonction; poste; qualité; "
        "título; cargo; puesto; función; função; "
        "Titel; Funktion; Amt; Position; Amtsbezeichnung; "
        "المنصب; منصب; اللقب; الوظيفة; الصفة; "
        "должность; титул; звание; "
        "职务; 職務; 职位; 職位; 头衔; 頭銜; 职称; 职衔; 職銜"
    ),
    "salutation": (
        "salutation; greeting; form of address; "
        "formule d'appel; appel; civilité; formule de politesse; "
        "saludo; tratamiento; fórmula de saludo; encabezamiento; "
        "saudação; tratamento; forma de tratamento; vocativo; "
        "Anrede; Grußformel; "
        "التحية; تحية; صيغة المخاطبة; المخاطبة; "
        "обращение; приветствие; "
        "称呼; 稱呼; 称谓; 稱謂; 问候语"
    ),
    "country": (
        "country; state; mission; country or territory; "
        "pays; état; país; estado; Land; Staat; "
        "البلد; بلد; الدولة; دولة; "
        "страна; государство; "
        "国家; 國家; 国家/地区; 國家/地區; 国别"
    ),
    "language": (
        "language; language of correspondence; lang; "
        "langue; idioma; lengua; língua; Sprache; "
        "اللغة; لغة; "
        "язык; "
        "语言; 語言; 语种"
    ),
}


_FIELD: Final = {
    folded(heading): field for field, text in _HEADINGS.items() for heading in text.split("; ")
}


def field_of(heading: str) -> str:
    """The field that a column with this heading holds; "" where the heading says nothing."""
    return _FIELD.get(folded(heading), "")
