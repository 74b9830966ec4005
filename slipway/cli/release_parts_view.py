"""Configuration and flags of a stage's release in a plan: what is fixed, what is switched, what a way back brings."""

from collections.abc import Iterator

from slipway.promotion.plan import StagePlan


def configuration_lines(stage: StagePlan) -> Iterator[str]:
    """Before anything is deployed."""
    plan = stage.configuration
    if plan is None:
        return
    place = plan.place("{service}", "{version}", stage.environment)
    yield f"settings {place.key_filter} with the label {place.label}, kept as snapshot {place.snapshot}"
    yield "refused without any, and when they are not those of an earlier stage any more"


def flag_wishes(stage: StagePlan) -> Iterator[str]:
    """Once the release is live."""
    for wish in stage.flags:
        yield f"{wish.where} {'on' if wish.on else 'off'} for everybody"


def brings_back(stage: StagePlan) -> Iterator[str]:
    """What comes back with the code, and what does not; nothing for a stage that has nothing beside code."""
    flags = [wish.where for wish in stage.flags]
    if stage.canary and stage.canary.flag:
        flags.insert(0, stage.canary.flag.where)
    if stage.configuration is None and not flags:
        return
    brings = ["code"] + (["configuration, by the label of its version"] if stage.configuration else [])
    brings += [f"flags as they were: {', '.join(flags)}"] if flags else []
    yield f"brings back {'; '.join(brings)}"
    left = ["what it changed in databases", *([] if stage.configuration else ["configuration: none is fixed"])]
    yield f"not {'; '.join(left)}" + ("; nor a flag that somebody else changed since" if flags else "")
