"""A database of the first release, with what was in it, is today's after `manage.py migrate`."""

import os

from tests.browser.site import free_port, manage, own_database
from tests.lived import begin, environ_of, found, told


def test_a_database_of_the_first_release_is_kept_whole(tmp_path):
    url = os.environ.get("DATABASE_URL", "")
    with own_database(url, f"undersigned_first_{free_port()}") as database:
        environ = environ_of(tmp_path, database, "first")
        slug = told(environ, begin.__name__)

        manage(environ, "migrate", "--verbosity", "0")

        # Nothing changes for readers: no edition is written, and those that were hold.
        assert manage(environ, "verify_editions") == f"{slug}: 2 edition(s) hold.\n"
        assert told(environ, found.__name__) == {
            "editions": 2,
            "listed": ["Centre Kivu", "Zarga"],
            "page": True,
            "past": True,
            "links": [302, 200],  # confirmed already, so on to the sign-on
            "states": [
                ["Centre Kivu", "approved"],
                ["Left Long Ago", "withdrawn"],
                ["Waiting Group", "pending"],
                ["Zarga", "approved"],
            ],
            "private": [["aline@kivu.example.org", "She called.", 95]],
            "decisions": 12,
            "by": ["grace"],
            "mails": 4,
            "is_found_by_name": True,
        }
        assert manage(environ, "verify_editions") == f"{slug}: 2 edition(s) hold.\n"
