"""What the desk's search looks in, in one column, and indexes for lists whose cost grew with all entries there are."""

from django.db import migrations, models
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    dependencies = [("signatories", "0016_permissions_for_updates_and_partners")]
    operations = [
        migrations.AddField(
            model_name="signatory",
            name="sought",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Func(
                    Lower(
                        models.Func(
                            "reference",
                            models.Value("\n"),
                            "name_key",
                            models.Value("\n"),
                            "email",
                            models.Value("\n"),
                            "website",
                            models.Value("\n"),
                            "contact_name",
                            template="%(expressions)s",
                            arg_joiner=" || ",
                            output_field=models.TextField(),
                        )
                    ),
                    models.Value(1),
                    models.Value(650),
                    function="SUBSTR",
                    arg_joiner=",",
                    output_field=models.TextField(),
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
