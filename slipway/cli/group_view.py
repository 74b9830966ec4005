"""A stage's group in a plan: whose locks it takes, what is deployed where, in which order its targets are switched."""

from collections.abc import Iterator

from slipway.cli.times import rounded
from slipway.promotion.plan import StagePlan, Target


def lock_words(stage: StagePlan, service: str) -> str:
    """`of production, waits at most 24 h`; of a group also whose locks, in the order in which they are taken."""
    if not stage.members:
        return f"of {stage.environment}, waits at most {rounded(stage.lock_within_s)}"
    locks = ", ".join(sorted({service, *stage.members}))
    return f"of {stage.environment}, of {locks}, one after the other, waits at most {rounded(stage.lock_within_s)}"


def deploy_words(stage: StagePlan, target: Target) -> str:
    """What is deployed where: of a group also whose it is, and its package."""
    site = target.resource.rsplit("/", 1)[-1]
    idle = f"slot {target.slot}" if target.slot else target.of_kind.idle
    words = f"{target.name}: {target.kind} {site}, {idle}{_deletes(target)}"
    if stage.group is None:
        return words
    member, package = stage.group.members.get(target.name, ""), stage.group.packages.get(target.name, "")
    words += f", of {member}" if member else ""
    return words + (f", from {package}" if package else "")


def _deletes(target: Target) -> str:
    """Whether a plan that deletes resources ends there; nothing of kinds that delete none."""
    said = next(
        (each["deletes"] for each in target.settings.values() if isinstance(each, dict) and "deletes" in each), ""
    )
    return {"refuse": ", refused if it deletes anything", "allow": ", which may delete resources"}.get(said, "")


def order_lines(stage: StagePlan) -> Iterator[str]:
    """In which order targets are switched; nothing where they all are at once, as one service's."""
    levels = [", ".join(target.name for target in level) for level in stage.levels]
    if len(levels) > 1:
        parts = f", of each {stage.max_parallel} at a time" if stage.max_parallel else ""
        yield f"in this order: {'; then '.join(levels)}{parts}; each verified live before the next, back in reverse"
    if stage.members:
        yield f"one verdict: whatever speaks against one of {', '.join(stage.members)} takes all back"
