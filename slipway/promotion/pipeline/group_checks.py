"""What groups ask of a pipeline: members that exist and have targets, an order with a beginning, a rollout for all.

And no configuration: its label has one version, that of the group, while members read their settings by their own. Nor
a database: which of its versions a member runs on only the member's own builds declare.
"""

from typing import Any

from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.graph import cycles
from slipway.promotion.pipeline.grouping import members_before
from slipway.promotion.pipeline.placed import Placed, mappings, rings_of, stages_in, targets_of
from slipway.promotion.pipeline.positions import Document, Path

Members = dict[str, dict[str, Any]]
UNKNOWN = ""


def check_groups(document: Document) -> None:
    """Report pipelines with neither an artifact nor members, or both; members that nobody knows, that have no target,
    or are the group itself; orders that wait for themselves; rollouts, configurations and databases that are not for
    groups."""
    data = document.data
    if "artifact" not in data and "members" not in data:
        document.report("MISSING_KEY", 'a pipeline needs "artifact"', ())
    if "artifact" in data and "members" in data:
        words = "each member of a group has an artifact of its own, and the group has none"
        document.report("CONFLICTING_KEYS", words, ("artifact",), key=True)
    written = data.get("members")
    members = {name: each for name, each in written.items() if isinstance(each, dict)} if _is(written) else {}
    if written == {}:
        document.report("TOO_FEW", '"members" is empty; it needs at least 1', ("members",))
        return
    _check_members(document, members)
    used = set[str]()
    _check_configuration(document, (), data, grouped=bool(members))
    for path, stage in stages_in(document):
        for placed in _placed_together(path, stage):
            _check_order(document, placed, members)
        for place, target in targets_of(path, stage):
            used.add(str(target.get("member", UNKNOWN)))
            _check_target(document, place, target, members, grouped="members" in data)
        _check_rollout(document, path, stage, grouped=bool(members))
        _check_configuration(document, path, stage, grouped=bool(members))
        _check_database(document, path, stage, grouped=bool(members))
    for name in members if used <= members.keys() else ():  # else it may be that one which was meant
        if name not in used and name != data.get("service"):
            words = f"the member {quoted(name)} has no target in any stage"
            document.report("UNUSED_MEMBER", words, ("members", name), key=True)


def _is(written: object) -> bool:
    return isinstance(written, dict)


def _check_members(document: Document, members: Members) -> None:
    service = document.data.get("service")
    if isinstance(service, str) and service in members:
        words = f"{quoted(service)} is the group itself, whose lock and ledger are its own; give it another name"
        document.report("DUPLICATE_NAME", words, ("members", service), key=True)
    for name, member in members.items():
        for index, other in enumerate(_texts(member.get("after"))):
            if other not in members:
                at: Path = ("members", name, "after", index)
                words = f"there is no member {quoted(other)}"
                document.report("UNKNOWN_MEMBER", words, at, like=(other, [each for each in members if each != name]))
    for cycle in cycles({name: _known(member, members) for name, member in members.items()}):
        words = f"these members come after each other: {' → '.join([*cycle, cycle[0]])}"
        document.report("CYCLE", words, ("members", cycle[0], "after"))


def _check_target(document: Document, path: Path, target: dict[str, Any], members: Members, grouped: bool) -> None:
    member = target.get("member")
    if grouped and "member" not in target:
        document.report("MISSING_KEY", 'a target of a group needs "member": which of them it serves', path)
    elif not grouped and "member" in target:
        words = "this pipeline has no members: it is not that of a group"
        document.report("CONFLICTING_KEYS", words, (*path, "member"), key=True)
    elif grouped and isinstance(member, str) and member not in members:
        words = f"there is no member {quoted(member)}"
        document.report("UNKNOWN_MEMBER", words, (*path, "member"), like=(member, members))


def _placed_together(path: Path, stage: dict[str, Any]) -> list[Placed]:
    """The targets of a stage, or of each of its rings: those that can name each other."""
    groups = [(path, stage), *rings_of(path, stage)]
    return [mappings(each.get("targets"), (*at, "targets")) for at, each in groups]


def _check_order(document: Document, targets: Placed, members: Members) -> None:
    paths: dict[str, Path] = {}
    for path, target in targets:
        if isinstance(target.get("name"), str):
            paths.setdefault(target["name"], path)
    earlier = members_before({name: _known(member, members) for name, member in members.items()})
    after: dict[str, list[str]] = {}
    for path, target in targets:
        named = _texts(target.get("after"))
        for index, other in enumerate(named):
            if other not in paths:
                words = f"there is no target {quoted(other)} beside it"
                others = [name for name in paths if name != target.get("name")]
                document.report("UNKNOWN_TARGET", words, (*path, "after", index), like=(other, others))
        if isinstance(target.get("name"), str):
            before = earlier.get(str(target.get("member")), set())
            by_member = [str(each["name"]) for _, each in targets if each.get("member") in before and "name" in each]
            after[target["name"]] = [name for name in [*named, *by_member] if name in paths]
    if any(name in before for name, before in earlier.items()):
        return  # a circle of members is reported as such
    for cycle in cycles(after):
        words = f"these targets come after each other: {' → '.join([*cycle, cycle[0]])}"
        document.report("CYCLE", words, (*paths[cycle[0]], "after"))


def _check_rollout(document: Document, path: Path, stage: dict[str, Any], grouped: bool) -> None:
    rollout = stage.get("rollout")
    strategies: dict[str, Any] = rollout if isinstance(rollout, dict) else {}
    if "canary" in strategies:
        for place, target in targets_of(path, stage):
            if target.get("after"):
                words = "a canary moves the traffic of all targets together, and knows no order"
                document.report("CONFLICTING_KEYS", words, (*place, "after"), key=True)
    if not grouped:
        return
    for strategy in ("canary", "flag"):
        if strategy in strategies:
            words = (
                f"a {strategy} divides the users of each member by itself, so that one request meets members of both "
                "releases in any mixture; switch a group all at once or blue-green, and ramp its members by themselves"
            )
            document.report("NOT_FOR_GROUPS", words, (*path, "rollout", strategy), key=True)
    switch = strategies.get("blue-green")
    if isinstance(switch, dict) and "telemetry" in switch:
        words = "a judge knows one release by one version, and each member has its own; its counters and alerts count"
        document.report("NOT_FOR_GROUPS", words, (*path, "rollout", "blue-green", "telemetry"), key=True)


def _check_configuration(document: Document, path: Path, holder: dict[str, Any], grouped: bool) -> None:
    if grouped and holder.get("configuration") is not None:
        words = (
            "{version} in its label would be the version of the group, and each member reads the settings of its own; "
            "put it into the members' own pipelines"
        )
        document.report("NOT_FOR_GROUPS", words, (*path, "configuration"), key=True)


def _check_database(document: Document, path: Path, stage: dict[str, Any], grouped: bool) -> None:
    if grouped and "migrate" in stage:
        words = (
            "a member's own release would know nothing of the group's database, nor the group of the member's: put it "
            "into the pipeline of the member that the database belongs to"
        )
        document.report("NOT_FOR_GROUPS", words, (*path, "migrate"), key=True)


def _known(member: dict[str, Any], members: Members) -> list[str]:
    return [other for other in _texts(member.get("after")) if other in members]


def _texts(written: object) -> list[str]:
    return [each for each in written if isinstance(each, str)] if isinstance(written, list) else []
