"""Coordinators keep saved reasons; whoever reads along sees the changes too. Three reasons to begin with."""

from django.db import migrations

GRANTED = {
    "coordinator": [
        "view_savedreason",
        "add_savedreason",
        "change_savedreason",
        "delete_savedreason",
        "view_savedreasontext",
        "add_savedreasontext",
        "change_savedreasontext",
        "delete_savedreasontext",
        "view_change",
    ],
    "observer": ["view_savedreason", "view_savedreasontext", "view_change"],
}
REASONS = [
    (
        "return",
        "Name in full, with the city",
        {
            "en": "Please give your organisation's name in full, with the city or country if others have the same name.",
            "fr": "Merci d'indiquer le nom complet de votre organisation, avec la ville ou le pays si d'autres portent le même nom.",
            "es": "Indique por favor el nombre completo de su organización, con la ciudad o el país si otras tienen el mismo nombre.",
        },
    ),
    (
        "return",
        "Who may sign",
        {
            "en": "Please tell us your role, or ask someone who may sign for your organisation to do so, from an address of its own.",
            "fr": "Merci de préciser votre fonction, ou de faire signer une personne habilitée, depuis une adresse de l'organisation.",
            "es": "Indique por favor su cargo, o pida que firme una persona autorizada desde una dirección de la organización.",
        },
    ),
    (
        "reject",
        "Has signed already",
        {
            "en": "Your organisation has already signed this letter; one signature is enough.",
            "fr": "Votre organisation a déjà signé cette lettre ; une signature suffit.",
            "es": "Su organización ya ha firmado esta carta; basta una firma.",
        },
    ),
    (
        "reject",
        "Not an organisation",
        {
            "en": "This letter is signed by organisations, not by individuals.",
            "fr": "Cette lettre est signée par des organisations, non par des particuliers.",
            "es": "Esta carta la firman organizaciones, no personas particulares.",
        },
    ),
    (
        "reject",
        "Could not be verified",
        {
            "en": "We could not verify that this organisation exists and has asked to sign. Write to us if it has.",
            "fr": "Nous n'avons pas pu vérifier que cette organisation existe et souhaite signer. Écrivez-nous si c'est le cas.",
            "es": "No hemos podido verificar que esta organización exista y quiera firmar. Escríbanos si es así.",
        },
    ),
]


def grant(apps, schema_editor):
    content_type = apps.get_model("contenttypes", "ContentType")
    permission = apps.get_model("auth", "Permission")
    group = apps.get_model("auth", "Group")
    for name, codenames in GRANTED.items():
        made, _created = group.objects.get_or_create(name=name)
        for codename in codenames:
            verb, model = codename.split("_", 1)
            of, _created = content_type.objects.get_or_create(app_label="signatories", model=model)
            verbose = apps.get_model("signatories", model)._meta.verbose_name
            granted, _created = permission.objects.get_or_create(
                content_type=of, codename=codename, defaults={"name": f"Can {verb} {verbose}"}
            )
            made.permissions.add(granted)


def begin(apps, schema_editor):
    reason = apps.get_model("signatories", "SavedReason")
    text = apps.get_model("signatories", "SavedReasonText")
    for position, (event, title, texts) in enumerate(REASONS, start=1):
        made = reason.objects.create(event=event, title=title, position=position)
        for language, words in texts.items():
            text.objects.create(reason=made, language=language, text=words)


class Migration(migrations.Migration):
    dependencies = [
        ("signatories", "0003_versions_changes_reasons"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [
        # What was granted and written goes with the tables.
        migrations.RunPython(grant, migrations.RunPython.noop),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]
