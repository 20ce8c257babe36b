"""What the desk's search looks in, in one column, and indexes for lists whose cost grew with all entries there are."""

from django.db import migrations, models
from django.db.models.functions import Concat, Left, Lower


class Migration(migrations.Migration):
    dependencies = [("signatories", "0016_permissions_for_updates_and_partners")]
    operations = [
        migrations.AddField(
            model_name="signatory",
            name="sought",
            field=models.GeneratedField(
                db_persist=True,
                expression=Left(
                    Lower(
                        Concat(
                            "reference",
                            models.Value("\n"),
                            "name_key",
                            models.Value("\n"),
                            "email",
                            models.Value("\n"),
                            "website",
                            models.Value("\n"),
                            "contact_name",
                            output_field=models.TextField(),
                        )
                    ),
                    650,
                ),
                output_field=models.TextField(),
            ),
        ),
        migrations.AddIndex(
            model_name="signatory",
            index=models.Index(fields=["sought", "id"], name="signatory_sought"),
        ),
        migrations.AddIndex(
            model_name="signatory",
            index=models.Index(
                fields=["letter", "countries", "state", "approved_at", "confirmed_at"],
                name="signatory_campaign",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("given_up_at__isnull", False), ("sent_at__isnull", True)),
                fields=["letter"],
                name="message_given_up",
            ),
        ),
    ]
