"""manage.py remove_second_factor"""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.second_factor import remove_factors


class Command(BaseCommand):
    help = (
        "Removes the second factor of somebody who has lost it, and ends their sessions. "
        "They log in with their password and set up another."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            msg = f"There is no user {options['username']!r}."
            raise CommandError(msg)
        count = remove_factors(user)
        self.stdout.write(f"Removed {count} factor(s) of {user.username}.")
