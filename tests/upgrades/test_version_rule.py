"""One version of the orchestrators, in one place, told to the runtime by host.json."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from slipway.promotion.approval import Vote
from slipway.promotion.consent import Consent, Voter
from slipway.promotion.lock import empty
from slipway.promotion.orchestration_version import began_before, numbers
from slipway.promotion.outcomes import Answer, iso, passed
from slipway.promotion.plan import Header, LoadTest
from slipway.promotion.promotion_run import PromotionRun
from slipway.promotion.release_parts.before import Before
from slipway.promotion.release_parts.configuration import KeptConfiguration
from slipway.promotion.release_parts.flag_wish import ChangedFlag
from slipway.promotion.seal import Seal
from slipway.promotion.stage_parts import Site, Step
from slipway.promotion.stage_run import StageRun
from slipway.promotion.watch_run import WatchRun
from tests.promotion.builders import ALICE, NOON, a_build, a_policy, a_stage, a_vote
from tests.upgrades.replaying import finding_of
from tests.upgrades.stored import Batch, batches
from tests.workflow.test_ramp import PLAN
from tests.workflow.virtual import a_run, app_code
from triggers.version import orchestrations_version

ROOT = Path(__file__).parents[2]


def test_the_runtime_is_told_to_leave_newer_ones_alone() -> None:
    durable = json.loads((ROOT / "host.json").read_text())["extensions"]["durableTask"]
    told = {key: durable[key] for key in ("versionMatchStrategy", "versionFailureStrategy")}
    assert told == {"versionMatchStrategy": "CurrentOrOlder", "versionFailureStrategy": "Reject"}


def test_it_is_a_release_of_slipway_or_the_one_that_is_in_the_making() -> None:
    slipway = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert numbers(orchestrations_version()) <= numbers(slipway)


def test_who_began_before_versions_or_in_an_older_one_goes_on_as_it_was() -> None:
    assert [began_before(each, "0.10.0") for each in (None, "0.9.0", "0.10.0", "0.11.0")] == [True, True, False, False]


@pytest.mark.parametrize("version", ["1", "1.0", "1.0.0.0", "v1.0.0", "1.0.0-beta", ""])
def test_other_forms_are_refused_because_the_runtime_compares_them_in_another_way(version: str) -> None:
    with pytest.raises(ValueError, match="three numbers"):
        began_before(version, "0.1.0")


# What a newer package has written is read by an older one: without what it does not know.


FREE = {
    "policies",
    "consents",
    "gate_answers",
    "evidence",
    "watched",
    "flag",
    "sites",
    "replaced",
    "handle",
    "result",
    "members",
    "member_locks",
    "schema",
    "database",
    "settings",
    "pins",
    "pinning",
}  # their keys are names, not fields


def newer(value: Any, name: str = "") -> Any:
    """The JSON with a field more in every object that is one of ours."""
    if isinstance(value, dict):
        more = {} if name in FREE else {"new_since": "0.9.9"}
        return {**{key: newer(each, key) for key, each in value.items()}, **more}
    return [newer(each) for each in value] if isinstance(value, list) else value


RUN = a_run(a_build(), a_stage(approval=a_policy(), loads=(LoadTest("peak", 1, 1, "/", headers=(Header("a", "b"),)),),
            canary=PLAN))  # fmt: skip
STAGE = StageRun(
    "p",
    "p:dev",
    RUN.plan.stages[0],
    a_build(),
    "zip",
    sites={"weu": Site("a", "b", "1", "0")},
    steps=(Step("s", "weu", "o"),),
    before=Before("0.9.0", KeptConfiguration("0.9.0", "*", "shop-0.9.0")),
    changed_flags=(ChangedFlag("banner", "eu", "off", "on for everybody", "p:dev"),),
    consents={"start": Consent(iso(NOON), Seal(build="b"), (Voter("oid-a", "Ann", ("role:qa",)),))},
)


@pytest.mark.parametrize(
    "kept",
    [
        RUN,
        STAGE,
        WatchRun(STAGE, "p:dev:watch", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
        passed("well"),
        a_vote(ALICE),
        a_build(),
    ],
    ids=lambda kept: type(kept).__name__,
)
def test_a_field_that_a_newer_package_has_added_is_no_reason_to_stop(kept: PromotionRun | Vote | Answer) -> None:
    written = json.loads(json.dumps(kept.dump()))
    assert json.loads(json.dumps(type(kept).load(newer(written)).dump())) == written


def test_a_lock_from_before_a_field_was_added_gets_it_and_answers() -> None:
    old = {name: value for name, value in empty().items() if name not in ("releases", "intents", "watch", "rejected")}
    asked = (each for each in batches() if (each.entity, each.body["batch"][0]["name"]) == ("environment", "acquire"))
    batch = next(asked)
    before = Batch("by hand", batch.entity, {**batch.body, "exists": True, "state": json.dumps(old)})
    assert finding_of(app_code(), before) is None
