"""A stage's Front Door in a plan: where it stands, what must be so there, who is let in first, how the ramp ends."""

from collections.abc import Iterator

from slipway.cli.times import rounded
from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.front_door import LEAST_LATENCY_WINDOW_MS
from slipway.promotion.kinds.front_door import FRONT_DOOR


def front_door_lines(canary: CanaryPlan) -> Iterator[str]:
    """Nothing where there is none."""
    front_door = canary.front_door
    if front_door is None:
        return
    origins = f"{front_door.live} (live) and {front_door.idle} (idle)"
    yield f"users ask {front_door.endpoint}; weights of the origins {origins} of {front_door.where}, one change a step"
    yield f"nothing else stands there: what {front_door.endpoint} answers must be this stage's, or ring's, alone"
    yield (
        f"begins only where the group's additionalLatencyInMilliseconds is {LEAST_LATENCY_WINDOW_MS} or more, both "
        "have one priority, and session affinity is off"
    )
    testers = front_door.testers
    if testers is not None:
        where = f"origin group {testers.origin_group} by a rule in {testers.rule_set}"
        yield f"testers first: {testers.words} to the {where}; the release is verified through it"
    yield (
        f"at the end all users return to {front_door.live}, {rounded(canary.settle_s)} later the slots are swapped: "
        "a swap restarts the slot"
    )


def rights_words() -> str:
    """What Slipway's identity needs there."""
    actions = "".join(f"\n   {action}" for action in FRONT_DOOR.actions)
    return f"On the profile of every Front Door Slipway's identity needs{actions}"
