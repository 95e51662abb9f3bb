"""Do alerts, dashboard and runbooks speak of metrics that a running process really shows?"""

import json
import re
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from service import telemetry
from service.core.alerts import ALERTS as OWN
from service.ledger import radar, sinks, slots
from service.ledger.engine import Ledger
from service.ledger.radar import Hour
from service.ledger.schema import closings, deliveries, mismatches
from service.ledger.slots import Replica
from tests.deploy.promql import named
from tests.outbound.brokers import program
from tests.web.conftest import running
from tests.web.test_app import delivery, mismatch

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
ALERTS: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((DEPLOY / "grafana/pingledger.json").read_text())
PANELS: list[dict[str, Any]] = [one for one in DASHBOARD["panels"] if one["type"] != "row"]
NAMES = [rule["alert"] for rule in ALERTS]
SUFFIXES = ("_bucket", "_sum", "_count")
# what Prometheus itself adds
ADDED = {"le"}
NONE: set[str] = set()


def fill(ledger: Ledger, now: datetime) -> None:
    """A little of everything that a gauge of the ledger counts, so that each has its labels."""
    replica = Replica("here", "up", None, "t", now, now)
    with ledger.begin() as connection:
        connection.execute(sa.insert(deliveries).values(delivery("quarantined", 5, now)))
        connection.execute(sa.insert(mismatches).values(mismatch(1, "open", now)))
        closed = {"day": 20_000, "previous": "0" * 64, "hash": "1" * 64, "content": "{}"}
        connection.execute(sa.insert(closings).values(closed))
        sinks.register(connection, "file", past=False, since=None, now=now)
        slots.heartbeat(connection, replica)
        slots.note_successes(connection, {"drain": now})
        hour = Hour(listed=1, delivered=1)
        radar.record(connection, "shop", "order", now - timedelta(hours=3), hour, now=now)


@pytest.fixture
def shown(ledger: Ledger, key_pair: Any, now: datetime) -> dict[str, set[str]]:
    """Every name that a running process shows, with its labels; each counter was used once."""
    fill(ledger, now)
    telemetry.LOOKS.labels("shop", "ok").inc()
    telemetry.DISPATCHES.labels("file", "sent").inc()
    telemetry.NOTES.labels("duty", "sent").inc()
    telemetry.SEND_SECONDS.labels("file").observe(0.1)
    telemetry.JOB_RUNS.labels("drain", "done").inc()
    telemetry.JOB_SECONDS.labels("drain").observe(0.1)
    telemetry.JOB_INTERVAL.labels("drain").set(1)
    telemetry.SIGHTINGS.labels("applied").inc()
    with running(ledger, key_pair, now) as served:
        served.post(b'{"id":"evt_1"}')
        served.raw(served.request(b"{}"))
        text = served.get("/metrics").decode()
    found: dict[str, set[str]] = {}
    for name, labels in re.findall(r"^(pingledger_\w+)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found


def problems(expression: str, shown: dict[str, set[str]]) -> list[str]:
    """The metrics that nobody shows, and the labels that they do not have."""
    found = named(expression.replace("$__rate_interval", "5m"))
    wrong = [name for name in found.metrics if name not in shown]
    known = {label for name in found.metrics for label in shown.get(name, ())}
    for name, labels in found.metrics.items():
        wrong += [f"{name}{{{label}}}" for label in labels - shown.get(name, set())]
    return wrong + [f"by {label}" for label in found.labels - known - ADDED]


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_every_alert_asks_for_what_is_shown(shown: dict[str, set[str]]) -> None:
    asked = {rule["alert"]: problems(rule["expr"], shown) for rule in ALERTS}
    assert {name: wrong for name, wrong in asked.items() if wrong} == {}


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_every_panel_asks_for_what_is_shown(shown: dict[str, set[str]]) -> None:
    asked = {
        panel["title"]: [
            wrong for one in panel["targets"] for wrong in problems(one["expr"], shown)
        ]
        for panel in PANELS
    }
    assert {title: wrong for title, wrong in asked.items() if wrong} == {}
    legends = [
        (panel["title"], label)
        for panel in PANELS
        for one in panel["targets"]
        for label in re.findall(r"\{\{(\w+)\}\}", one["legendFormat"])
        if label not in named(one["expr"].replace("$__rate_interval", "5m")).labels
    ]
    assert legends == []


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_the_dashboard_shows_every_metric(shown: dict[str, set[str]]) -> None:
    asked = {
        name
        for text in [one["expr"] for panel in PANELS for one in panel["targets"]]
        + [rule["expr"] for rule in ALERTS]
        for name in named(text.replace("$__rate_interval", "5m")).metrics
    }
    family = {re.sub("_(bucket|sum|count)$", "", name) for name in asked}
    # how often the ledger is sealed and read says nothing by itself
    quiet = {"pingledger_audit_lines", "pingledger_vault_keys"}
    names = {re.sub("_(bucket|sum|count)$", "", name) for name in shown}
    assert names - family - quiet == set()


def test_every_alert_is_whole() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 20
    for rule in ALERTS:
        assert rule["labels"]["severity"] in ("critical", "warning", "info"), rule["alert"]
        assert re.fullmatch(r"\d+[mh]", rule["for"]), rule["alert"]
        notes = rule["annotations"]
        assert re.search("[一-鿿]", notes["summary_zh"]), rule["alert"]
        assert not re.search("[一-鿿]", notes["summary"]), rule["alert"]
        labels = re.findall(r"\$labels\.(\w+)", notes["summary"] + notes["summary_zh"])
        assert set(labels) <= named(rule["expr"]).labels, rule["alert"]


@pytest.mark.parametrize(
    ("document", "note"),
    [("operations.md", "runbook_url"), ("operations.zh-CN.md", "runbook_url_zh")],
)
def test_every_alert_has_its_runbook_and_every_runbook_its_alert(document: str, note: str) -> None:
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    parts = re.split(r"^### (\w+)$", text, flags=re.MULTILINE)[1:]
    books = dict(zip(parts[::2], parts[1::2], strict=True))
    listed = dict(re.findall(r"^\| `(\w+)` \| \[(\w+)\]\(#\w+\) \|$", text, re.MULTILINE))
    assert list(listed) == list(OWN)
    assert sorted(books) == sorted({*NAMES, *listed.values()})
    links = re.findall(r"^\| `\w+` \| \[(\w+)\]\(#(\w+)\) \|$", text, re.MULTILINE)
    assert [anchor for _, anchor in links] == [name.lower() for name, _ in links]
    assert dict.fromkeys(books, 3) == {name: book.count("- **") for name, book in books.items()}
    for rule in ALERTS:
        assert rule["annotations"][note] == f"docs/{document}#{rule['alert'].lower()}"


def test_runbooks_name_metrics_that_alerts_or_the_readme_know() -> None:
    known = (ROOT / "README.md").read_text(encoding="utf-8")
    for document in ("operations.md", "operations.zh-CN.md"):
        text = (ROOT / "docs" / document).read_text(encoding="utf-8")
        used = set(re.findall(r"`(pingledger_\w+)", text))
        assert {name for name in used if name not in known} == set()


def test_prometheus_itself_takes_the_rules() -> None:
    """Promised in CI; where promtool is not installed, the reader below is what there is."""
    rules = DEPLOY / "prometheus/alerts.yml"
    command = [program("promtool"), "check", "rules", "--lint-fatal", str(rules)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_scrape_example_loads_the_rules() -> None:
    example = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    assert example["rule_files"] == ["alerts.yml"]
    assert example["scrape_configs"][0]["job_name"] == "pingledger"


@pytest.mark.parametrize(
    ("text", "metrics", "labels"),
    [
        (
            'sum by (a, b) (rate(x_total{c="d",e=~"f{2}"}[5m])) > 0.5',
            {"x_total": {"c", "e"}},
            {"a", "b"},
        ),
        ("time() - max(x) > 6 * 3600 or vector(0) == 0", {"x": NONE}, NONE),
        ("x unless on (j) (max by (j) (y) > 1e3)", {"x": NONE, "y": NONE}, {"j"}),
        ("absent(x) and ignoring(a) y offset 5m", {"x": NONE, "y": NONE}, {"a"}),
    ],
)
def test_the_reader_finds_metrics_and_labels(
    text: str, metrics: dict[str, set[str]], labels: set[str]
) -> None:
    assert (named(text).metrics, named(text).labels) == (metrics, labels)


@pytest.mark.parametrize("text", ["sum(x", "x)", "x{a=“b”}", "sum(x}"])
def test_the_reader_refuses_what_is_no_expression(text: str) -> None:
    with pytest.raises(ValueError, match=r"opened|closed|written"):
        named(text)


def test_the_check_itself_finds_what_is_wrong() -> None:
    shown = {"x_total": {"a"}}
    assert problems("sum by (a) (rate(x_total[5m]))", shown) == []
    assert problems('x_total{b="c"}', shown) == ["x_total{b}"]
    assert problems("sum by (b) (x_total) / y", shown) == ["y", "by b"]
