"""`python -m tests.faults.verifying SLUG`: for each line that it is sent, what verify_editions says of the letter.

A process that stays, since most of the time of a command goes into its start.
"""

import os
import sys
from io import StringIO

import django


def main(slug: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    from django.core.management import call_command
    from django.db import connections

    for _line in sys.stdin:
        said = StringIO()
        try:
            call_command("verify_editions", slug, stdout=said, stderr=said)
        except (Exception, SystemExit) as error:
            said.write(f"{type(error).__name__}: {error}")
        for connection in connections.all():
            connection.close()
            connection.close_pool()  # what it keeps may be cut before the next line
        print(" ".join(said.getvalue().split()), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
