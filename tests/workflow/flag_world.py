"""The outside world of a flag's ramp: a store of flags in memory, and users whom the real judge judges."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from slipway.adapters.flags.conclusion import Conclusion
from slipway.adapters.flags.release import FlagsOfRelease, Remembering
from slipway.adapters.flags.router import FlagRouter
from slipway.adapters.flags.switch import Note, Switch
from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.errors import SlipwayError
from slipway.promotion.flags.comparison import Harm, compared
from slipway.promotion.flags.document import Document
from slipway.promotion.flags.plan import KIND, FlagPlan
from slipway.promotion.flags.setting import FlagSetting
from slipway.promotion.flags.words import of_users
from slipway.promotion.judge.windows import Window
from slipway.promotion.outcomes import Answer, broken, moment, passed
from slipway.promotion.plain import plain
from slipway.promotion.plan import Target
from slipway.promotion.telemetry import Cohort, Cohorts
from tests.promotion.judge.builders import Traffic
from tests.workflow.ramp_world import RampingWorld
from tests.workflow.world import Order


@dataclass
class Flags:
    """`FlagStore` in memory. `most`: the largest share that there ever was."""

    kept: dict[tuple[str, str], FlagSetting] = field(default_factory=dict)
    most: float = 0.0
    _etags: Iterator[int] = field(default_factory=lambda: count(1))

    def read(self, name: str, label: str) -> FlagSetting | None:
        return self.kept.get((name, label))

    def write(self, setting: FlagSetting, document: Document, tags: Mapping[str, str]) -> FlagSetting | None:
        there = self.read(setting.name, setting.label)
        if there is None or there.etag != setting.etag:
            return None
        return self._put(setting.name, setting.label, document, tags)

    def create(self, name: str, label: str, document: Document, tags: Mapping[str, str]) -> FlagSetting | None:
        return None if self.read(name, label) else self._put(name, label, document, tags)

    def all(self) -> list[FlagSetting]:
        return list(self.kept.values())

    def changed_by_somebody(self, name: str, label: str, document: Document) -> None:
        there = self.read(name, label)
        self._put(name, label, document, there.tags if there else {})

    def _put(self, name: str, label: str, document: Document, tags: Mapping[str, str]) -> FlagSetting:
        written = FlagSetting(name, label, document, str(next(self._etags)), dict(tags))
        self.kept[name, label] = written
        self.most = max(self.most, written.share or 0.0)
        return written


@dataclass
class Before:
    """`FlagsBefore` in memory."""

    rows: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)

    def read(self, release: str, name: str, label: str) -> dict[str, Any] | None:
        return self.rows.get((release, name, label))

    def keep(self, release: str, name: str, label: str, before: dict[str, Any] | None) -> None:
        self.rows[release, name, label] = {"before": before, "after": None}

    def wrote(self, release: str, name: str, label: str, after: dict[str, Any]) -> None:
        self.rows[release, name, label]["after"] = after


@dataclass
class FlagWorld(RampingWorld):
    """`flag_harm`: users with the flag meet failures so many times as often. `as_tester`: what testers were asked for.
    While variants are compared, `visitors` new users come an hour, of whom `converting` (0..1) succeed with the
    control, and so many times as often with the treatment as `lift` says; `control_harm`: those with the control meet
    failures so many times as often. `split`: the share that users really meet, where it is another than was set.
    `deaf_from`: the look from which telemetry has no answer. `looks`: the ends of what was looked at."""

    flags: Flags = field(default_factory=Flags)
    before: Before = field(default_factory=Before)
    flag_harm: float = 1.0
    sick_for_testers: bool = False
    as_tester: list[str] = field(default_factory=list)
    visitors: float = 100_000
    converting: float = 0.05
    lift: float = 0.0
    control_harm: float = 1.0
    split: float | None = None
    deaf_from: int | None = None
    looks: dict[int, str] = field(default_factory=dict)

    @property
    def flag(self) -> FlagSetting | None:
        return next(iter(self.flags.kept.values()), None)

    def _prepare_flag(self, order: Order) -> Answer:
        flag = FlagPlan.load(order["flag"])
        store = Remembering(self.flags, self.before, order["release"])
        try:
            note = Note(flag.owner, "2027-03-01", order["service"])
            found = Switch(store).prepare(
                flag.name, flag.label, flag.testers, note, order["operation"], order["release"]
            )
        except SlipwayError as error:
            return broken(error.code, error.words)
        if flag.compare and not found.off and found.share < 1:
            try:
                Conclusion(self.flags).check(flag.name, flag.label, flag.compare)
            except SlipwayError as error:
                return broken(error.code, error.words)
        state = "off" if found.off else "on" if found.share >= 1 else "dark"
        was = self._of(order).was(flag.name, flag.label) if state == "dark" else ""
        return passed(state=state, variant=found.variant, why=found.off, was=was)

    def _put_flag_back(self, order: Order) -> Answer:
        return self._of(order).back(order["name"], order["label"], order["when"], order["operation"])

    def _of(self, order: Order) -> FlagsOfRelease:
        return FlagsOfRelease(self.flags, self.before, order["release"])

    def _check_testers(self, order: Order) -> Answer:
        flag = FlagPlan.load(order["flag"])
        try:
            lacking = Switch(self.flags).without(flag.name, flag.label, flag.testers.users, flag.testers.groups)
        except SlipwayError as error:
            return broken(error.code, error.words)
        return broken("TESTER_NOT_TARGETED", ", ".join(lacking)) if lacking else passed()

    def _check_health(self, order: Order) -> Answer:
        sent = {header["name"]: header["value"] for header in order["health"]["headers"]}
        if "x-user" in sent:
            asked = f"{sent['x-user']} asks {order['address']}{order['health']['path']}"
            self.as_tester.append(f"{asked}, {self.flag.share if self.flag else None:g} have it")
            if self.sick_for_testers:
                return replace(broken("", ""), state="failed", code="UNHEALTHY", words="500 for the tester")
        return super()._check_health(order)

    def _split(self, order: Order) -> Answer:
        target = Target(**order["target"])
        if target.kind != KIND:
            return super()._split(order)
        router = FlagRouter(flags=self.flags)
        return router.start_split(target, order["version"], order["share"], order["operation"], resuming=False)

    def _look_at_ramp(self, order: Order) -> Answer:
        target = Target(**order["targets"][0])
        if target.kind != KIND:
            return super()._look_at_ramp(order)
        share, code, words = FlagRouter(flags=self.flags).watch(target)
        shares = {} if share is None else {target.name: share}
        flag = [code, words] if code else []
        return passed(shares=shares, signals=self._fast_signals(order), no_top_up="", flag=flag)

    def _compare_variants(self, order: Order) -> Answer:
        look = int(order["operation"].rsplit(":", 1)[1])
        self.looks[look] = order["ends_at"]
        if self.deaf_from is not None and look >= self.deaf_from:
            return passed("", fault="telemetry: the workspace does not answer")
        canary = CanaryPlan.load(order["canary"])
        assert canary.flag is not None and canary.flag.compare is not None
        plan, elapsed = canary.flag.compare, moment(order["ends_at"]) - moment(order["began_at"])
        users = self.visitors * elapsed.total_seconds() / 3600
        treated = users * (plan.share if self.split is None else self.split)
        arms = (self._cohort(users - treated, 1.0, self.control_harm), self._cohort(treated, 1 + self.lift, 1.0))
        harm = Harm(canary.policy.error_margin, canary.policy.false_rollback)
        return passed("", found=plain(compared(plan, Cohorts(*arms), elapsed.total_seconds(), harm)))

    def _cohort(self, users: float, succeeds: float, fails: float) -> Cohort:
        return Cohort(round(users), round(users * self.converting * succeeds), round(users * 0.01 * fails))

    def _conclude_comparison(self, order: Order) -> Answer:
        flag, words = FlagPlan.load(order["flag"]), f"{order['keeps']} kept: {order['why']}"
        try:
            done = Conclusion(self.flags).keep(
                flag.name, flag.label, order["keeps"], words, order["operation"], order["release"]
            )
        except SlipwayError as error:
            return broken(error.code, error.words)
        return passed(done, keeps=order["keeps"])

    def _judge_tick(self, order: Order) -> Answer:
        judged = super()._judge_tick(order)
        if CanaryPlan.load(order["canary"]).flag is None:
            return judged
        verdict = judged.result["verdict"]
        return replace(judged, result={**judged.result, "verdict": {**verdict, "words": of_users(verdict["words"])}})

    def _window(self, number: int, order: Order) -> Window:
        if number in self.blind or self.flag is None:
            return Window(number, fault="the workspace does not answer")
        return Traffic(number, self.per_tick, self.rate).window(number, self.flag.share or 0.0, self.flag_harm)
