import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("letter", "0006_lines_of_requests")]

    operations = [
        migrations.AddField(
            "letter",
            "keep_contacts_days",
            models.PositiveSmallIntegerField(
                default=180,
                help_text=(
                    "Counted from when the letter is over; then who signed is erased, and the list stays. "
                    "The standard notice says so, and once somebody has signed it can only be made shorter."
                ),
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(730),
                ],
                verbose_name="days for which contacts are kept",
            ),
        ),
        migrations.AddConstraint(
            "letter",
            models.CheckConstraint(
                condition=models.Q(keep_contacts_days__range=(1, 730)),
                name="letter_keeps_contacts_for_a_time",
            ),
        ),
    ]
