"""What is known of one kind of target."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TargetKind:
    """A place that a release is deployed to.

    `resource_type` is its type in Azure and `resource_name` a pattern for its name there; `called` is what people call
    such a resource. A release is made of the `artifacts` (keys of the pipeline's `artifact`), and may be of
    `more_artifacts` beside them: together they are one unit. `sections` are the keys of a target of this kind that
    describe it further, `must` those that it cannot be without. `idle` says in words where a release stands before it
    goes live, `goes_live` what happens to the targets named after it when it does, and `way_back` how the previous one
    returns; to so many earlier releases it `returns_to`.

    A kind that is `swapped` has two sides that change places: the previous release is then on the side that the new one
    came from, and the next deployment goes over it. Where a deployment goes over the older side without that it
    `overwrites`. What does not `answer` has no address: nothing can be probed or loaded there, and only reading says
    what is live. One that `tells_packages` knows with which package it serves a version. Where a deployment that was
    given up `comes_late` perhaps, the stop of the idle side withdraws it. What is `planned` is no place where code
    runs: a deployment there only shows what would change, and the switch changes exactly that. Its adapter fetches the
    artifact of whichever release it makes live by itself, so the artifact's address travels with the target. `actions`
    are those of Azure that whoever deploys there needs, where no router has them.
    """

    kind: str
    resource_type: str
    resource_name: str
    called: str
    artifacts: tuple[str, ...]
    idle: str
    goes_live: str
    way_back: str
    more_artifacts: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    must: tuple[str, ...] = ()
    returns_to: int = 1
    slots: bool = False
    swapped: bool = False
    overwrites: bool = False
    answers: bool = True
    tells_packages: bool = False
    comes_late: bool = False
    planned: bool = False
    actions: tuple[str, ...] = ()
