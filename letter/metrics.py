"""What letter counts for Prometheus; config/metrics.py shows it to whoever may see it.

Every metric has a label, so that a process that counts nothing, such as a command, leaves no file where the
processes of a machine count together (see METRICS_DIR in config/settings.py).
"""

from prometheus_client import CollectorRegistry, Counter, Histogram

registry = CollectorRegistry()

READERS = Counter(
    "undersigned_readers",
    "Answers given from memory, before Django, by status.",
    ["status"],
    registry=registry,
)
PUBLICATION_SECONDS = Histogram(
    "undersigned_publication_seconds",
    "How long a publication took, by what came of it: edition, unchanged, failed.",
    ["outcome"],
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=registry,
)
