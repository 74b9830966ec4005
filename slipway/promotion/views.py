"""What the API says of promotions and environments, from the rows of the read model. Pure."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from slipway.promotion import decision_state, lock
from slipway.promotion.approval import START
from slipway.promotion.approval_policy import ESCALATE_THEN, REJECT_THEN
from slipway.promotion.ids import child_id, stage_id
from slipway.promotion.intents import HOLD, in_force, is_to_come, record_of
from slipway.promotion.may_promote import Case, MayPromote, MemberAt
from slipway.promotion.outcomes import Outcome, moment
from slipway.promotion.overrides import shown as override_shown
from slipway.promotion.plan import StagePlan, load_stage
from slipway.promotion.precedence import explained
from slipway.promotion.quorum import in_words
from slipway.promotion.reach import reach_among
from slipway.promotion.stage_phases import LOCK, STATE_OF_PHASE
from slipway.promotion.trace import trace_id
from slipway.promotion.votes import asked_of, slots_of

Rows = dict[str, dict[str, Any]]
ENDS = set(Outcome)
PERSON_NEEDED = "waiting for approval"
NO_LOCKS: Mapping[tuple[str, str], dict[str, Any]] = MappingProxyType({})
NO_SERVICES: Mapping[str, dict[str, Any]] = MappingProxyType({})
PENDING = {"state": "pending", "waits_for": "", "since": "", "deadline": "", "started_at": "", "ended_at": ""}


def summary(rows: Rows) -> dict[str, Any]:
    """One line of a list. A running promotion in which some stage needs a person is `waiting`; one in which
    a stage failed has that stage's outcome, even while it may still be tried again."""
    row = rows["promotion"]
    state, waits_for = row["state"], ""
    if state == "running":
        waiting = [stage for stage in _stage_rows(rows) if stage["waits_for"]]
        failed = [stage for stage in waiting if stage["state"] in ENDS]
        needed = [stage for stage in waiting if stage["state"] == PERSON_NEEDED]
        state = failed[0]["state"] if failed else "waiting" if needed else state
        waits_for = "; ".join(f"{stage['name']}: {stage['waits_for']}" for stage in failed or needed or waiting)
    kept = ("id", "service", "version", "started_at", "ended_at", "author", "branch", "commit")
    return {**{key: row[key] for key in kept}, "state": state, "waits_for": waits_for}


def open_stages(rows: Rows, decisions: dict[str, Any]) -> list[StagePlan]:
    """The stages of a promotion to which something may still come: that are not over."""
    row = rows.get("promotion")
    if row is None or row["state"] != "running" or decisions.get("ended"):
        return []
    told = decisions.get("stages", {})
    stages = (load_stage(stage) for stage in row["frozen_plan"]["stages"])
    return [stage for stage in stages if not told.get(stage.name, {}).get("over")]


def cases(
    rows: Rows,
    decisions: dict[str, Any],
    locks: dict[str, dict[str, Any]],
    at: str,
    suspended: Collection[str] = (),
    members: Mapping[tuple[str, str], dict[str, Any]] = NO_LOCKS,
) -> list[Case]:
    """What is known of each open stage at the moment `at`; `locks` by environment, those that are there, `members` the
    locks of a group's, by environment and service; `suspended` orchestrations, if any."""
    row = rows.get("promotion", {})
    versions = row.get("build", {}).get("members", {})
    return [
        Case(
            stage=stage,
            service=row["service"],
            promotion=row["id"],
            version=row["version"],
            schema=row["build"].get("schema", {}),
            finished_at=row["build"]["finished_at"],
            received_at=row["received_at"],
            lock=locks.get(stage.environment) or lock.empty(),
            decisions=decisions or decision_state.empty(),
            at=at,
            lock_until="" if decisions.get("paused") else _lock_until(rows.get(f"stage:{stage.name}")),
            suspended=next((each for each in _instances(rows, stage.name) if each in suspended), ""),
            members=members_at(stage, versions, members),
            gates={each["name"]: each for each in rows.get(f"stage:{stage.name}", {}).get("gates", ())},
            hotfix=row["build"].get("hotfix", ""),
            others=dict(members),
        )
        for stage in open_stages(rows, decisions)
    ]


def members_at(
    stage: StagePlan, versions: Mapping[str, str], locks: Mapping[tuple[str, str], dict[str, Any]]
) -> dict[str, MemberAt]:
    """The members of a group that have a target in the stage, each at its lock."""
    found = {service: locks.get((stage.environment, service)) or lock.empty() for service in stage.members}
    return {service: MemberAt(versions.get(service, ""), state) for service, state in found.items()}


def _instances(rows: Rows, stage: str) -> tuple[str, str]:
    """The orchestrations that a stage needs: its own, and the promotion's."""
    promotion: str = rows["promotion"]["id"]
    row = rows.get(f"stage:{stage}")
    return row["instance"] if row else stage_id(promotion, stage), promotion


def _lock_until(row: dict[str, Any] | None) -> str:
    """When a stage that waits for the lock gives up."""
    return str(row["deadline"]) if row and row["state"] == STATE_OF_PHASE[LOCK] else ""


def detail(
    promotion: str,
    rows: Rows,
    decisions: dict[str, Any],
    runtimes: dict[str, str | None],
    may: dict[str, MayPromote],
) -> dict[str, Any]:
    """A promotion with its stages, in the order of its pipeline; `may` by stage, for those that are not over.

    One that was taken in and has not begun yet is `running` with no stages.
    """
    if "promotion" not in rows:
        begun = {"id": promotion, "service": rows["intake"]["service"], "state": "running", "stages": []}
        return {**begun, "version": "", "waits_for": "its start", "runtime": runtimes.get(promotion)}
    row = rows["promotion"]
    stages = [
        _stage(promotion, plan, rows.get(f"stage:{plan['name']}"), decisions, runtimes)
        | {"may_promote": may[plan["name"]].dump() if plan["name"] in may else None}
        | {"ramp": _ramp(rows.get(f"stage:{plan['name']}"), rows.get(f"ramp:{plan['name']}"))}
        for plan in row["plan"]
    ]
    kept = ("code", "words", "build", "pipeline_digest")
    open_failure = next((stage for stage in stages if stage["waits_for"] and stage["state"] in ENDS), None)
    reason = (
        {"code": open_failure["code"], "words": f"stage {open_failure['name']}: {open_failure['words']}"}
        if open_failure
        else {}
    )
    return {
        **summary(rows),
        **{key: row[key] for key in kept},
        "trace": trace_id(row.get("trace", "")),
        **reason,
        "paused": decisions.get("paused"),
        "aborted": decisions.get("aborted"),
        "runtime": runtimes.get(promotion),
        "stages": stages,
    }


def environments(rows: list[tuple[str, str, dict[str, Any]]], order: list[str], at: str) -> list[dict[str, Any]]:
    """Environments with their services, as they are at `at`: those of `order` first, in that order, then others by
    name."""
    beside: dict[str, dict[str, dict[str, Any]]] = {}
    for environment, service, state in rows:
        beside.setdefault(environment, {})[service] = state
    grouped: dict[str, list[dict[str, Any]]] = {}
    for environment, service, state in sorted(rows, key=lambda each: each[:2]):
        shown = environment_service(service, state, at, beside[environment])
        grouped.setdefault(environment, []).append(shown)
    names = [name for name in order if name in grouped] + [name for name in grouped if name not in order]
    return [{"environment": name, "services": grouped[name]} for name in names]


def environment_service(
    service: str, state: dict[str, Any], at: str, beside: Mapping[str, dict[str, Any]] = NO_SERVICES
) -> dict[str, Any]:
    """One service in one environment: live, previous, on its way, waiting, broken, holds in force at `at`, and the
    versions that were rejected there. `beside`: the states of all services there, of which a group goes back as one."""
    holder = state["holder"]
    shown = ("promotion", "version", "stage", "since")
    waits = ("waits_for", "until")
    return {
        "service": service,
        "live": state["live"],
        "previous": state["previous"],
        "on_its_way": {**{key: holder[key] for key in shown}, **{key: holder.get(key, "") for key in waits}}
        if holder
        else None,
        "waiting": [{key: entry[key] for key in ("promotion", "version")} for entry in state["queue"]],
        "broken": state["broken"],
        "holds": holds(state, at),
        "intents": [intent(each, at) for each in [*in_force(state, at), *_others(state, at)]],
        "rejected": list(state.get("rejected", ())),
        "reach": reach_among(state, beside).dump(),
        "database": state.get("schema"),
    }


def holds(state: dict[str, Any], at: str) -> list[dict[str, Any]]:
    """The holds in force at `at`; first the one that ends last."""
    kept = ("id", "by", "reason", "at", "expires_at")
    return [{key: each[key] for key in kept} for each in in_force(state, at) if each["kind"] == HOLD]


def intent(said: dict[str, Any], at: str) -> dict[str, Any]:
    """What a person said there, with its words, and how it stands at `at`."""
    begins = said["begins_at"] or said["at"]
    state = "lifted" if said["ended_at"] else "over"
    if is_to_come(said, at):
        state = "in force" if moment(begins) <= moment(at) else "to come"
    told = ("id", "kind", "by", "reason", "at", "expires_at", "version", "on_begin", "ended_at", "ended_by")
    return {**{key: said[key] for key in told}, "begins_at": begins, "but": list(said["but"]), "state": state} | {
        "words": explained(said)
    }


def _others(state: dict[str, Any], at: str) -> list[dict[str, Any]]:
    """What does not count at `at`: to come, over or lifted, the newest first."""
    counts = {each["id"] for each in in_force(state, at)}
    return [each for each in reversed(record_of(state)) if each["id"] not in counts]


def release(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry of the ledger, without what only its writers need."""
    return {key: value for key, value in entry.items() if key not in ("fence", "rev")}


def _stage(
    promotion: str,
    plan: dict[str, Any],
    row: dict[str, Any] | None,
    decisions: dict[str, Any],
    runtimes: dict[str, str | None],
) -> dict[str, Any]:
    name, instance = plan["name"], stage_id(promotion, plan["name"])
    if row is None:
        targets = [{"name": target, "address": "", "live": "", "idle": ""} for target in plan["targets"]]
        row = {
            **PENDING,
            "code": "",
            "words": "",
            "attempt": 1,
            "instance": instance,
            "targets": targets,
            "steps": [],
        }
        row["waits_for"] = f"stage {', '.join(plan['needs'])}" if plan["needs"] else ""
    return {
        **row,
        "name": name,
        "environment": plan["environment"],
        "ring": plan.get("ring", ""),
        "needs": plan["needs"],
        "targets": [{"preview": "", "member": "", "changes": "", **target} for target in row["targets"]],
        "runtime": runtimes.get(row["instance"]),
        "approval": _approval(decisions.get("stages", {}).get(name)),
        "gates": row.get("gates", []),
        "override": override_shown(decisions.get("stages", {}).get(name)),
    }


def _ramp(stage: dict[str, Any] | None, row: dict[str, Any] | None) -> dict[str, Any] | None:
    """How far the canary of the stage's present attempt is, and what the judge said last."""
    if stage is None or row is None or row["instance"] != child_id(stage["instance"], "ramp", str(stage["attempt"])):
        return None
    kept = ("ramp", "steps", "tick_s", "share", "tick", "began_at", "since", "deadline")
    verdict = {"code": "", "words": "", "missing_requests": 0, "missing_s": None}
    move = row.get("move") or {"code": "", "words": "", "calls": False}
    return {
        **{key: row[key] for key in kept},
        **{key: row["verdict"].get(key, verdict[key]) for key in verdict},
        **{"move": move["code"], "move_words": move["words"], "calls": move["calls"]},
        "notes": row.get("notes", ""),
        "flag": row.get("flag", ""),
        "comparison": row.get("comparison"),
    }


def _approval(stage: dict[str, Any] | None) -> dict[str, Any] | None:
    if stage is None or "policy" not in stage:
        return None
    votes = [
        {
            "name": vote["person"]["name"],
            "delegator": (vote.get("delegator") or {}).get("name", ""),
            "decision": vote["decision"],
            "at": vote["at"],
            "reason": vote["reason"],
            "seal": vote.get("seal", ""),
        }
        for vote in stage["votes"]
    ]
    asked = asked_of(stage)
    policy = asked.policy
    return {
        "gate": stage.get("gate", START),
        "approvers": list(asked.claims),
        "at_least": policy.needed,
        "not_author": policy.not_author,
        "asks": policy.asked,
        "comment": policy.comment,
        "deadline": stage["deadline"],
        "on_expiry": ESCALATE_THEN if policy.escalation and not asked.joined else REJECT_THEN,
        "escalated_at": stage.get("escalated_at", ""),
        "decision": stage["decision"],
        "votes": votes,
        "slots": slots_of(stage),
        "missing": "" if stage["decision"] else in_words(asked.missing),
        "seal": stage.get("seal"),
    }


def _stage_rows(rows: Rows) -> list[dict[str, Any]]:
    return [row for key, row in rows.items() if key.startswith("stage:")]
