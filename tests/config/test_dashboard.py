"""What deploy/ has for Grafana and Prometheus asks for metrics, labels and values that /metrics shows."""

import json
import re
from pathlib import Path

import pytest
import yaml
from django.urls import get_resolver
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from config import metrics
from letter.metrics import PUBLICATION_SECONDS, READERS
from letter.publishing import request_publication

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8"))
RULES = yaml.safe_load((DEPLOY / "prometheus-alerts.yml").read_text(encoding="utf-8"))["groups"][0][
    "rules"
]
ASKED = [
    *(target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])),
    *(rule["expr"] for rule in RULES),
]
# Of PromQL, those that are used.
FUNCTIONS = {"sum", "max", "min", "rate", "delta", "deriv", "clamp_min", "histogram_quantile"}
# What Prometheus adds.
OF_PROMETHEUS = {"up": {}}
LABELS_OF_PROMETHEUS = {"job", "instance"}


@pytest.fixture
def shown(letter, work, client, settings, monkeypatch):
    """By the name of each sample that /metrics shows, the values of its labels."""
    settings.METRICS_TOKEN = "let-me-count-0123456789"
    monkeypatch.setattr(metrics.connections, "close_all", lambda: None)
    monkeypatch.setattr(metrics, "_look", metrics._read)
    request_publication(letter, at=timezone.now())
    work()
    PUBLICATION_SECONDS.labels("edition")
    READERS.labels("200")
    client.get("/conduct/sign/")
    client.get("/conduct/")
    bearer = {"Authorization": f"Bearer {settings.METRICS_TOKEN}"}
    client.get("/metrics", headers=bearer)
    text = client.get("/metrics", headers=bearer).content.decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for name, value in sample.labels.items():
                labels.setdefault(name, set()).add(value)
    return found


def taken_apart(asked):
    """An expression's identifiers outside of selectors, its selectors, and the labels it sums by."""
    selectors = [
        (metric, re.findall(r'(\w+)(=~|=|!=|!~)"([^"]*)"', matchers))
        for metric, matchers in re.findall(r"(\w+)\{([^}]*)\}", asked)
    ]
    by = [name for names in re.findall(r"\bby \(([^)]*)\)", asked) for name in names.split(", ")]
    rest = re.sub(r"\bby \([^)]*\)|\{[^}]*\}|\[[^]]*\]", " ", asked)
    called = set(re.findall(r"\b([a-z_]\w*)\s*\(", rest))
    return set(re.findall(r"\b[a-z_]\w*", rest)) - called, called, selectors, by


@pytest.mark.parametrize("asked", ASKED)
def test_only_what_is_shown_is_asked_for(shown, asked):
    shown = shown | OF_PROMETHEUS
    # "sum by (le) (…)": the function and its bracket are apart.
    names, called, selectors, by = taken_apart(
        re.sub(r"\bsum by \(([^)]*)\) \(", r"by (\1) sum(", asked)
    )

    assert called <= FUNCTIONS
    assert names
    assert names <= shown.keys()
    for metric, matchers in selectors:
        for label, _operator, _value in matchers:
            assert label in LABELS_OF_PROMETHEUS | shown[metric].keys(), (metric, label)
    labels = set().union(*(shown[name].keys() for name in names)) | LABELS_OF_PROMETHEUS
    assert set(by) <= labels


def test_values_that_are_asked_for_are_those_that_there_are(shown):
    outcomes = {
        "undersigned_mails": shown["undersigned_mails"]["outcome"],
        **{
            f"undersigned_publication_seconds_{part}": {"edition", "unchanged", "failed"}
            for part in ("bucket", "count")
        },
    }
    views = {"static", "none", *_names(get_resolver())}
    checked = 0
    for asked in ASKED:
        for metric, matchers in taken_apart(asked)[2]:
            for label, _operator, value in matchers:
                if label == "outcome":
                    checked += 1
                    assert set(value.split("|")) <= outcomes[metric], asked
                elif label == "view":
                    checked += 1
                    assert any(re.fullmatch(value, view) for view in views), asked
    assert checked >= 10
    variables = json.dumps(DASHBOARD["templating"])
    assert set(re.findall(r"undersigned_\w+", variables)) <= shown.keys()


def _names(resolver, namespace=""):
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _names(pattern, inner)
        elif pattern.name:
            yield f"{namespace}{pattern.name}"


def test_the_dashboard_is_one_that_grafana_reads():
    assert DASHBOARD["schemaVersion"] >= 39
    assert DASHBOARD["uid"] == "undersigned"
    variables = {each["name"]: each for each in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] == "row":
            continue
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references) > 0
    # "$job" and the like: each is a variable of the dashboard or one of Grafana's.
    used = set(re.findall(r"\$(\w+)", " ".join(ASKED[: -len(RULES)])))
    assert used <= variables.keys() | {"__rate_interval"}


def test_every_metric_that_is_documented_is_shown_and_the_other_way_round(shown):
    running = (DEPLOY.parent / "docs" / "running.md").read_text(encoding="utf-8")
    documented = {
        name
        for names in re.findall(r"^\| (`undersigned_[^|]*) \|", running, flags=re.MULTILINE)
        for name in re.findall(r"undersigned_\w+", names)
    }
    families = {
        re.sub(r"_(bucket|count|sum|created)$", "", name)
        for name in shown
        if not name.endswith("_created")
    }

    assert documented == families


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_it_means(rule):
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"]
