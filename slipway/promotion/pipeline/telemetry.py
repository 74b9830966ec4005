"""`telemetry:` of a canary: where the judge's numbers come from."""

import re
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from slipway.promotion.judge.policy import MOST_OWN_METRICS, SHARES
from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.section import Section, key
from slipway.promotion.pipeline.units import DURATION_SCHEMA, between, refusal
from slipway.promotion.pipeline.vocabulary import Name
from slipway.promotion.telemetry import BUILTIN, Source

LONGEST_QUERY = 10_000
_GUID = "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"


def _workspace(text: str) -> str:
    if re.fullmatch(_GUID, text):
        return text.lower()
    words = f"{quoted(text)} is not the id of a Log Analytics workspace, such as {'0' * 8}-0000-4000-8000-{'0' * 12}"
    raise refusal("INVALID_RESOURCE", words)


def _query(text: str) -> str:
    if not text.strip() or len(text) > LONGEST_QUERY:
        raise refusal("INVALID_VALUE", f"a query is KQL of at most {LONGEST_QUERY:,} characters, or {BUILTIN}")
    return text.strip()


def _metric(text: str) -> str:
    if text in SHARES:
        raise refusal("INVALID_NAME", f"{quoted(text)} is judged anyway; give your own metric another name")
    return text


Delay = Annotated[float, BeforeValidator(between("0s", "1h")), DURATION_SCHEMA]
Workspace = Annotated[
    str,
    AfterValidator(_workspace),
    WithJsonSchema({"type": "string", "pattern": f"^{_GUID}$"}),
]
Role = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Query = Annotated[
    str, AfterValidator(_query), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": LONGEST_QUERY})
]
MetricName = Annotated[Name, AfterValidator(_metric)]


class Telemetry(Section):
    """Where the judge's numbers come from."""

    called: ClassVar[str] = "telemetry"

    workspace: Workspace | None = key("Id of the Log Analytics workspace; else the setting SLIPWAY_WORKSPACE.", None)
    role: Role | None = key("The service's name in the telemetry (AppRoleName); else the service.", None)
    query: Query = key("KQL for requests and failures, or builtin.", BUILTIN)
    latency_query: Query = key("KQL for latencies, or builtin.", BUILTIN)
    metrics: dict[MetricName, Query] = key("Metrics of your own: KQL by name.", {}, max_length=MOST_OWN_METRICS)
    delay: Delay = key("How long after its end a tick's telemetry is complete; at most 1h.", "0s")

    def source(self, service: str) -> Source:
        """What telemetry is asked for `service`; the workspace is empty where the setting counts."""
        return Source(
            workspace=self.workspace or "",
            role=self.role or service,
            query=self.query,
            latency_query=self.latency_query,
            metrics=tuple(self.metrics.items()),
        )
