"""A saved reason for names that are probably misspelt."""

from django.db import migrations

TITLE = "Check the spelling"
TEXTS = {
    "en": "The name may be misspelt. Please check it and write it as your organisation does.",
    "fr": "Le nom contient peut-être une faute. Merci de le vérifier et de l'écrire comme le fait votre organisation.",
    "es": "Puede que el nombre tenga una errata. Compruébelo, por favor, y escríbalo como lo hace su organización.",
}


def add(apps, schema_editor):
    reason = apps.get_model("signatories", "SavedReason")
    text = apps.get_model("signatories", "SavedReasonText")
    # After the others, so that their keys stay what they were.
    last = reason.objects.order_by("-position").first()
    made = reason.objects.create(
        event="return", title=TITLE, position=last.position + 1 if last else 1
    )
    for language, words in TEXTS.items():
        text.objects.create(reason=made, language=language, text=words)


def remove(apps, schema_editor):
    apps.get_model("signatories", "SavedReason").objects.filter(title=TITLE).delete()


class Migration(migrations.Migration):
    dependencies = [("signatories", "0013_merges")]
    operations = [migrations.RunPython(add, remove)]
