"""`health:` and `load:` of a stage's `verify`: what is sent to a release to see whether it is sound."""

from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, ConfigDict, Discriminator, Tag, model_validator

from slipway.promotion.load_runs.plan import IGNORED, REQUIRED, USUAL_WITHIN_S, LoadRunPlan
from slipway.promotion.pipeline.azure_load import AzureLoad, Criteria, RunWindow
from slipway.promotion.pipeline.headers import HeaderName, HeaderText, SecretName, written_as
from slipway.promotion.pipeline.section import Section, key
from slipway.promotion.pipeline.units import DURATION_SCHEMA, Latency, Rate, Share, between, refusal
from slipway.promotion.pipeline.vocabulary import HttpPath, Name, choice, choice_schema

MOST_HEADERS = 20

HealthWindow = Annotated[float, BeforeValidator(between("1s", "1h")), DURATION_SCHEMA]
HealthInterval = Annotated[float, BeforeValidator(between("100ms", "5m")), DURATION_SCHEMA]
LoadDuration = Annotated[float, BeforeValidator(between("1s", "30m")), DURATION_SCHEMA]
Against = Annotated[str, BeforeValidator(choice("previous")), choice_schema("previous")]


class SecretReference(Section):
    """A secret of the key vault, read just before it is sent and kept nowhere."""

    called: ClassVar[str] = "a reference to a secret"

    secret: SecretName = key("Name of the secret in the key vault.")


HeaderValue = Annotated[
    Annotated[HeaderText, Tag("literal")] | Annotated[SecretReference, Tag("reference")], Discriminator(written_as)
]
Headers = dict[HeaderName, HeaderValue]


class Health(Section):
    """The health check of a target: good answers in a row, from the version that was deployed."""

    called: ClassVar[str] = "a health check"

    path: HttpPath = key("Path that answers 200 when the service is healthy.", "/healthz")
    version_path: HttpPath = key("Path that answers the version that runs.", "/version")
    window: HealthWindow = key("Time in which the check must succeed.", "30s", alias="for")
    successes: int = key("Good answers in a row.", 3, ge=1, le=100, strict=True)
    interval: HealthInterval = key("Pause between two answers.", "1s")
    headers: Headers = key("Request headers: text, or {secret: <name>}.", {}, max_length=MOST_HEADERS)

    @model_validator(mode="after")
    def _can_succeed(self) -> Self:
        needed_s = (self.successes - 1) * self.interval
        if needed_s > self.window:
            words = f"{self.successes} successes take {needed_s:g}s or more, `for` ends after {self.window:g}s"
            raise refusal("CANNOT_SUCCEED", words)
        return self


class Load(Section):
    """A load test of a target, and the thresholds that the release must stay within."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["duration"]}, {"required": ["azure"]}]})
    called: ClassVar[str] = "a load test"

    azure: AzureLoad | None = key("A test of Azure Load Testing; instead of a load of our own driver.", None)
    profile: Name | None = key("A load from `profiles`; instead of rate and path.", None)
    rate: Rate | None = key("Requests per second, such as 40/s.", None)
    path: HttpPath | None = key("Path that is requested; / when left out.", None)
    duration: LoadDuration | None = key("How long the load lasts; 1s to 30m.", None)
    within: RunWindow | None = key("Of an Azure load: by when a run is over, provisioning and all; 45m.", None)
    criteria: Criteria | None = key("Of an Azure load: whether the test's own criteria are required or ignored.", None)
    p50: Latency | None = key("Half of the requests must be answered within this.", None)
    p95: Latency | None = key("95% of the requests must be answered within this.", None)
    p99: Latency | None = key("99% of the requests must be answered within this.", None)
    error_rate: Share | None = key("Largest share of requests that may fail.", None)
    against: Against | None = key("previous: nor may it be worse than the last proven release under this load.", None)
    headers: Headers = key("Request headers: text, or {secret: <name>}.", {}, max_length=MOST_HEADERS)

    @model_validator(mode="after")
    def _can_fail(self) -> Self:
        if self.p50 is None and self.p95 is None and self.p99 is None and self.error_rate is None:
            if self.azure is not None and self.criteria != IGNORED:
                return self  # the test's own criteria can
            if self.against:
                words = "against a previous release alone a first one cannot fail; give p95 or error_rate beside it"
                raise refusal("NO_THRESHOLD", words)
            raise refusal("NO_THRESHOLD", "a load test that cannot fail proves nothing; give p95 or error_rate")
        return self

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if self.azure is not None:
            return self._of_azure()
        if self.within is not None or self.criteria is not None:
            raise refusal("CONFLICTING_KEYS", '"within" and "criteria" are those of an Azure load, beside "azure"')
        if self.duration is None:
            raise refusal("MISSING_KEY", 'a load test needs "duration", or "azure"')
        if self.profile is None and self.rate is None:
            raise refusal("MISSING_KEY", 'a load test needs "profile" or "rate"')
        if self.profile is not None and (self.rate is not None or self.path is not None):
            raise refusal("CONFLICTING_KEYS", 'a load test has either "profile" or "rate" and "path"')
        return self

    def _of_azure(self) -> Self:
        ours = {name: getattr(self, name) for name in ("profile", "rate", "path", "duration", "headers")}
        if given := [name for name, value in ours.items() if value]:
            words = f'"{given[0]}" is of our own driver; what Azure Load Testing sends stands in its test'
            raise refusal("CONFLICTING_KEYS", words)
        return self

    @property
    def run(self) -> LoadRunPlan | None:
        """The load that Azure Load Testing drives; None where our own driver does."""
        if self.azure is None:
            return None
        within = USUAL_WITHIN_S if self.within is None else self.within
        return LoadRunPlan(self.azure.resource, self.azure.test, self.azure.env, within, self.criteria or REQUIRED)
