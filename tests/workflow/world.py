"""The outside world as the workflow's activities see it: sites with two sides, records, an abort mark.

It answers the activities' contract (see `activities/`) from memory and in no time, so that the real
orchestrators and entities can be driven through the real SDK in virtual time.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from slipway.promotion import loads as load_drivers
from slipway.promotion.histogram import LatencyHistogram
from slipway.promotion.ledger import proven_before
from slipway.promotion.load_comparison import last_comparable
from slipway.promotion.load_judgement import LoadMeasurement
from slipway.promotion.load_runs.measured import FAILED, PASSED, Course, RunMeasurement
from slipway.promotion.outcomes import Answer, Outcome, broken, cancelled, failed, moment, passed, running
from slipway.promotion.plan import LoadTest

Order = dict[str, Any]
Work = Callable[[Order], Answer]

# Those that are @unless_aborted (tests/workflow/test_world.py holds them equal).
STOPPABLE = ("deploy", "swap", "check_health", "look_at_live", "drive_load", "split", "begin_ramp")
STOPPABLE += ("open_front_door", "return_to_live", "fix_configuration", "prepare_flag", "check_testers", "set_flag")
STOPPABLE += ("conclude_comparison", "check_flags", "pin_artifacts", "ask_gate")


@dataclass
class Sides:
    """What a site answers on its live and on its idle side."""

    live: str = "1.0.0"
    idle: str = ""
    idle_stopped: bool = False


@dataclass
class Kept:
    """What the tables hold of one promotion: who claimed it, its rows, whether it ended, its abort mark."""

    token: str = ""
    ended: bool = False
    aborted: bool = False
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class World:
    """`meanwhile` is awaited before each activity. `raising`: how many calls of an activity break down
    altogether; `away`: how many an outside service does not take; `put_off`: for how long it does not take any of
    them, as it says itself; `swap_back_fails`: how many swaps back are
    refused; `blips`: how many looks at a live release meet a single bad answer. `bad_load`, `sick_idle`, `sick_live`:
    versions that fail there; `speaks`: signals after a switch; `latency_ms` of those that do not answer in 22.
    `failing_runs`: how many load tests Azure cannot carry out; `stopped_runs` are those that an abort stopped.
    `polls`: how long operations take. `keeps_receipts` of them, so that one begun again after a kill has its effect
    once. `registry`: addresses of artifacts by their tags, unless they are `unpinnable`. `deployed`: packages by their
    targets. `down`: targets whose region is. `dead`: versions that answer nothing wherever they run, or on one target
    alone (`weu 2.0.0`). `account`: what the Cosmos DB account shows, unless it is `account_refused`.
    `settings` and `flags` are digests of what a release finds outside, `taken` the claims that people lost, by their
    object ids; `people_broken`: nobody can tell.
    `rows`, `ended` and `aborted` are those of the promotion that was taken in last; `of` has everybody's.
    """

    sites: dict[str, Sides]
    polls: int = 2
    bad_load: set[str] = field(default_factory=set)
    sick_idle: set[str] = field(default_factory=set)
    sick_live: set[str] = field(default_factory=set)
    crashing: set[str] = field(default_factory=set)
    stuck: set[str] = field(default_factory=set)
    swap_back_fails: int = 0
    unreadable: bool = False
    reused: set[str] = field(default_factory=set)  # targets that serve their version as another package
    raising: Counter[str] = field(default_factory=Counter)
    broken_checks: bool = False
    blips: int = 0
    meanwhile: Callable[[str, Order], Awaitable[None]] | None = None
    away: Counter[str] = field(default_factory=Counter)
    put_off: dict[str, float] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)
    account: dict[str, Any] = field(default_factory=lambda: an_account())
    account_refused: bool = False
    late_driver_times: int = 0
    keeps_receipts: bool = False
    receipts: dict[str, Answer] = field(default_factory=dict)
    registry: dict[str, str] = field(default_factory=dict)
    unpinnable: Answer | None = None
    deployed: dict[str, list[str]] = field(default_factory=dict)
    fence: int = 0
    claims: Counter[str] = field(default_factory=Counter)
    promotions: dict[str, Kept] = field(default_factory=dict)
    records: list[Order] = field(default_factory=list)
    latency_ms: dict[str, float] = field(default_factory=dict)
    copied: dict[str, int] = field(default_factory=dict)
    ledgers: dict[str, dict[tuple[datetime, int], Order]] = field(default_factory=dict)
    loads: dict[tuple[str, ...], tuple[int, load_drivers.Kept]] = field(default_factory=dict)
    failing_runs: int = 0
    stopped_runs: list[str] = field(default_factory=list)
    speaks: list[list[str]] = field(default_factory=list)
    mirrors: list[Order] = field(default_factory=list)
    settings: str = "settings as they were"
    flags: str = "flags as they were"
    taken: dict[str, list[str]] = field(default_factory=dict)
    people_broken: bool = False
    effects: Counter[str] = field(default_factory=Counter)

    def of(self, promotion: str) -> Kept:
        """What is kept of a promotion; nothing yet when it has not been heard of."""
        return self.promotions.setdefault(promotion, Kept())

    @property
    def latest(self) -> Kept:
        return next(reversed(self.promotions.values()), Kept())

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        return self.latest.rows

    @property
    def ended(self) -> bool:
        return self.latest.ended

    @property
    def aborted(self) -> bool:
        return self.latest.aborted

    @aborted.setter
    def aborted(self, mark: bool) -> None:
        self.latest.aborted = mark

    def answer(self, activity: str, order: Order) -> Answer:
        if self.raising[activity] > 0:
            self.raising[activity] -= 1
            raise RuntimeError("the worker broke down")
        if self.away[activity] > 0:
            self.away[activity] -= 1
            return running(order.get("handle") or {}, 1.0, "the service does not answer")
        if activity in self.put_off:
            return running(order.get("handle") or {}, self.put_off[activity], "Azure asks us to slow down")
        if activity in STOPPABLE and self.of(order["promotion"]).aborted and not order.get("despite_abort"):
            return cancelled()
        work: Work = getattr(self, f"_{activity}")
        return work(order)

    def actions(self) -> list[str]:
        """What was recorded, in order: `stage/action` or `action` of the promotion."""
        return [
            f"{each['stage']}/{each['action'].removeprefix('stage.')}" if "stage" in each else each["action"]
            for each in self.records
        ]

    def _claim_promotion(self, order: Order) -> Answer:
        kept = self.of(order["promotion"])
        kept.token = kept.token or order["token"]
        return passed(claim="mine" if kept.token == order["token"] else "theirs")

    def _pin_artifacts(self, order: Order) -> Answer:
        """What the registry has under each address now, if it has anything; the rest stays as it is."""
        if self.unpinnable is not None:
            return self.unpinnable
        pins = [{"address": each, "at": self.registry.get(each, each)} for each in order["artifacts"]]
        return passed(pins=pins)

    def _mark_aborted(self, order: Order) -> Answer:
        self.of(order["promotion"]).aborted = True
        return passed()

    def _end_promotion(self, order: Order) -> Answer:
        self.of(order["promotion"]).ended = True
        return passed()

    def _record(self, order: Order) -> Answer:
        if order["id"] not in [each["id"] for each in self.records]:
            self.records.append(order)
        row = order.get("row")
        if row:
            rows = self.of(order["promotion"]).rows
            if row["rev"] > rows.get(row["key"], {"rev": -1})["rev"]:
                rows[row["key"]] = row
        return passed()

    def _mirror_environment(self, order: Order) -> Answer:
        self.mirrors.append(order)
        return passed()

    def copy_ledger(self, key: str, lock: Order) -> None:
        """As `write_environment` does it: what changed since the last copy, and nothing older over what is newer."""
        ledger = self.ledgers.setdefault(key, {})
        for entry in lock["releases"]:
            row = moment(entry["since"]), entry["fence"]
            if entry["rev"] > self.copied.get(key, 0) and entry["rev"] > ledger.get(row, {"rev": 0})["rev"]:
                ledger[row] = entry
        self.copied[key] = max(self.copied.get(key, 0), lock["rev"])

    def ledger(self, environment: str, service: str = "checkout") -> list[Order]:
        """What was copied, newest first."""
        rows = self.ledgers.get(f"{environment}--{service}", {})
        return [rows[key] for key in sorted(rows, reverse=True)]

    def _check_policies(self, order: Order) -> Answer:
        """The organisation has none."""
        return passed("no policy is for it", policies=[], exceptions=[], digest="")

    def _look_at_sealed(self, order: Order) -> Answer:
        """The settings and flags as they are, and what was taken from those who voted."""
        if "voters" in order and self.people_broken:
            return broken("PEOPLE_INVALID", "people.yaml is no list of people")
        there = {"configuration": ("place", self.settings), "flags": ("flags", self.flags)}
        seen = {part: digest for part, (asked, digest) in there.items() if asked in order}
        taken = {each["oid"]: self.taken[each["oid"]] for each in order.get("voters", ()) if each["oid"] in self.taken}
        return passed(**seen, taken=taken)

    def _compare_loads(self, order: Order) -> Answer:
        """As the activity does it, on what was copied and kept here."""
        releases, verdicts = self.ledger(order["environment"], order["service"]), []
        for load in order["loads"]:
            test = LoadTest.load(load["test"])
            now = load_drivers.kept_of(order["version"], test, load["measured"])
            where = (order["environment"], order["service"], order["stage"], load["target"], test.name)
            key = (*where, order["version"])
            if order["rev"] > self.loads.get(key, (-1,))[0]:
                self.loads[key] = order["rev"], now
            proven = proven_before(releases, order["version"])
            previous = last_comparable(proven, lambda version, where=where: self._kept(*where, version))
            verdicts.append(load_drivers.compare(now, previous) if test.against else passed())
        return passed(verdicts=[each.dump() for each in verdicts])

    def _kept(self, *key: str) -> load_drivers.Kept | None:
        return self.loads[key][1] if key in self.loads else None

    def _look_at_account(self, order: Order) -> Answer:
        if self.account_refused:
            return broken("AZURE_DENIED", "it needs a role with Microsoft.DocumentDB/databaseAccounts/read")
        return passed(**self.account)

    def _read_stage_plan(self, order: Order) -> Answer:
        stages = self.of(order["promotion"]).rows["promotion"]["doc"]["frozen_plan"]["stages"]
        return passed(plan=next(stage for stage in stages if stage["name"] == order["stage"]))

    def _survey_targets(self, order: Order) -> Answer:
        if self.unreadable:
            return broken("AZURE_DENIED", "the identity may not read the site")
        sites = {}
        for target in order["targets"]:
            site = self._site(target)
            sites[target["name"]] = {
                "production": f"http://{target['name']}",
                "idle": f"http://{target['name']}-idle",
                "previous": self._answer_of(target["name"], site.live),
                "idle_was": "" if site.idle_stopped else self._answer_of(target["name"], site.idle),
            }
        same = {
            name for name, brings in order.get("brings", {}).items() if sites[name]["previous"] == brings["version"]
        }
        return passed(sites=sites, fence=self.fence, reused=sorted(same & self.reused))

    def _deploy(self, order: Order) -> Answer:
        self.claims[order["target"]["name"]] = max(self.claims[order["target"]["name"]], order["fence"])
        packages = self.deployed.setdefault(order["target"]["name"], [])
        packages += [order["package"]] if order["package"] not in packages else []

        def effect() -> Answer:
            if order["version"] in self.crashing:
                return failed("DEPLOYMENT_FAILED", "the container exited with 1", "Traceback ...")
            self._site(order["target"]).idle = order["version"]
            self._site(order["target"]).idle_stopped = False
            return passed()

        return self._operation(order, effect)

    def _swap(self, order: Order) -> Answer:
        def effect() -> Answer:
            site = self._site(order["target"])
            if self.swap_back_fails and order["operation"].split(":")[-2].startswith("swap-back"):
                self.swap_back_fails -= 1
                return failed("SWAP_FAILED", "Azure refused the swap")
            wanted, name = order["version"], order["target"]["name"]
            if site.live == wanted and self._answer_of(name, wanted):
                return passed(already=True)
            if self._answer_of(name, site.idle) != wanted:
                return broken("IDLE_SILENT", f"the idle side of {name} does not answer {wanted}, so it is not swapped")
            site.live, site.idle = site.idle, site.live
            return passed()

        return self._operation(order, effect)

    def _stop_idle(self, order: Order) -> Answer:
        self._site(order["target"]).idle_stopped = True
        self.effects[order["operation"]] += 1
        return passed()

    def _start_idle(self, order: Order) -> Answer:
        site = self._site(order["target"])
        if site.live != order["live"]:
            return broken("NOT_LIVE", f"{site.live} answers, not {order['live']}")
        if site.idle_stopped:
            site.idle_stopped = False
            return running({}, 2.0, "the slot was stopped; started")
        if site.idle != order["version"]:
            return broken("NOTHING_TO_RETURN_TO", f"the idle side holds {site.idle}, not {order['version']}")
        return passed()

    def _stop_old_side(self, order: Order) -> Answer:
        site, name = self._site(order["target"]), order["target"]["name"]
        if order["fence"] < self.claims[name]:
            return Answer(Outcome.CANCELLED, code="FENCED", words=f"{name} was written to under a newer fence")
        if site.idle_stopped:
            return passed(f"{name} is stopped", stopped=True)
        if (site.live, site.idle) != (order["live"], order["version"]):
            return passed(f"{name} holds {site.idle}, and is left as it is", stopped=False)
        site.idle_stopped = True
        self.effects[order["operation"]] += 1
        return passed(f"{name} is stopped", stopped=True)

    def _look_after_switch(self, order: Order) -> Answer:
        return passed(signals=self.speaks)

    def _look_at_live(self, order: Order) -> Answer:
        if self.blips > 0:
            self.blips -= 1
            return passed(well=[])
        versions = order.get("versions", {})
        answers = {
            name: self._check_health({**order, "address": at, "version": versions.get(name, order["version"])})
            for name, at in order["addresses"].items()
        }
        return passed(well=[name for name, answer in answers.items() if answer.outcome == Outcome.PASSED])

    def _check_health(self, order: Order) -> Answer:
        if self.broken_checks:
            return broken("AZURE_UNAVAILABLE", "the probe itself could not be run")
        sick = self.sick_idle if order["address"].endswith("-idle") else self.sick_live
        if order["version"] in sick:
            return failed("UNHEALTHY", f"{order['version']} answers 503")
        name = order["address"].removeprefix("http://").removesuffix("-idle")
        if name in self.down:
            return broken("TARGET_SILENT", f"neither side of {name} answers")
        site = self.sites[name]
        is_idle = order["address"].endswith("-idle")
        seen, other = (self._answer_of(name, each) for each in ((site.idle, site.live)[:: 1 if is_idle else -1]))
        if not (seen or other):
            return broken("TARGET_SILENT", f"neither side of {name} answers")
        if seen != order["version"]:
            return failed("UNHEALTHY", f"{seen or 'nothing'} answers, not {order['version']}")
        return passed()

    def _answer_of(self, target: str, version: str) -> str:
        """What a side with that version answers."""
        return "" if target in self.down or self.dead & {version, f"{target} {version}"} else version

    def _drive_load(self, order: Order) -> Answer:
        name = order["url"].removeprefix("http://").partition("-idle")[0]
        sent = round(order["rate_per_s"] * order["duration_s"])
        errors = sent // 5 if self.sites[name].idle in self.bad_load else 0
        histogram = LatencyHistogram()
        late = self.late_driver_times > 0
        self.late_driver_times -= late
        lag = 50.0 if late else 1.0
        histogram.record(self.latency_ms.get(self.sites[name].idle, 12.0) + lag * 10, sent)
        measured = LoadMeasurement(sent, sent, errors, lag, histogram, order["duration_s"])
        return passed(f"{sent} requests sent", **measured.dump())

    def _run_load_test(self, order: Order) -> Answer:
        """As the activity does it: one that runs is stopped by an abort, which needs no other answer."""
        if self.of(order["promotion"]).aborted:
            self.stopped_runs.append(order["operation"])
            return cancelled()
        left = (order.get("handle") or {}).get("left", self.polls)
        if left:
            return running({"left": left - 1}, 15.0, "the run is EXECUTING")
        self.effects[order["operation"]] += 1
        if self.failing_runs:
            self.failing_runs -= 1
            return broken("LOAD_RUN_FAILED", "Azure could not carry the run to its end: the quota is used up")
        version = self.sites[order["address"].removeprefix("http://").partition("-idle")[0]].idle
        return passed(**a_load_run(self.latency_ms.get(version, 22.0), version in self.bad_load).dump())

    def _operation(self, order: Order, effect: Callable[[], Answer]) -> Answer:
        """As an activity with receipts, where these are kept: what has ended is answered the same again."""
        answer = self.receipts.get(order["operation"]) or self._carried_on(order, effect)
        if self.keeps_receipts and not answer.running:
            self.receipts[order["operation"]] = answer
        return answer

    def _carried_on(self, order: Order, effect: Callable[[], Answer]) -> Answer:
        """An operation that takes `polls` polls; its effect comes with the last one, once."""
        if order["target"]["name"] in self.stuck | self.down:
            return running({"left": 1}, 5.0, "under way")
        left = (order.get("handle") or {}).get("left", self.polls)
        if left:
            return running({"left": left - 1}, 5.0)
        self.effects[order["operation"]] += 1
        return effect()

    def _site(self, target: Order) -> Sides:
        return self.sites[target["name"]]


def a_load_run(ms: float, bad: bool = False) -> RunMeasurement:
    """A run of four minutes at 50 requests a second, each answered in `ms`; of a bad release one in five fails, which
    the test's own criteria do not allow."""
    requests, errors = (250.0,) * 48, (50.0 if bad else 0.0,) * 48
    course = Course(5.0, requests, errors, (ms,) * 48, (ms,) * 48)
    total = {"requests": 12_000, "errors": 2400 if bad else 0, "criteria": FAILED if bad else PASSED}
    latencies = dict.fromkeys(("mean_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms"), ms)
    return RunMeasurement("a-run", **total, **latencies, users=50, engines=1, course=course)  # type: ignore[arg-type]


def an_account(write: str = "westeurope", **others: str) -> dict[str, Any]:
    """A Cosmos DB account in two regions, `others` with their states."""
    locations = {"northeurope": "Succeeded", "westeurope": "Succeeded", **others}
    return {"locations": locations, "write": [write], "state": "Succeeded"}
