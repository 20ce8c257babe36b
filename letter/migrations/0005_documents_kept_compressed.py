import gzip

from django.db import migrations, models


def unpack(apps, schema_editor):
    """On the way back: what is kept compressed, plain as well, one document at a time."""
    documents = apps.get_model("letter", "Document").objects
    for pk in documents.values_list("pk", flat=True):
        document = documents.get(pk=pk)
        document.body = gzip.decompress(bytes(document.body_gzip))
        document.save(update_fields=["body"])


def drop_handed_over(apps, schema_editor):
    """ZIP files for recipients were kept plain alone; they are made again when they are asked for.

    The lists as JSON and CSV are made when somebody asks, and not kept.
    """
    documents = apps.get_model("letter", "Document").objects
    documents.filter(content_type="application/zip").delete()
    documents.filter(kind__in=["json", "csv"]).delete()


class Migration(migrations.Migration):
    dependencies = [("letter", "0004_deliveries_updates_logos_other_names")]

    operations = [
        migrations.RunPython(drop_handed_over, migrations.RunPython.noop),
        migrations.AlterField("document", "body", models.BinaryField(blank=True, default=b"")),
        migrations.RunPython(migrations.RunPython.noop, unpack),
        migrations.RemoveField("document", "body"),
    ]
