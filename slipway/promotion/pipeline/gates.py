"""`gates:` of a stage, and of its switch: an automatic yes or no on evidence. One section a kind.

What a kind's settings mean stands with its judge (`slipway/promotion/gates`); here is how they are written.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.headers import SecretName
from slipway.promotion.pipeline.section import Section, key
from slipway.promotion.pipeline.telemetry import Query, Workspace
from slipway.promotion.pipeline.units import DURATION_SCHEMA, Weight, between, refusal
from slipway.promotion.pipeline.vocabulary import Name, choice, choice_schema, is_web_address

MOST_GATES = 10
_EVIDENCE = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*\Z")


def _evidence(text: str) -> str:
    if _EVIDENCE.match(text) and len(text) <= 63:
        return text
    raise refusal(
        "INVALID_NAME", f"{quoted(text)} is not the name of evidence: small letters and digits, and - _ . between"
    )


def _https(text: str) -> str:
    if is_web_address(text) and text.startswith("https://"):
        return text
    raise refusal("INVALID_ADDRESS", f"{quoted(text)} is no address that may be called; write https://host/path")


def _public_key(text: str) -> str:
    if "PRIVATE KEY" in text:
        raise refusal("LITERAL_SECRET", "this is a private key, and a pipeline holds none: write the public one")
    if not text.strip().startswith("-----BEGIN PUBLIC KEY-----"):
        raise refusal("INVALID_VALUE", "this is no public key in PEM, which begins with -----BEGIN PUBLIC KEY-----")
    return text


PublicKey = Annotated[str, AfterValidator(_public_key), WithJsonSchema({"type": "string", "maxLength": 5000})]
Text = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]
MaxAge = Annotated[float, BeforeValidator(between("1m", "90d")), DURATION_SCHEMA]
GateWindow = Annotated[float, BeforeValidator(between("1m", "7d")), DURATION_SCHEMA]
Over = Annotated[float, BeforeValidator(between("1m", "30d")), DURATION_SCHEMA]
EvidenceName = Annotated[
    str,
    AfterValidator(_evidence),
    WithJsonSchema({"type": "string", "pattern": "^[a-z0-9]+([-_.][a-z0-9]+)*$", "maxLength": 63}),
]
Https = Annotated[str, AfterValidator(_https), WithJsonSchema({"type": "string", "pattern": "^https://.+"})]
_EXPECTED = ("none", "some")
Expected = Annotated[str, BeforeValidator(choice(*_EXPECTED)), choice_schema(*_EXPECTED)]


def _count(description: str, default: int | None = None) -> Any:
    return key(description, default, ge=0, le=1_000_000, strict=True)


class GateSection(Section):
    """What every kind of gate takes. `kind` is its key."""

    kind: ClassVar[str]
    reads: ClassVar[bool] = True  # evidence of the build
    usual_within: ClassVar[str] = "1h"

    name: Name | None = key("What it is called; its kind when left out.", None)
    max_age: MaxAge | None = key("Older evidence, or an older answer, does not count.", None)
    within: GateWindow | None = key("How long the stage waits for it to pass; at most 7d.", None)

    def plan(self, name: str) -> GatePlan:
        """As the plan has it, under that name."""
        reads = getattr(self, "evidence", None) or self.kind if self.reads else ""
        within_s = self.within if self.within is not None else between("1m", "7d")(self.usual_within)
        return GatePlan(name, self.kind, self.settings, reads, self.max_age or 0.0, within_s)

    @property
    def settings(self) -> dict[str, Any]:
        """What its judge is given: all that is written, but for what every gate takes."""
        left_out = {"name", "max_age", "within", "evidence"}
        told = self.model_dump(exclude=left_out, exclude_none=True)
        return {name: value for name, value in told.items() if value != [] and value is not False}


class OnEvidence(GateSection):
    """A gate that reads evidence of the build."""

    evidence: EvidenceName | None = key("Which evidence of the build it reads; its kind's name when left out.", None)


class CoverageGate(OnEvidence):
    """Test coverage, by Cobertura or lcov."""

    called: ClassVar[str] = "a coverage gate"
    kind: ClassVar[str] = "coverage"

    line: Weight | None = key("Least share of lines that tests run.", None)
    branch: Weight | None = key("Least share of branches that tests run.", None)
    not_lower: bool = key("Nor may it be lower than that of the last good release here.", False, strict=True)

    @model_validator(mode="after")
    def _can_fail(self) -> Self:
        if self.line is None and self.branch is None and not self.not_lower:
            raise refusal("MISSING_KEY", 'a coverage gate needs "line", "branch" or "not_lower", or it stops nothing')
        return self


class ByLevel(Section):
    """The most findings of each level of SARIF."""

    called: ClassVar[str] = "limits by level"

    error: int | None = _count("Errors.")
    warning: int | None = _count("Warnings.")
    note: int | None = _count("Notes.")
    none: int | None = _count("Findings of no level.")


class BySeverity(Section):
    """The most findings of each severity."""

    called: ClassVar[str] = "limits by severity"

    critical: int | None = _count("Critical ones.")
    high: int | None = _count("High ones.")
    medium: int | None = _count("Medium ones.")
    low: int | None = _count("Low ones.")
    unknown: int | None = _count("Those of no known severity.")


class SarifGate(OnEvidence):
    """Findings of an analysis of code, or of what runs, as SARIF 2.1.0."""

    called: ClassVar[str] = "a sarif gate"
    kind: ClassVar[str] = "sarif"

    most: ByLevel | None = key("The most findings of each level.", None, alias="max")
    new: int | None = _count("The most findings that the last good release here did not have.")
    tools: list[Text] = key("Tools that must have run, by the names that they give themselves.", [], max_length=20)

    @model_validator(mode="after")
    def _can_fail(self) -> Self:
        if self.new is None and not (self.most and self.most.model_dump(exclude_none=True)):
            raise refusal("MISSING_KEY", 'a sarif gate needs "max" or "new", or it stops nothing')
        return self

    @property
    def settings(self) -> dict[str, Any]:
        return _with_max(self, super().settings)


class TestsGate(OnEvidence):
    """Results of tests, as JUnit XML."""

    called: ClassVar[str] = "a tests gate"
    kind: ClassVar[str] = "tests"

    failed: int = _count("The most tests that may fail.", 0)
    skipped: int | None = _count("The most tests that may be skipped.")
    at_least: int = key("How many tests there must be.", 1, ge=0, le=1_000_000, strict=True)


class Ignored(Section):
    """A vulnerability that does not count for a while, and why."""

    called: ClassVar[str] = "an ignored vulnerability"

    id: Annotated[str, WithJsonSchema({"type": "string"})] = key("Its id, such as CVE-2026-1234.", max_length=100)
    until: str = key("Until which day, such as 2026-12-31.", pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    reason: str = key("Why.", min_length=1, max_length=500)


class SbomGate(OnEvidence):
    """Vulnerabilities and licences, as CycloneDX or SPDX."""

    called: ClassVar[str] = "an sbom gate"
    kind: ClassVar[str] = "sbom"

    most: BySeverity | None = key("The most vulnerabilities of each severity.", None, alias="max")
    ignore: list[Ignored] = key("Vulnerabilities that do not count for a while.", [], max_length=100)
    denied_licences: list[Text] = key("Licences no component may be under, as AGPL-3.0-only.", [], max_length=100)
    at_least: int = key("How many components there must be.", 1, ge=0, le=1_000_000, strict=True)

    @model_validator(mode="after")
    def _can_fail(self) -> Self:
        if not self.denied_licences and not (self.most and self.most.model_dump(exclude_none=True)):
            raise refusal("MISSING_KEY", 'an sbom gate needs "max" or "denied_licences", or it stops nothing')
        return self

    @property
    def settings(self) -> dict[str, Any]:
        return _with_max(self, super().settings)


class Signer(Section):
    """Of whom the certificate of a Sigstore bundle must be."""

    called: ClassVar[str] = "a signer"

    identity: Text = key("The subject of the certificate: an e-mail address, or a workflow's address.")
    issuer: Https = key("Who vouches for it, such as https://token.actions.githubusercontent.com.")


class ProvenanceGate(OnEvidence):
    """Who built the artifact, from what: a signed in-toto statement about its digest."""

    called: ClassVar[str] = "a provenance gate"
    kind: ClassVar[str] = "provenance"

    public: list[PublicKey] = key("Public keys (PEM), one of which must have signed.", [], alias="keys", max_length=10)
    sigstore: Signer | None = key("Of whom the certificate of a Sigstore bundle must be.", None)
    builders: list[Text] = key("Ids of builders, one of which must have built it.", min_length=1, max_length=20)
    source: Text = key("The repository that it must come from.")
    predicates: list[Text] = key("Types of statement that are taken; SLSA v0.2 and v1 when left out.", [])

    @model_validator(mode="after")
    def _can_pass(self) -> Self:
        if not self.public and self.sigstore is None:
            raise refusal("MISSING_KEY", 'a provenance gate needs "keys" or "sigstore", or it would take any signature')
        return self

    @property
    def settings(self) -> dict[str, Any]:
        told = super().settings
        keys = {"keys": told.pop("public")} if self.public else {}
        return {**told, **keys}


class KqlGate(GateSection):
    """A question to a Log Analytics workspace, such as whether an incident is open."""

    called: ClassVar[str] = "a kql gate"
    kind: ClassVar[str] = "kql"
    reads: ClassVar[bool] = False
    usual_within: ClassVar[str] = "10m"

    query: Query = key("KQL; its rows are counted.")
    expect: Expected = key("none: it passes when there is no row; some: when there is one.", "none")
    workspace: Workspace | None = key("Id of the Log Analytics workspace; else the setting SLIPWAY_WORKSPACE.", None)
    over: Over = key("How far back it looks.", "1h")


class WebhookGate(GateSection):
    """A system of your own is asked, and calls back with its answer."""

    called: ClassVar[str] = "a webhook gate"
    kind: ClassVar[str] = "webhook"
    reads: ClassVar[bool] = False

    url: Https = key("Where the question is posted; its host must be on the list SLIPWAY_EVIDENCE_HOSTS.")
    secret: SecretName = key("Name of the secret in the key vault that signs it.")


class DefenderGate(GateSection):
    """What Defender for Cloud has found in the images that are deployed."""

    called: ClassVar[str] = "a defender gate"
    kind: ClassVar[str] = "defender"
    reads: ClassVar[bool] = False

    most: BySeverity = key("The most findings of each severity.", {"critical": 0}, alias="max")

    @property
    def settings(self) -> dict[str, Any]:
        return _with_max(self, super().settings)


class PerformanceGate(GateSection):
    """Whether the release is slower, or fails more, than the last good one under the loads of an earlier stage."""

    called: ClassVar[str] = "a performance gate"
    kind: ClassVar[str] = "performance"
    reads: ClassVar[bool] = False
    usual_within: ClassVar[str] = "10m"

    stage: Name = key("The stage before, under whose loads both were measured.")


class Gate(Section):
    """One gate: its kind, with what it asks."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})
    called: ClassVar[str] = "a gate"
    meant: ClassVar[dict[str, str]] = {"junit": "tests", "cobertura": "coverage", "lcov": "coverage", "sast": "sarif",
                                       "dast": "sarif", "vulnerabilities": "sbom", "slsa": "provenance",
                                       "query": "kql", "http": "webhook"}  # fmt: skip

    tests: TestsGate | None = key("Results of tests (JUnit XML).", None)
    coverage: CoverageGate | None = key("Test coverage (Cobertura, lcov).", None)
    sarif: SarifGate | None = key("Findings of an analysis (SARIF 2.1.0).", None)
    sbom: SbomGate | None = key("Vulnerabilities and licences (CycloneDX, SPDX).", None)
    provenance: ProvenanceGate | None = key("A signed statement of where the artifact comes from.", None)
    kql: KqlGate | None = key("A question to a Log Analytics workspace.", None)
    webhook: WebhookGate | None = key("A system of your own that calls back.", None)
    defender: DefenderGate | None = key("What Defender for Cloud has found in the images.", None)
    performance: PerformanceGate | None = key("Loads of an earlier stage, against the last good release.", None)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self._given) != 1:
            kinds = ", ".join(type(self).model_fields)
            raise refusal("ONE_GATE_AN_ITEM", f"each item of gates is one gate: {kinds}")
        return self

    @property
    def _given(self) -> list[GateSection]:
        return [each for name in type(self).model_fields if (each := getattr(self, name)) is not None]

    @property
    def one(self) -> GateSection:
        return self._given[0]


def gate_plans(gates: Sequence[Gate], taken: Sequence[str] = ()) -> tuple[GatePlan, ...]:
    """The gates as the plan has them. A name that is left out is the kind's; a second one of it gets a number."""
    plans: list[GatePlan] = []
    named = [*taken, *(gate.one.name for gate in gates if gate.one.name)]
    for gate in gates:
        name = gate.one.name or _free(gate.one.kind, [*named, *(plan.name for plan in plans)])
        plans.append(gate.one.plan(name))
    return tuple(plans)


def _with_max(gate: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """With the limits as `max`, those that are written."""
    settings.pop("most", None)
    return settings | ({"max": gate.most.model_dump(exclude_none=True)} if gate.most else {})


def _free(wanted: str, taken: Sequence[str]) -> str:
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name
