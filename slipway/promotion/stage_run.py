"""A stage on its way: everything that travels from one generation of its orchestration to the next."""

from dataclasses import dataclass, field, replace
from typing import Any

from slipway.promotion.approval import START
from slipway.promotion.build import Build
from slipway.promotion.consent import Consent
from slipway.promotion.database_schema import Range, against_return
from slipway.promotion.flags.plan import KIND
from slipway.promotion.front_door import FrontDoor
from slipway.promotion.groups import MemberLock
from slipway.promotion.ids import child_id, stage_id
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.plain import plain
from slipway.promotion.plan import StagePlan, Target, load_stage
from slipway.promotion.release_parts.before import Before, Brought
from slipway.promotion.release_parts.configuration import KeptConfiguration
from slipway.promotion.release_parts.flag_wish import ChangedFlag
from slipway.promotion.rings import ROLL_BACK_ALL
from slipway.promotion.stage_parts import Ending, Site, Step
from slipway.promotion.stage_path import OnItsWay
from slipway.promotion.stage_phases import (
    NEEDS,
    OVER,
    REPORT,
    RETRY,
    RETRYABLE_CANCELLATIONS,
    ROLLED_BACK,
    SETTLE,
    SHOWN_ASIDE,
    SHUT,
    STATE_OF_PHASE,
    SWEEP,
    TAKE_BACK,
    UNDO,
)
from slipway.promotion.stored import known

MOST_LOGS = 3  # of 2,000 characters each: a run travels whole with each generation
DARK = "dark"  # of a flag: on for testers alone


@dataclass(frozen=True)
class StageRun(OnItsWay):
    """The stage's whole state: plain data, carried through `continue_as_new` by `dump` and `load`.

    `rev` grows with every record of the stage, so that an older record never overwrites a newer one.
    `tick` counts the repeats of a phase, `part` is the group of targets verified or switched. `goes_back` marks
    the run that returns an environment to its previous release, outside of the stage that brought this one, and
    `asked_by` and `reason` whose word that was; `harm` says that it is for the harm that the release does, `whole` that
    all rings before it go back, too, `with_ring` that it goes back with a later ring. `calls`: a person must look at
    how it ended.
    `swept` names the orchestration that is no more, in whose place this one stands; when that was `purged`,
    nobody knows what it changed. `watched` is what the judge knows of a canary's bake: until when all was as usual,
    then since when it is watched, the last tick and the judge's state. `old_side_stopped` is since when the side that
    this release would go back to stands still. Of a ring, `written` are the regions that its Cosmos DB account was
    written to when its users were first moved, and `rings_back` says what the rings before it came to that went back
    with it: stage, state and words of each. `flag` is what was found of the stage's feature flag (`state`, `variant`,
    `why`), `flag_ending` how its ramp ended while the release stays. `configuration` is what was fixed of the
    release's, `changed_flags` are those that it changed, `before` is what a way back leads to, `brought` what came of
    one. Of a group of services `member_locks` has what is known of the members' locks; `swept_in` is the phase in which
    the orchestration that is no more has died, and `heirs` stood in its place before, died while they took its locks
    over, and may hold some. `database` is what the lock knew of its schema at the grant, and what this stage made of
    that: `version`, `towards`, the range of what was `live`, and the release `before` that.
    `taken_back` says that its release was live and is not any more. `consents` is people's yes to its start and its
    switch, by which of them, `voided` how often one did not hold; `gate_answers` is what each gate has said, by its
    name (`gates.rounds` says how), `revoked` how often that did not hold at the lock. `policies`: in
    which attempt they were met before the `start`, under which fence at the `lock`, and whether they hold the stage
    (`held`).
    `trace` is the promotion's W3C traceparent. Moments are ISO 8601 texts.
    """

    promotion: str
    instance: str
    plan: StagePlan
    build: Build
    artifact: str
    received_at: str = ""
    trace: str = ""
    attempt: int = 1
    phase: str = NEEDS
    rev: int = 0
    tick: int = 0
    fence: int = 0
    since: str = ""
    deadline: str = ""
    started_at: str = ""
    ended_at: str = ""
    waits_for: str = ""
    live_before: str = ""
    proven_at: str = ""
    live_targets: tuple[str, ...] = ()
    replaced: dict[str, str] = field(default_factory=dict)
    part: int = 0
    approved: bool = False
    goes_back: bool = False
    asked_by: str = ""
    reason: str = ""
    harm: bool = False
    whole: bool = False
    with_ring: bool = False
    swept: str = ""
    purged: bool = False
    switched: bool = False
    taken_back: bool = False
    watched: dict[str, Any] = field(default_factory=dict)
    old_side_stopped: str = ""
    flag: dict[str, Any] = field(default_factory=dict)
    flag_ending: Ending | None = None
    configuration: KeptConfiguration = field(default_factory=KeptConfiguration)
    changed_flags: tuple[ChangedFlag, ...] = ()
    before: Before = field(default_factory=Before)
    brought: Brought = field(default_factory=Brought)
    written: tuple[str, ...] = ()
    rings_back: tuple[dict[str, Any], ...] = ()
    sites: dict[str, Site] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    ending: Ending | None = None
    calls: bool = False
    member_locks: dict[str, MemberLock] = field(default_factory=dict)
    swept_in: str = ""
    heirs: tuple[str, ...] = ()
    pins: dict[str, str] = field(default_factory=dict)
    database: dict[str, Any] = field(default_factory=dict)
    consents: dict[str, Consent] = field(default_factory=dict)
    voided: int = 0
    gate_answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    revoked: int = 0
    policies: dict[str, Any] = field(default_factory=dict)

    def to(self, phase: str, **changes: Any) -> "StageRun":
        """The same stage, in another phase."""
        return replace(self, phase=phase, tick=0, part=0, waits_for="", deadline="", **changes)

    def ends(self, outcome: str, code: str = "", words: str = "") -> "StageRun":
        """Over: undone first when the lock is held and something may have changed."""
        held = self.fence > 0
        return self.to(UNDO if held else REPORT, ending=Ending(outcome, code, words))

    def after_error(self, words: str) -> "StageRun":
        """Where an error that nobody foresaw leads: to the undo, and from a failed undo to a lock that stays shut.

        Itself when the stage has only to say how it ended: that is tried again.
        """
        if self.phase in (REPORT, RETRY, SHUT, SWEEP):
            return self
        if self.phase == UNDO:
            return self.to(SHUT, ending=Ending(Outcome.BROKEN, "ROLLBACK_FAILED", f"the rollback broke off: {words}"))
        if self.phase == TAKE_BACK:
            ending = self.ending or Ending(Outcome.FAILED)
            told = f"{ending.words}; the earlier rings were not all taken back: {words}"
            return self.to(REPORT, ending=replace(ending, words=told))
        return self.ends(Outcome.BROKEN, "UNEXPECTED", words)

    def sweeping(self, instance: str) -> "StageRun":
        """A run in the place of this one, whose orchestration is no more. Its records outrank what that one wrote.

        How this one ended stays true if it has given its lock back since.
        """
        swept = self.swept if self.phase == SWEEP else self.instance  # it may have died before it stood there
        died_in = self.swept_in if self.phase == SWEEP else self.phase
        heirs = (*self.heirs, self.instance) if self.phase == SWEEP else ()
        proven = Ending(Outcome.PASSED, "", f"{self.build.version} is live and proven in {self.plan.environment}")
        ending = proven if self.phase == SETTLE else self.ending
        heir = replace(self, instance=instance, swept=swept, swept_in=died_in, heirs=heirs, ending=ending)
        return replace(heir, rev=self.rev + 1000).to(SWEEP)

    def operation(self, target: Target, step: str, n: int | None = None) -> str:
        """The id of an operation, `{stage instance}:{target}:{step}:{n}`; n is the attempt unless given."""
        return child_id(self.instance, target.name, step, str(self.attempt if n is None else n))

    def stepping(self, steps: list[Step], at: str) -> "StageRun":
        """With these steps begun (a step that is there already begins again in its place)."""
        names = {(step.name, step.target) for step in steps}
        kept = tuple(step for step in self.steps if (step.name, step.target) not in names)
        return replace(self, steps=kept + tuple(replace(step, started_at=at) for step in steps))

    def stepped(self, name: str, target: str, answer: Answer, at: str) -> "StageRun":
        """With that step ended as its answer says; of those that did not pass the first few keep their logs."""
        full = sum(bool(step.log) for step in self.steps) >= MOST_LOGS
        log = "" if full or answer.state == Outcome.PASSED else answer.log
        return replace(
            self,
            steps=tuple(
                replace(step, state=answer.state, ended_at=answer.at or at, words=answer.words, log=log)
                if (step.name, step.target) == (name, target)
                else step
                for step in self.steps
            ),
        )

    @property
    def baseline(self) -> str:
        """The version beside which the release is judged: what answered before; empty when nothing did."""
        before = sorted({site.previous for site in self.sites.values()} - {self.build.version, ""})
        return before[0] if before else ""

    @property
    def watch(self) -> str:
        """The id of the release's watch after the stage; empty when it is not watched."""
        return child_id(self.instance, "watch", str(self.attempt)) if self.plan.watch_s > 0 else ""

    @property
    def takes_back(self) -> tuple[str, ...]:
        """The stages of the rings that go back with this one, the last one first; none unless it failed and its
        pipeline says so, or a person takes all of them back."""
        ring = self.plan.ring
        if ring is None or self.ending is None:
            return ()
        bad = self.whole if self.goes_back else ring.on_bad == ROLL_BACK_ALL
        return ring.earlier[::-1] if bad and self.ending.outcome in (Outcome.FAILED, ROLLED_BACK) else ()

    @property
    def beyond_return(self) -> str:
        """Why the code that was live before must not serve again, in words: the schema has moved on. Empty when it
        may."""
        before = {"version": self.live_before, "schema": self.database.get("live")}
        return against_return(self.database, before) if self.switched and not self.goes_back else ""

    @property
    def contracts_to(self) -> int:
        """The version to which the database is contracted once the release before is gone; 0 where it is not."""
        own = Range.of(self.build.schema)
        return own.contract if own and self.plan.migration and self.plan.migration.contract else 0

    @property
    def stops_old_side(self) -> bool:
        """Whether its watch ends by stopping what the release has replaced."""
        return bool(self.plan.blue_green) or self.contracts_to > 0

    @property
    def undone(self) -> str:
        """The phase after its own changes were undone."""
        return TAKE_BACK if self.takes_back else REPORT

    @property
    def release(self) -> str:
        """The id of the release's stage, whoever stands in its place now."""
        return stage_id(self.promotion, self.plan.name)

    @property
    def flag_target(self) -> Target | None:
        """The flag, as something that a router divides. Under the fences of this service and environment alone."""
        flag = self.flag_plan
        if flag is None:
            return None
        resource = f"flag/{self.build.service}/{self.plan.environment}/{flag.name}"
        return Target(flag.name, KIND, resource, flag.label, settings={"release": self.release})

    @property
    def is_dark(self) -> bool:
        """Whether the stage has a flag that it ramps: not one that everybody had, or that a person keeps off."""
        return self.flag_plan is not None and self.flag.get("state") == DARK

    @property
    def keeps_its_flag(self) -> bool:
        """Whether what the flag that it ramps was before is kept with the release, so that it is put back as that."""
        return self.is_dark and bool(self.flag.get("was"))

    @property
    def dividing(self) -> tuple[Target, ...]:
        """What a ramp divides: the traffic of the targets that change, or the users of a flag."""
        return self.changing if self.flag_target is None else (self.flag_target,)

    @property
    def before_it(self) -> FrontDoor | None:
        """The Front Door that divides the traffic of a ramp, before the target's own platform."""
        return self.plan.canary.front_door if self.plan.canary else None

    @property
    def previews(self) -> dict[str, str]:
        """Where people can look at the release on its idle side, by target, while it is there to be looked at."""
        blue_green = self.plan.blue_green
        if not blue_green or not blue_green.preview or self.switched or self.phase not in SHOWN_ASIDE:
            return {}
        return {target.name: self.sites[target.name].idle for target in self.changing}

    @property
    def state(self) -> str:
        """The stage's state in words, as the API names it."""
        if self.phase in (REPORT, RETRY, OVER) and self.ending:
            return self.ending.outcome
        return STATE_OF_PHASE[self.phase]

    @property
    def may_retry(self) -> bool:
        """Whether a person may have the stage tried again after the way it ended."""
        ending = self.ending
        if ending is None or self.plan.retry_within_s <= 0 or self.goes_back or self.swept:
            return False
        if self.takes_back:
            return False  # the rings before it have gone back: the way begins anew, with another build
        if ending.outcome == Outcome.CANCELLED:
            return ending.code in RETRYABLE_CANCELLATIONS
        return ending.outcome != Outcome.PASSED

    def again(self) -> "StageRun":
        """The next attempt. What people approved stays approved; everything else is done anew."""
        fresh: dict[str, Any] = {
            "ending": None,
            "calls": False,
            "fence": 0,
            "sites": {},
            "switched": False,
            "taken_back": False,
            "watched": {},
            "flag": {},
            "flag_ending": None,
            "configuration": KeptConfiguration(),
            "changed_flags": (),
            "before": Before(),
            "brought": Brought(),
            "written": (),
            "rings_back": (),
            "ended_at": "",
            "live_before": "",
            "old_side_stopped": "",
            "proven_at": "",
            "member_locks": {},
            "live_targets": (),
            "replaced": {},
            "consents": {gate: consent for gate, consent in self.consents.items() if gate == START},
            "gate_answers": {},
            "policies": {},
        }
        return self.to(self.after_needs, attempt=self.attempt + 1, **fresh)

    def outcome(self) -> dict[str, Any]:
        """What the stage returns to its promotion."""
        ending = self.ending or Ending(Outcome.PASSED)
        return {"stage": self.plan.name, **plain(ending)}

    def dump(self) -> dict[str, Any]:
        consents = {gate: consent.dump() for gate, consent in self.consents.items()}
        return {**plain(self), "build": self.build.dump(), "consents": consents}

    @classmethod
    def load(cls, data: dict[str, Any]) -> "StageRun":
        ending, flag_ending = data.get("ending"), data.get("flag_ending")
        locks = data.get("member_locks") or {}
        return cls(
            **{
                **known(cls, data),
                "plan": load_stage(data["plan"]),
                "build": Build.load(data["build"]),
                "sites": {name: Site(**known(Site, site)) for name, site in (data.get("sites") or {}).items()},
                "member_locks": {service: MemberLock(**known(MemberLock, lock)) for service, lock in locks.items()},
                "live_targets": tuple(data.get("live_targets", ())),
                "written": tuple(data.get("written", ())),
                "rings_back": tuple(data.get("rings_back", ())),
                "heirs": tuple(data.get("heirs", ())),
                "steps": tuple(Step(**known(Step, step)) for step in data.get("steps", ())),
                "ending": Ending(**known(Ending, ending)) if ending else None,
                "flag_ending": Ending(**known(Ending, flag_ending)) if flag_ending else None,
                "configuration": KeptConfiguration.load(data.get("configuration")),
                "changed_flags": tuple(ChangedFlag.load(flag) for flag in data.get("changed_flags", ())),
                "before": Before.load(data.get("before")),
                "brought": Brought.load(data.get("brought")),
                "consents": {gate: Consent.load(each) for gate, each in (data.get("consents") or {}).items()},
            }
        )
