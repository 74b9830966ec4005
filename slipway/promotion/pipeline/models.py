"""The pipeline as it is written: one pydantic model for each mapping of the YAML.

The JSON Schema that editors read is exported from these models. What the design foresees and this version
cannot run is listed in `not_running`, so that it is refused by name instead of taken for a typing error.
"""

from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, ConfigDict, model_validator

from slipway.promotion.barriers import EACH, IGNORE, LATEST, QUEUE, SUPERSEDE
from slipway.promotion.claims import Claim, usual_claims
from slipway.promotion.groups import MOST_MEMBERS
from slipway.promotion.kinds.targets import TARGETS, TARGETS_NOT_YET
from slipway.promotion.pipeline.approval import Approval as Approval  # beside the others
from slipway.promotion.pipeline.builds import MOST_BUILDS, Builds
from slipway.promotion.pipeline.calendar import BusinessHours, FreezeWindow, LiveFirst, ReleaseRate
from slipway.promotion.pipeline.gates import MOST_GATES, Gate
from slipway.promotion.pipeline.helm import Helm
from slipway.promotion.pipeline.hotfix import Hotfix
from slipway.promotion.pipeline.infrastructure import Pointer, Stack, Terraform
from slipway.promotion.pipeline.jobs import Migrate, Tests
from slipway.promotion.pipeline.probing import Headers as Headers  # beside the others
from slipway.promotion.pipeline.probing import Health, Load
from slipway.promotion.pipeline.release_parts import MOST_FLAGS, Configuration, SwitchedFlag
from slipway.promotion.pipeline.report import MOST_REPORTS, Report
from slipway.promotion.pipeline.rollout import Rollout
from slipway.promotion.pipeline.router import Origins
from slipway.promotion.pipeline.section import Section, key
from slipway.promotion.pipeline.switches import Dns, TrafficManager
from slipway.promotion.pipeline.target_section import TargetSection
from slipway.promotion.pipeline.telemetry import Role, Workspace
from slipway.promotion.pipeline.units import DURATION_SCHEMA, Rate, between, refusal
from slipway.promotion.pipeline.vocabulary import (
    Branch,
    Chart,
    CosmosAccount,
    Document,
    HttpPath,
    Image,
    Name,
    Owner,
    Package,
    Region,
    Resource,
    Slot,
    VersionPattern,
    choice,
    choice_schema,
)
from slipway.promotion.reported import CALLED, OF_NO_COMMIT
from slipway.promotion.rings import AS_WRITTEN, ROLL_BACK_ALL, STOP, WRITE_REGION_LAST

MOST_STAGES = 20
MOST_TARGETS = 20
MOST_RINGS = 20
MOST_LOADS = 3
MOST_FREEZES = 20
MOST_AFTER = 10

BakeTime = Annotated[float, BeforeValidator(between("0s", "7d")), DURATION_SCHEMA]
WatchTime = Annotated[float, BeforeValidator(between("0s", "30d")), DURATION_SCHEMA]
DeployWindow = Annotated[float, BeforeValidator(between("1s", "1d")), DURATION_SCHEMA]
LockWindow = Annotated[float, BeforeValidator(between("1s", "30d")), DURATION_SCHEMA]
RegionWindow = Annotated[float, BeforeValidator(between("1s", "7d")), DURATION_SCHEMA]
RetryWindow = Annotated[float, BeforeValidator(between("0s", "30d")), DURATION_SCHEMA]

Kind = Annotated[str, BeforeValidator(choice(*TARGETS, not_yet=TARGETS_NOT_YET)), choice_schema(*TARGETS)]
_MODES = (QUEUE, EACH, LATEST, IGNORE, SUPERSEDE)
OnNewerBuild = Annotated[str, BeforeValidator(choice(*_MODES)), choice_schema(*_MODES)]
_ON_BAD_RING = (STOP, ROLL_BACK_ALL)
OnBadRing = Annotated[str, BeforeValidator(choice(*_ON_BAD_RING)), choice_schema(*_ON_BAD_RING)]
_ORDERS = (AS_WRITTEN, WRITE_REGION_LAST)
ARTIFACTS = tuple(dict.fromkeys(each for kind in TARGETS.values() for each in (*kind.artifacts, *kind.more_artifacts)))
ALONE = tuple(dict.fromkeys(each for kind in TARGETS.values() for each in kind.artifacts))  # what is one by itself
RingOrder = Annotated[str, BeforeValidator(choice(*_ORDERS)), choice_schema(*_ORDERS)]


class Triggers(Section):
    """Which builds are promoted."""

    called: ClassVar[str] = "triggers"

    branches: list[Branch] = key(
        "Branches whose builds are promoted; * stays within one part of the name, ** crosses slashes.",
        ["main"],
        min_length=1,
        max_length=50,
    )


class Artifact(Section):
    """Where a build's package lies: one for each kind of target that there is."""

    called: ClassVar[str] = "an artifact"

    zip: Package | None = key("Web address of the zip package, with {version} and, if wanted, {service}.", None)
    image: Image | None = key(
        "Container image with its tag, as registry.example/app:{version}, for container-apps and aks.", None
    )
    chart: Chart | None = key(
        "Helm chart in a registry, as registry.example/charts/app:{version}, for aks; its image stands beside it.", None
    )
    template: Document | None = key("Web address of the compiled ARM template, as https://host/{version}.json.", None)
    parameters: Document | None = key("Web address of a file of parameters beside the template.", None)

    @model_validator(mode="after")
    def _is_given(self) -> Self:
        if not self._given(*ALONE):
            one_of = " or ".join(f'"{each}"' for each in ALONE)
            raise refusal("MISSING_KEY", f"an artifact needs {one_of}")
        return self

    @property
    def address(self) -> str:
        """Where it lies, with its placeholders."""
        return self._given(*ARTIFACTS)[0]

    def address_for(self, kind: str) -> str:
        """The same for that kind of target: of several artifacts that are one unit there, all with spaces between."""
        needs = TARGETS[kind]
        return " ".join(self._given(*needs.artifacts, *needs.more_artifacts)) or self.address

    def _given(self, *keys: str) -> list[str]:
        return [address for key in keys if (address := getattr(self, key))]


class Profile(Section):
    """A load that several stages share."""

    called: ClassVar[str] = "a profile"

    rate: Rate = key("Requests per second, such as 40/s.")
    path: HttpPath = key("Path that is requested.", "/")


class Target(Section):
    """One deployable place of an environment."""

    called: ClassVar[str] = "a target"

    name: Name = key("Name of the target, unique in its stage.")
    kind: Kind = key("What the target is.")
    resource: Resource = key("Resource id of what the target is: an App Service, a Container App, an AKS cluster.")
    slot: Slot | None = key("The idle slot of an App Service, deployed to and verified; staging when left out.", None)
    helm: Helm | None = key("Of aks: which release of which namespace.", None)
    traffic_manager: TrafficManager | None = key(
        "Of aks: the Traffic Manager endpoints of both sides.", None, alias="traffic-manager"
    )
    dns: Dns | None = key("Of aks: the DNS record that names one of both sides.", None)
    member: Name | None = key("Of a group: the member whose target it is.", None)
    after: list[Name] = key(
        "Targets beside it that are switched, and verified live, before this one.", [], max_length=MOST_TARGETS
    )

    terraform: Terraform | None = key("Of terraform: what the job runs.", None)
    pointer: Pointer | None = key("Of configuration: the setting that names the release's snapshot.", None)
    stack: Stack | None = key("Of bicep: how the deployment stack is applied.", None)

    @property
    def within(self) -> str:
        """Which part of its resource it is, where several targets may share one."""
        return "/".join(section.within for section in self._sections.values() if section.within)

    @property
    def settings(self) -> dict[str, Any]:
        """The sections that describe it further, by their keys, as its adapter reads them."""
        return {key: section.settings for key, section in self._sections.items()}

    @property
    def _sections(self) -> dict[str, TargetSection]:
        given = {field.alias or name: getattr(self, name) for name, field in type(self).model_fields.items()}
        return {key: section for key, section in given.items() if isinstance(section, TargetSection)}


class Member(Section):
    """One of the services that are released as one."""

    called: ClassVar[str] = "a member"

    artifact: Artifact = key("Where its package lies; {version} is the member's own.")
    version: VersionPattern | None = key("Which versions a group may bring; * is any text, as in 1.4.*.", None)
    after: list[Name] = key(
        "Members that are switched, and verified live, before this one.", [], max_length=MOST_MEMBERS
    )


class Check(Section):
    """One verification: a health check, a load test, or tests of the team's own."""

    called: ClassVar[str] = "a verification"

    health: Health | None = key("Health check; {} takes the defaults.", None)
    load: Load | None = key("Load test.", None)
    tests: Tests | None = key("Tests in a container of the team, as a Container Apps job.", None)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if [self.health, self.load, self.tests].count(None) != 2:
            raise refusal("ONE_CHECK_AN_ITEM", 'each item of verify is one check: "health", "load" or "tests"')
        return self


class Ring(Section):
    """Targets of a stage that are released together, after those of the ring before it."""

    called: ClassVar[str] = "a ring"

    name: Name = key("Name of the ring, unique in its stage.")
    targets: list[Target] = key("Where to deploy, all in parallel.", min_length=1, max_length=MOST_TARGETS)
    bake: BakeTime | None = key("How long the release is watched here before the next ring; else the stage's.", None)
    max_parallel: int | None = key(
        "How many targets are switched at the same time; all when left out.", None, ge=1, le=MOST_TARGETS, strict=True
    )
    approval: Approval | None = key("Who must say yes before this ring; the stage's is asked before the first.", None)
    region: Region | None = key("The ring's region in the account of `cosmos`, such as westeurope.", None)
    workspace: Workspace | None = key("Id of the ring's own Log Analytics workspace; else the canary's.", None)
    role: Role | None = key("The ring's own name in the telemetry (AppRoleName); else the canary's.", None)
    origins: Origins | None = key("The ring's own place at the Front Door of its canary.", None)


class Cosmos(Section):
    """The Cosmos DB account whose regions the rings go by: read, never changed."""

    called: ClassVar[str] = "a cosmos gate"

    account: CosmosAccount = key("Resource id of the Cosmos DB account.")
    order: RingOrder = key("write-region-last: the region that is written to must be the last ring's.", AS_WRITTEN)
    within: RegionWindow = key("How long a ring waits for its region; at most 7d.", "24h")


class Stage(Section):
    """A step of the journey: an environment with its approval, targets (or rings of them) and verification."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["targets"]}, {"required": ["rings"]}]})
    called: ClassVar[str] = "a stage"
    meant: ClassVar[dict[str, str]] = {"strategy": "rollout"}

    name: Name = key("Name of the stage, unique in the pipeline.")
    environment: Name = key("The environment that the stage deploys to.")
    needs: list[Name] = key("Stages that must have passed before; without any it starts at once.", [])
    gates: list[Gate] = key("What must be proven before the stage starts.", [], max_length=MOST_GATES)
    hotfix: Hotfix | None = key("What a hotfix may skip, once a second person has confirmed it.", None)
    approval: Approval | None = key("Who must say yes before the stage starts.", None)
    targets: list[Target] | None = key("Where to deploy, all in parallel.", None, min_length=1, max_length=MOST_TARGETS)
    rings: list[Ring] | None = key(
        "Instead of targets: groups of them, released one after the other.", None, min_length=1, max_length=MOST_RINGS
    )
    on_bad_ring: OnBadRing = key("What the earlier rings do when one fails: stop (they stay) or roll-back-all.", STOP)
    freeze: list[FreezeWindow] = key("Times in which no build enters.", [], max_length=MOST_FREEZES)
    hours: BusinessHours | None = key("The only times at which builds enter.", None)
    rate: ReleaseRate | None = key("How many releases the environment takes in a while.", None)
    after: list[LiveFirst] = key("Other services that have to be live first.", [], max_length=MOST_AFTER)
    cosmos: Cosmos | None = key("The Cosmos DB account whose regions the rings go by.", None)
    migrate: Migrate | None = key("The change of its database around a release.", None)
    verify: list[Check] = key("What runs against every target before traffic reaches the release.", [])
    rollout: Rollout = key("How traffic reaches the new release.", "all-at-once")
    configuration: Configuration | None = key("Where the settings of each build lie; else the pipeline's.", None)
    flags: list[SwitchedFlag] = key("Feature flags that are switched once it is live.", [], max_length=MOST_FLAGS)
    bake: BakeTime = key("How long the release is watched before it counts as proven; at most 7d.", "0s")
    retain_previous: WatchTime = key("How long it is watched after that, ready to go back; at most 30d.", "0s")
    deploy_within: DeployWindow = key("How long a deployment may take.", "20m")
    lock_within: LockWindow = key("How long to wait while another build has the environment.", "24h")
    retry_within: RetryWindow = key("How long a person may have a failed stage tried again; 0s: not at all.", "24h")

    @property
    def loads(self) -> list[Load]:
        return [check.load for check in self.verify if check.load]

    @property
    def tests(self) -> list[Tests]:
        return [check.tests for check in self.verify if check.tests]

    @property
    def health(self) -> Health:
        """The health check of the stage: as written, or the default."""
        return next((check.health for check in self.verify if check.health), None) or Health()


class Pipeline(Section):
    """How the builds of one service are promoted."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["artifact"]}, {"required": ["members"]}]})
    called: ClassVar[str] = "a pipeline"

    service: Name = key("The service whose builds are promoted.")
    owner: Owner = key("The team that answers for the service.")
    builds: list[Builds] = key(
        "Whose builds these are, in the words of each CI; what has the service's name when left out.",
        [],
        max_length=MOST_BUILDS,
    )
    triggers: Triggers = key("Which builds are promoted.", {})
    artifact: Artifact | None = key("Where a build's package lies; not of a group.", None)
    members: dict[Name, Member] = key(
        "Of a group: the services that are released as one, by their names.", {}, max_length=MOST_MEMBERS
    )
    on_newer_build: OnNewerBuild = key(
        "Which of the builds that wait go: queue, each, latest (supersede is the same) or ignore.", QUEUE
    )
    configuration: Configuration | None = key("Where the settings of each build lie; fixed before a deployment.", None)
    report: list[Report] = key("Code hosts that are told how a build gets on.", [], max_length=MOST_REPORTS)
    profiles: dict[Name, Profile] = key("Loads by name, for the stages' load tests.", {}, max_length=50)
    stages: list[Stage] = key("The stages; `needs` gives their order.", min_length=1, max_length=MOST_STAGES)

    @property
    def claims(self) -> tuple[Claim, ...]:
        """Whose builds it says are the service's; none when it says nothing."""
        return tuple(each.claim for each in self.builds)

    @property
    def tells(self) -> list[str]:
        """The code hosts that are told, in words, and of which builds they are not."""
        untold = sorted(
            {
                CALLED[claim.system]
                for claim in self.claims or usual_claims(self.service)
                if claim.system in OF_NO_COMMIT
            }
        )
        but = f", but of no build of {' or '.join(untold)}, which names no commit" if untold else ""
        return [report.host.where + but for report in self.report]

    @property
    def takes(self) -> list[str]:
        """Whose builds it takes, in words."""
        return [str(claim) for claim in self.claims or usual_claims(self.service)]
