"""The ledger of states: nothing hangs, the audit is whole, the read model is true, no process is left."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from slipway.promotion.audit import verify
from slipway.promotion.intents import in_force
from slipway.promotion.outcomes import iso
from tests.chaos.evidence import Evidence, Row
from tests.chaos.people import Deed
from tests.chaos.promises import Broken

READ_BY_NOBODY = ("builds-rejected", "promotions/Subscriptions/audit")


def broken_about_state(evidence: Evidence, deeds: Iterable[Deed]) -> Iterator[Broken]:
    """What every part says of itself after the end, held against the others."""
    yield from _locks(evidence)
    yield from _queues(evidence)
    yield from _audit(evidence)
    yield from _deeds(evidence, deeds)
    yield from _read_model(evidence)
    yield from _events(evidence)


def _locks(evidence: Evidence) -> Iterator[Broken]:
    for id, state in evidence.entities.items():
        if state is None:  # it was asked, and keeps nothing
            continue
        if id.startswith("@decisions@"):
            if not state["ended"] or state["waiters"]:
                yield Broken(f"{id}: ended {state['ended']!r}, waiters {state['waiters']}")
            continue
        for what in ("holder", "queue", "announced"):
            if state[what]:
                yield Broken(f"{id} has a {what}: {state[what]}")
        if said := in_force(state, iso(datetime.now(UTC))):  # those of before keep nobody out
            yield Broken(f"{id} has intents: {said}")
        if state["broken"] and not state["broken"].get("words"):
            yield Broken(f"{id} is broken without a word")
    for id, instance in evidence.instances.items():
        if instance["status"] != "Completed":
            yield Broken(f"{instance['name']} {id} is {instance['status']}: {instance['output']}", id.partition(":")[0])


def _queues(evidence: Evidence) -> Iterator[Broken]:
    for queue, count in evidence.waiting.items():
        yield Broken(f"{count} messages lie on {queue}")


def _audit(evidence: Evidence) -> Iterator[Broken]:
    for chain, lines in evidence.audit.items():
        if broken_line := verify(lines):
            yield Broken(f"the audit chain {chain} is not whole from line {broken_line} on", chain)
        for id, times in Counter(record["id"] for record in evidence.records(chain)).items():
            if times > 1:
                yield Broken(f"the record {id} is in the audit {times} times", chain)
    for (promotion, key), row in evidence.rows("promotions").items():
        if key != "promotion":
            continue
        actions = [record["action"] for record in evidence.records(promotion)]
        end = f"promotion.{row['doc']['state'].replace(' ', '-')}"
        for action in ("promotion.started", end):
            if actions.count(action) != 1:
                yield Broken(f"{action} is in its audit {actions.count(action)} times", promotion)


def _deeds(evidence: Evidence, deeds: Iterable[Deed]) -> Iterator[Broken]:
    """What a person said and the API took is on record."""
    for deed in deeds:
        kind = "approval" if deed.command in ("approve", "reject") else "command"
        said = [each["id"] for each in evidence.records(deed.promotion) if f":{deed.key}:" in each["id"]]
        if deed.taken and not any(id.startswith(f"{kind}:") for id in said):
            yield Broken(f"{deed.command} was answered {deed.status} and is not in the audit", deed.promotion)


def _read_model(evidence: Evidence) -> Iterator[Broken]:
    for (environment, service), row in evidence.rows("environments").items():
        state = evidence.entities.get(f"@environment@{environment}--{service}")
        if state is None or row["doc"] != state:
            yield Broken(f"the copy of the lock of {service} in {environment} is old: {_difference(row['doc'], state)}")
    for (promotion, key), row in evidence.rows("promotions").items():
        if key == "promotion":
            instance = evidence.instances.get(promotion)
            if instance and row["doc"]["state"] not in (instance["output"] or ""):
                yield Broken(f"its row says {row['doc']['state']}, its run {instance['output']}", promotion)
        if key.startswith("stage:"):
            decided = evidence.entities.get(f"@decisions@{promotion}", {}).get("stages", {})
            told = decided.get(key.removeprefix("stage:"), {}).get("outcome")
            if told != row["doc"]["state"] and row["doc"]["state"] != "rolled back":
                yield Broken(f"{key} is {row['doc']['state']} in the read model, {told} in the decisions", promotion)


def _difference(copy: Row, state: Row | None) -> str:
    there = state or {}
    return ", ".join(f"{key} {copy.get(key)!r} is {there.get(key)!r}" for key in copy if copy[key] != there.get(key))


def _events(evidence: Evidence) -> Iterator[Broken]:
    """Every record of a promotion's begin and end went out as an event, at least once."""
    told = {event["id"] for event in evidence.events}
    for chain in evidence.audit:
        for record in evidence.records(chain):
            if record["actor"] == "slipway" and record["action"] != "build.rejected" and record["id"] not in told:
                yield Broken(f"the event of {record['id']} ({record['action']}) never came", chain)


def orphans(state: Path, pids: Iterable[int]) -> Iterator[Broken]:
    """Processes that still speak of the run's folder, and those of its own that are not gone."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has just ended
        if str(state) in command and "slipway.local" in command:
            known = "one of ours" if int(entry.name) in set(pids) else "a child of one"
            yield Broken(f"process {entry.name} is left, {known}: {command[:200]}")
