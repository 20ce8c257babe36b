from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("letter", "0005_documents_kept_compressed")]

    operations = [
        migrations.AddField(
            "publicationrequest", "line_ids", models.JSONField(editable=False, null=True)
        ),
    ]
