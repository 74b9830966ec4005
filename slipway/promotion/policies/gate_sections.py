"""`requires: {gates: …}` of a policy: for each kind, the weakest that a pipeline may have. Keys mean what they mean
in a pipeline's gate."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.pipeline.gates import ByLevel, BySeverity, Expected, Https, MaxAge, Over, PublicKey, Signer, Text
from slipway.promotion.pipeline.section import Section, key
from slipway.promotion.pipeline.telemetry import Query, Workspace
from slipway.promotion.pipeline.units import Weight

Count = Annotated[int, Field(ge=0, le=1_000_000, strict=True)]
_MOST = 20


class WantedGate(Section):
    """What every kind takes. `kind` is its key."""

    kind: ClassVar[str]

    max_age: MaxAge | None = key("The oldest evidence, or answer, that its gate may take.", None)

    @property
    def plan(self) -> GatePlan:
        """As a gate's plan: its settings are the least strict that will do."""
        return GatePlan(self.kind, self.kind, self.settings, "", self.max_age or 0.0)

    @property
    def settings(self) -> dict[str, Any]:
        told = self.model_dump(exclude={"max_age"}, exclude_none=True, by_alias=True)
        limits = getattr(self, "most", None)
        told |= {"max": limits.model_dump(exclude_none=True)} if limits else {}
        return {name: value for name, value in told.items() if value != [] and value is not False}


class WantedCoverage(WantedGate):
    """The least test coverage."""

    called: ClassVar[str] = "a wanted coverage gate"
    kind: ClassVar[str] = "coverage"

    line: Weight | None = key("Least share of lines.", None)
    branch: Weight | None = key("Least share of branches.", None)
    not_lower: bool = key("Nor may it be lower than that of the last good release.", False, strict=True)


class WantedSarif(WantedGate):
    """The most findings of an analysis."""

    called: ClassVar[str] = "a wanted sarif gate"
    kind: ClassVar[str] = "sarif"

    most: ByLevel | None = key("The most findings of each level.", None, alias="max")
    new: Count | None = key("The most findings that the last good release did not have.", None)
    tools: list[Text] = key("Tools that must have run.", [], max_length=_MOST)


class WantedTests(WantedGate):
    """The least of CI's tests."""

    called: ClassVar[str] = "a wanted tests gate"
    kind: ClassVar[str] = "tests"

    failed: Count | None = key("The most tests that may fail.", None)
    skipped: Count | None = key("The most tests that may be skipped.", None)
    at_least: Count | None = key("How many tests there must be.", None)


class WantedSbom(WantedGate):
    """The most vulnerabilities, and the licences that none may have."""

    called: ClassVar[str] = "a wanted sbom gate"
    kind: ClassVar[str] = "sbom"

    most: BySeverity | None = key("The most vulnerabilities of each severity.", None, alias="max")
    ignore: list[Text] = key("Ids of vulnerabilities that pipelines may ignore; no others.", [], max_length=100)
    denied_licences: list[Text] = key("Licences no component may be under.", [], max_length=100)
    at_least: Count | None = key("How many components there must be.", None)

    @property
    def settings(self) -> dict[str, Any]:
        return super().settings | {"ignore": list(self.ignore)}


class WantedProvenance(WantedGate):
    """Who alone may have built and signed it, and from where."""

    called: ClassVar[str] = "a wanted provenance gate"
    kind: ClassVar[str] = "provenance"

    public: list[PublicKey] = key("The only public keys (PEM) that may have signed.", [], alias="keys", max_length=10)
    sigstore: Signer | None = key("The only signer of a Sigstore bundle.", None)
    builders: list[Text] = key("The only builders that may have built it.", [], max_length=_MOST)
    source: Text | None = key("The repository that it must come from.", None)
    predicates: list[Text] = key("The only types of statement.", [], max_length=_MOST)

    @property
    def settings(self) -> dict[str, Any]:
        """Where signers are named there are no others: neither keys nor Sigstore's."""
        signers = {"keys": list(self.public), "sigstore": self.sigstore.model_dump() if self.sigstore else {}}
        told = super().settings
        return told | signers if self.public or self.sigstore else told


class WantedKql(WantedGate):
    """A question that must be asked of telemetry."""

    called: ClassVar[str] = "a wanted kql gate"
    kind: ClassVar[str] = "kql"

    query: Query | None = key("The very query.", None)
    expect: Expected | None = key("What it must expect.", None)
    workspace: Workspace | None = key("The workspace that must be asked.", None)
    over: Over | None = key("How far back it must look, at least.", None)


class WantedWebhook(WantedGate):
    """A system that must be asked."""

    called: ClassVar[str] = "a wanted webhook gate"
    kind: ClassVar[str] = "webhook"

    url: Https | None = key("Who must be asked.", None)


class WantedDefender(WantedGate):
    """The most findings of Defender for Cloud."""

    called: ClassVar[str] = "a wanted defender gate"
    kind: ClassVar[str] = "defender"

    most: BySeverity | None = key("The most findings of each severity.", None, alias="max")


class WantedPerformance(WantedGate):
    """A comparison with the last good release."""

    called: ClassVar[str] = "a wanted performance gate"
    kind: ClassVar[str] = "performance"


class WantedGates(Section):
    """By kind; {} wants one of that kind, whatever it asks."""

    called: ClassVar[str] = "the wanted gates"

    tests: WantedTests | None = key("Results of tests.", None)
    coverage: WantedCoverage | None = key("Test coverage.", None)
    sarif: WantedSarif | None = key("Findings of an analysis.", None)
    sbom: WantedSbom | None = key("Vulnerabilities and licences.", None)
    provenance: WantedProvenance | None = key("A signed statement of where the artifact comes from.", None)
    kql: WantedKql | None = key("A question to a Log Analytics workspace.", None)
    webhook: WantedWebhook | None = key("A system of your own that calls back.", None)
    defender: WantedDefender | None = key("What Defender for Cloud has found.", None)
    performance: WantedPerformance | None = key("Loads of an earlier stage.", None)

    @property
    def plans(self) -> tuple[GatePlan, ...]:
        return tuple(each.plan for name in type(self).model_fields if (each := getattr(self, name)) is not None)
