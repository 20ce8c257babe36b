"""What Prometheus is shown at /metrics: what this machine's processes counted, and how things stand in the database.

Each process counts in files of its own under METRICS_DIR, which are added up when the page is asked for, whichever
process that is. What the database knows is read at that moment and is the same on every machine.
"""

import os
from collections.abc import Iterator
from hmac import compare_digest

from django.conf import settings
from django.db import connections
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from config.look import Look
from letter.metrics import registry
from signatories.waiting import Waiting, mails_by_outcome, sign_ons_waiting, waiting

REQUESTS = Counter(
    "undersigned_requests",
    "Requests that Django answered, among them those by which the memory before it is renewed.",
    ["view", "method", "status"],
    registry=registry,
)
REQUEST_SECONDS = Histogram(
    "undersigned_request_seconds",
    "How long Django took for a request.",
    ["view"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=registry,
)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """In Prometheus' text format, for whoever has METRICS_TOKEN; 404 where none is set."""
    if not settings.METRICS_TOKEN:
        raise Http404
    told = request.headers.get("Authorization", "")
    if not compare_digest(told.encode(), f"Bearer {settings.METRICS_TOKEN}".encode()):
        refused = HttpResponse("Not the token.\n", status=401, content_type="text/plain")
        refused["WWW-Authenticate"] = "Bearer"  # RFC 6750 §3
        return refused
    return HttpResponse(generate_latest(_everything()), content_type=CONTENT_TYPE_LATEST)


def _everything() -> CollectorRegistry:
    everything = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(everything)  # type: ignore[no-untyped-call]
    else:
        everything.register(registry)
    everything.register(FromDatabase())
    return everything


class FromDatabase(Collector):
    """How things stand in the database; only that it is away, where it does not answer in time."""

    def describe(self) -> list[Metric]:
        # Else it would be asked once more, only to see what there is.
        return []

    def collect(self) -> Iterator[Metric]:
        up = "undersigned_database_up"
        try:
            read = _look()
        except Exception:  # noqa: BLE001 - whatever it is, the rest is to be seen
            yield GaugeMetricFamily(up, "Whether the database answers.", 0)
            return
        yield GaugeMetricFamily(up, "Whether the database answers.", 1)
        yield from read


def _read() -> list[Metric]:
    try:
        now = waiting(at=timezone.now())
        by_outcome = mails_by_outcome()
        awaiting_decision = sign_ons_waiting()
    finally:
        connections.close_all()
    mails = GaugeMetricFamily(
        "undersigned_mails",
        "Mails by what became of them: sent, queued, failing (to be tried again), given_up.",
        labels=["outcome"],
    )
    for outcome, count in by_outcome.items():
        mails.add_metric([outcome], count)
    return [
        *_ages(now),
        mails,
        GaugeMetricFamily(
            "undersigned_publications_failing",
            "Letters whose last publication failed and is to be tried again.",
            now.publications_failing,
        ),
        GaugeMetricFamily(
            "undersigned_sign_ons_waiting",
            "Sign-ons that wait for a coordinator's decision.",
            awaiting_decision,
        ),
    ]


def _ages(now: Waiting) -> Iterator[Metric]:
    for name, documentation, seconds in (
        (
            "publication_request_age",
            "Age of the oldest request for publication; 0 where there is none.",
            now.publication_age,
        ),
        (
            "publication_overdue",
            "Since when a publication should have been tried; 0 where none is due.",
            now.publication_overdue,
        ),
        ("mail_age", "Age of the oldest mail in the queue; 0 where there is none.", now.mail_age),
        (
            "mail_overdue",
            "Since when a mail should have been tried; 0 where none is due.",
            now.mail_overdue,
        ),
    ):
        yield GaugeMetricFamily(f"undersigned_{name}_seconds", documentation, seconds)


_look = Look(_read)
