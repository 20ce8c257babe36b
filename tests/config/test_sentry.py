"""What Sentry is sent, by a process of its own: the SDK changes the whole process that it is in."""

import json
import subprocess
import sys

import pytest

from config.sentry import without_persons
from tests.browser.site import BASE_DIR

# A page that breaks with a contact in its hands, and the worker in another thread.
BREAKS = """
import json, logging, threading
import django, sentry_sdk
from sentry_sdk.transport import Transport
from config import sentry

sent = []

class Kept(Transport):
    def capture_envelope(self, envelope):
        sent.extend(item.payload.json for item in envelope.items)

report_errors = sentry.report_errors
sentry.report_errors = lambda dsn: report_errors(dsn, Kept)
django.setup()

from django.test import Client
from config import views

def breaks(name):
    planted_in_a_variable = "planted"
    raise ValueError("Key (email)=(amina.planted@forum.example.org) from /c/confirm/planted-token/")

views.static = breaks
client = Client(raise_request_exception=False)
client.cookies["sessionid"] = "planted"
answer = client.get(
    "/favicon.ico?q=planted", REMOTE_ADDR="192.0.2.77", headers={"X-Planted": "planted"}
)
logging.getLogger("x").warning("planted: no error, so not sent")
logging.getLogger("x").error("letter %s of %s: %s", 7, "amina.planted@forum.example.org", "failed")

def work():
    raise RuntimeError("the thread ended")

threading.excepthook = lambda _arguments: None
thread = threading.Thread(target=work)
thread.start()
thread.join()
print(json.dumps([answer["X-Request-ID"], sent]))
"""


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    done = subprocess.run(
        [sys.executable, "-c", BREAKS],
        cwd=BASE_DIR,
        env={
            "PATH": "/usr/bin:/bin",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DEBUG": "1",
            "ALLOWED_HOSTS": "testserver",
            "VAR_DIR": str(tmp_path_factory.mktemp("var")),
            "SENTRY_DSN": "https://key@sentry.invalid/1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_error_is_sent_once(sent):
    _request, events = sent
    messages = [
        event["exception"]["values"][-1]["value"]
        if "exception" in event
        else event["logentry"]["formatted"]
        for event in events
    ]

    assert messages == [
        "Key (email)=(…) from /c/confirm/…/",
        "letter 7 of …@…: failed",
        "the thread ended",
    ]


def test_an_event_has_the_traceback_and_the_id_of_its_request(sent):
    request, (event, *_others) = sent

    frames = event["exception"]["values"][-1]["stacktrace"]["frames"]
    assert frames[-1]["function"] == "breaks"
    assert not any("vars" in frame for frame in frames)
    assert event["tags"]["request"] == request


def test_nothing_of_a_person_is_sent(sent):
    _request, events = sent
    # But for what stands in the program's own lines, which a traceback shows.
    for event in events:
        for exception in event.get("exception", {}).get("values", []):
            for frame in exception["stacktrace"]["frames"]:
                for name in ("context_line", "pre_context", "post_context"):
                    frame.pop(name, None)

    text = json.dumps(events)
    assert "planted" not in text.lower()
    assert "192.0.2.77" not in text
    assert not {"request", "user", "extra", "breadcrumbs"} & {
        key for event in events for key in event
    }


def test_what_another_integration_adds_stays_here():
    event = {
        "request": {"data": "x", "cookies": "x", "headers": {}, "query_string": "x"},
        "user": {"ip_address": "192.0.2.77"},
        "extra": {"request": "x"},
        "breadcrumbs": {"values": ["x"]},
        "logentry": {"message": "%s", "params": ["a@example.org", ("/c/not-us/x/",)]},
        "level": "error",
        "timestamp": 1.5,
    }

    assert without_persons(event, {}) | {"tags": {}} == {
        "logentry": {"message": "%s", "params": ["…@…", ["/c/not-us/…/"]]},
        "level": "error",
        "timestamp": 1.5,
        "tags": {},
    }
