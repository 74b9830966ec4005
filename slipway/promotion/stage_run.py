"""A stage on its way: everything that travels from one generation of its orchestration to the next."""

from dataclasses import dataclass, field, replace
from typing import Any

from slipway.promotion.build import Build
from slipway.promotion.ids import child_id
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.plain import plain
from slipway.promotion.plan import StagePlan, Target, load_stage
from slipway.promotion.stored import known

NEEDS, APPROVAL, LOCK = "needs", "approval", "lock"
DEPLOY, VERIFY, ROLL_OUT, VERIFY_LIVE, BAKE = "deploy", "verify", "roll out", "verify live", "bake"
RAMP = "ramp"
SWITCH_APPROVAL, VERIFY_AGAIN = "switch approval", "verify again"
SETTLE, UNDO, REPORT, RETRY, OVER = "settle", "undo", "report", "retry", "over"
GO_BACK, SHUT, SWEEP = "go back", "shut", "sweep"
READY_OLD_SIDE = "ready old side"
ROLLED_BACK = "rolled back"
RETRYABLE_CANCELLATIONS = ("APPROVAL_EXPIRED", "LOCK_WAIT_OVER", "VERSION_REJECTED")

SHOWN_ASIDE = (VERIFY, SWITCH_APPROVAL, VERIFY_AGAIN)  # the release stands on its idle side, and nowhere else

STATE_OF_PHASE = {
    NEEDS: "pending",
    APPROVAL: "waiting for approval",
    LOCK: "waiting for the lock",
    DEPLOY: "deploying",
    VERIFY: "verifying",
    SWITCH_APPROVAL: "waiting for approval",
    VERIFY_AGAIN: "verifying",
    RAMP: "ramping",
    ROLL_OUT: "rolling out",
    VERIFY_LIVE: "verifying live",
    BAKE: "baking",
    SETTLE: "baking",
    UNDO: "rolling back",
    GO_BACK: "rolling back",
    READY_OLD_SIDE: "rolling back",
    SHUT: "rolling back",
    SWEEP: "rolling back",
}


@dataclass(frozen=True)
class Site:
    """A target as it was found before the stage changed anything: addresses, and the versions that answered. `live`
    is where the live release answers whatever its share of `production`."""

    production: str
    idle: str
    previous: str
    idle_was: str
    live: str = ""


@dataclass(frozen=True)
class Step:
    """One thing done to one target, as people see it. `operation` is its id, and its orchestration's."""

    name: str
    target: str
    operation: str
    state: str = "running"
    started_at: str = ""
    ended_at: str = ""
    words: str = ""


@dataclass(frozen=True)
class Ending:
    """Why the stage ends, and as what."""

    outcome: str
    code: str = ""
    words: str = ""


@dataclass(frozen=True)
class StageRun:
    """The stage's whole state: plain data, carried through `continue_as_new` by `dump` and `load`.

    `rev` grows with every record of the stage, so that an older record never overwrites a newer one.
    `tick` counts the repeats of a phase, `part` is the group of targets that is verified. `goes_back` marks
    the run that returns an environment to its previous release, outside of the stage that brought this one, and
    `asked_by` and `reason` whose word that was; `harm` says that it is for the harm that the release does.
    `swept` names the orchestration that is no more, in whose place this one stands; when that was `purged`,
    nobody knows what it changed. `watched` is what the judge knows of a canary's bake: until when all was as usual,
    then since when it is watched, the last tick and the judge's state. `old_side_stopped` is since when the side that
    this release would go back to stands still.
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
    swept: str = ""
    purged: bool = False
    switched: bool = False
    watched: dict[str, Any] = field(default_factory=dict)
    old_side_stopped: str = ""
    sites: dict[str, Site] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    ending: Ending | None = None

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
        return self.ends(Outcome.BROKEN, "UNEXPECTED", words)

    def sweeping(self, instance: str) -> "StageRun":
        """A run in the place of this one, whose orchestration is no more. Its records outrank what that one wrote.

        How this one ended stays true if it has given its lock back since.
        """
        swept = self.swept if self.phase == SWEEP else self.instance  # it may have died before it stood there
        proven = Ending(Outcome.PASSED, "", f"{self.build.version} is live and proven in {self.plan.environment}")
        ending = proven if self.phase == SETTLE else self.ending
        return replace(self, instance=instance, swept=swept, rev=self.rev + 1000, ending=ending).to(SWEEP)

    def operation(self, target: Target, step: str, n: int | None = None) -> str:
        """The id of an operation, `{stage instance}:{target}:{step}:{n}`; n is the attempt unless given."""
        return child_id(self.instance, target.name, step, str(self.attempt if n is None else n))

    def stepping(self, steps: list[Step], at: str) -> "StageRun":
        """With these steps begun (a step that is there already begins again in its place)."""
        names = {(step.name, step.target) for step in steps}
        kept = tuple(step for step in self.steps if (step.name, step.target) not in names)
        return replace(self, steps=kept + tuple(replace(step, started_at=at) for step in steps))

    def stepped(self, name: str, target: str, answer: Answer, at: str) -> "StageRun":
        """With that step ended as its answer says."""
        return replace(
            self,
            steps=tuple(
                replace(step, state=answer.state, ended_at=answer.at or at, words=answer.words)
                if (step.name, step.target) == (name, target)
                else step
                for step in self.steps
            ),
        )

    @property
    def changing(self) -> tuple[Target, ...]:
        """The targets that do not answer this build's version already."""
        return tuple(target for target in self.plan.targets if self.sites[target.name].previous != self.build.version)

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
    def after_verify(self) -> str:
        """The phase in which the release first meets users."""
        if self.plan.switch_approval and self.changing:
            return SWITCH_APPROVAL
        return RAMP if self.plan.canary else ROLL_OUT

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
        if ending.outcome == Outcome.CANCELLED:
            return ending.code in RETRYABLE_CANCELLATIONS
        return ending.outcome != Outcome.PASSED

    def again(self) -> "StageRun":
        """The next attempt. What people approved stays approved; everything else is done anew."""
        following = APPROVAL if self.plan.approval and not self.approved else LOCK
        fresh: dict[str, Any] = {
            "ending": None,
            "fence": 0,
            "sites": {},
            "switched": False,
            "watched": {},
            "ended_at": "",
            "live_before": "",
            "old_side_stopped": "",
            "proven_at": "",
            "live_targets": (),
            "replaced": {},
        }
        return self.to(following, attempt=self.attempt + 1, **fresh)

    def row(self) -> dict[str, Any]:
        """The stage's row in the read model."""
        ending = self.ending or Ending("")
        return {
            "name": self.plan.name,
            "environment": self.plan.environment,
            "needs": list(self.plan.needs),
            "instance": self.instance,
            "attempt": self.attempt,
            "state": self.state,
            "waits_for": self.waits_for,
            "since": self.since,
            "deadline": self.deadline,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "code": ending.code,
            "words": ending.words,
            "targets": [
                {
                    "name": target.name,
                    "address": self.sites[target.name].production if target.name in self.sites else "",
                    **self._versions(target.name),
                    **({"preview": self.previews[target.name]} if target.name in self.previews else {}),
                }
                for target in self.plan.targets
            ],
            "steps": [plain(step) for step in self.steps],
        }

    def _versions(self, target: str) -> dict[str, str]:
        site = self.sites.get(target)
        if site is None:
            return {"live": "", "idle": ""}
        deployed = any(step.name == "deploy" and step.state == Outcome.PASSED for step in self.steps)
        if self.switched:
            return {"live": self.build.version, "idle": site.previous}
        if self.goes_back:
            return {"live": site.previous, "idle": self.build.version}
        return {"live": site.previous, "idle": self.build.version if deployed else site.idle_was}

    def outcome(self) -> dict[str, Any]:
        """What the stage returns to its promotion."""
        ending = self.ending or Ending(Outcome.PASSED)
        return {"stage": self.plan.name, **plain(ending)}

    def dump(self) -> dict[str, Any]:
        return {**plain(self), "build": self.build.dump()}

    @classmethod
    def load(cls, data: dict[str, Any]) -> "StageRun":
        ending = data.get("ending")
        return cls(
            **{
                **known(cls, data),
                "plan": load_stage(data["plan"]),
                "build": Build.load(data["build"]),
                "sites": {name: Site(**known(Site, site)) for name, site in (data.get("sites") or {}).items()},
                "live_targets": tuple(data.get("live_targets", ())),
                "steps": tuple(Step(**known(Step, step)) for step in data.get("steps", ())),
                "ending": Ending(**known(Ending, ending)) if ending else None,
            }
        )


ALL_PASSED = Ending(Outcome.PASSED, "", "every stage passed")


def overall(outcomes: list[dict[str, Any]]) -> Ending:
    """A promotion's end from its stages': passed when all passed, else the gravest, with its reason.

    A stage that was only cancelled because one that it needs did not pass is a consequence, not a reason.
    """
    order = [Outcome.FAILED, Outcome.BROKEN, Outcome.NOT_ENOUGH_EVIDENCE, Outcome.CANCELLED, Outcome.PASSED]
    reasons = [each for each in outcomes if each["code"] != "NEED_NOT_PASSED"] or outcomes
    gravest = min(reasons, key=lambda each: order.index(Outcome(each["outcome"])))
    if gravest["outcome"] == Outcome.PASSED:
        return ALL_PASSED
    return Ending(gravest["outcome"], gravest["code"], f"stage {gravest['stage']}: {gravest['words']}")
