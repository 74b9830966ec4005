"""How the targets of a stage belong together: the order of their switch, whose they are, what is deployed there."""

from collections.abc import Mapping, Sequence

from slipway.promotion.groups import GroupPlan
from slipway.promotion.pipeline.graph import levels_of
from slipway.promotion.pipeline.models import Artifact, Pipeline, Stage, Target


def group_of(stage: Stage, pipeline: Pipeline) -> GroupPlan | None:
    """The group of a stage whose targets come in an order, are of several services, or unlike; None for any other."""
    targets = stage.targets or []
    before = members_before({name: member.after for name, member in pipeline.members.items()})
    levels = levels_of(targets_before(targets, before))
    members = {target.name: target.member for target in targets if target.member}
    packages = {target.name: address for target in targets if (address := _package(target, pipeline))}
    if len(levels) < 2 and not members and not packages:
        return None
    return GroupPlan(levels if len(levels) > 1 else (), members, packages)


def members_before(after: Mapping[str, Sequence[str]]) -> dict[str, set[str]]:
    """For each member all those that come before it, directly or through others, a circle's own among them."""
    found = {}
    for member in after:
        before, look_at = set[str](), list(after[member])
        while look_at:
            each = look_at.pop()
            if each not in before:
                before.add(each)
                look_at += after.get(each, ())
        found[member] = before
    return found


def targets_before(targets: Sequence[Target], members: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """For each target of a stage those that are switched before it: that it names, or whose members come before its."""
    found = {}
    for target in targets:
        earlier = members.get(target.member or "", set())
        found[target.name] = [*target.after, *(each.name for each in targets if each.member in earlier)]
    return found


def _package(target: Target, pipeline: Pipeline) -> str:
    """The address of a target's artifact where it is not simply the pipeline's."""
    if target.member:
        return pipeline.members[target.member].artifact.address_for(target.kind)
    address = _of(pipeline.artifact, target.kind)
    return address if pipeline.artifact and address != pipeline.artifact.address else ""


def _of(artifact: Artifact | None, kind: str) -> str:
    return artifact.address_for(kind) if artifact else ""
