"""manage.py purge"""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from signatories import retention


class Command(BaseCommand):
    help = (
        f"Removes sign-ons that nobody confirmed within {retention.CONFIRM_WITHIN.days} days, and the contacts "
        "of letters that were closed as many days ago as each letter says, and sessions that have ended. "
        "The worker does so by itself."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        purged = retention.purge(at=timezone.now())
        self.stdout.write(
            f"Removed {purged.unconfirmed_count} unconfirmed sign-on(s), {purged.contact_count} contact(s) "
            f"and {purged.session_count} ended session(s)."
        )
