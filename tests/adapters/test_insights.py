"""What is told of ourselves costs nothing where nobody asked for it, stops nothing, and gives no secret away."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

from slipway.adapters import secrets
from slipway.adapters.hiding import HIDDEN
from slipway.adapters.insights import Kind, current, span
from slipway.adapters.insights.connection import identity_of
from slipway.adapters.insights.logs import Telling

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
CONNECTION = "InstrumentationKey=00000000-0000-4000-8000-000000000001;IngestionEndpoint=https://localhost:1/"
SPAN = f"""
import json, logging, sys
from slipway.adapters.insights import Kind, span
logging.basicConfig()
with span("deploy", Kind.WORK, {PARENT!r}, promotion="shop--1") as seen:
    told = seen.traceparent
print(json.dumps([told, sorted(name for name in sys.modules if name.startswith(("opentelemetry", "azure")))]))
"""


def run(**environment: str) -> tuple[str, list[str], str]:
    """What a span tells those who go on from it, what of OpenTelemetry and Azure it loaded, and what was logged."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("APPLICATIONINSIGHTS_")}
    done = subprocess.run([sys.executable, "-c", SPAN], capture_output=True, text=True, env={**kept, **environment})
    assert done.returncode == 0, done.stderr
    told, loaded = json.loads(done.stdout)
    return told, loaded, done.stderr


def test_without_a_connection_nothing_is_loaded_and_the_trace_is_passed_on_as_it_came() -> None:
    told, loaded, _ = run()
    assert (told, loaded) == (PARENT, [])


def test_with_a_connection_a_span_is_opened_at_once_and_azures_exporter_waits_for_the_first_batch() -> None:
    told, loaded, _ = run(APPLICATIONINSIGHTS_CONNECTION_STRING=CONNECTION)
    assert told.startswith(PARENT[:36]) and told != PARENT
    assert "opentelemetry.sdk.trace" in loaded and "azure.monitor.opentelemetry.exporter" not in loaded


def test_a_connection_that_is_none_is_said_and_stops_nothing() -> None:
    told, _, logged = run(APPLICATIONINSIGHTS_CONNECTION_STRING="nonsense")
    assert told.startswith(PARENT[:36])
    assert "nothing can be sent to Application Insights" in logged


@pytest.mark.parametrize(
    ("said", "client_id"),
    [
        ("ClientId=abc;Authorization=AAD", "abc"),
        ("Authorization=AAD", " "),
        ("authorization=aad; clientid=abc", "abc"),
        ("", ""),
        ("ClientId=abc", ""),
        ("nonsense", ""),
    ],
)
def test_an_identity_is_used_when_the_setting_asks_for_it(said: str, client_id: str) -> None:
    assert identity_of(said) == client_id


@pytest.fixture
def told() -> Iterator[InMemoryLogRecordExporter]:
    """What the log `slipway.tested` sends."""
    provider, exporter = LoggerProvider(), InMemoryLogRecordExporter()
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    handler, log = Telling(provider), logging.getLogger("slipway.tested")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield exporter
    log.removeHandler(handler)


def test_a_line_tells_whose_work_it_was(told: InMemoryLogRecordExporter) -> None:
    with span("deploy", Kind.WORK, "", promotion="shop--1", stage="dev", target=""):
        current().find_by(version="1")
        logging.getLogger("slipway.tested").warning("look", extra={"about": {"fact": "x", "age": 1.5}})
    logging.getLogger("slipway.tested").info("outside")
    inside, outside = (each.log_record for each in told.get_finished_logs())
    assert inside.attributes == {"promotion": "shop--1", "stage": "dev", "version": "1", "fact": "x", "age": 1.5}
    assert (inside.body, inside.severity_text) == ("look", "WARNING")
    assert (outside.body, outside.attributes) == ("outside", {})


def test_no_secret_that_was_ever_read_is_in_a_line_its_dimensions_or_its_error(
    told: InMemoryLogRecordExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(secrets._ever_read, "probe-key", {"hunter2-hunter2"})
    try:
        raise ValueError("sent hunter2-hunter2")
    except ValueError:
        about = {"url": "https://x/?k=hunter2-hunter2"}
        logging.getLogger("slipway.tested").exception("got %s", "hunter2-hunter2", extra={"about": about})
    (line,) = (each.log_record for each in told.get_finished_logs())
    attributes = dict(line.attributes or {})
    assert line.body == f"got {HIDDEN}"
    assert attributes["exception.type"] == "ValueError"
    assert "hunter2" not in json.dumps(attributes)
