"""Which pipeline takes the builds of an origin: what `builds` claims, or what goes by the service's own name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from slipway.promotion.build import Build
from slipway.promotion.errors import BuildRejected, NotABuild
from slipway.promotion.matching import branch_matches
from slipway.promotion.reported import AZURE_DEVOPS, CALLED, GITHUB, REGISTRY, Origin, ReportedBuild

USUAL_WORKFLOWS = ("ci.yml", "ci.yaml")
_PARTS_OF_A_REPOSITORY = ("workflow", "package")  # GitHub sends the events of all of them, wanted or not
MOVING = "latest"


@dataclass(frozen=True)
class Claim:
    """That the builds of an origin are a service's: each field of `named` is what the origin goes by. `version` and
    `branch` are what the pipeline says of them, `tags` which tags it takes; empty where it says nothing."""

    system: str
    named: tuple[tuple[str, str], ...]
    version: str = ""
    branch: str = ""
    tags: str = ""

    def is_of(self, origin: Origin) -> bool:
        return self.system == origin.system and all(origin.goes_by(field, value) for field, value in self.named)

    def is_around(self, origin: Origin) -> bool:
        """Whether it is of the same repository, but of another workflow or package."""
        wider = [(field, value) for field, value in self.named if field not in _PARTS_OF_A_REPOSITORY]
        same = all(origin.goes_by(field, value) for field, value in wider)
        return self.system == origin.system and len(wider) < len(self.named) and bool(wider) and same

    def overlaps(self, other: "Claim") -> bool:
        """Whether one origin could be both's."""
        theirs = dict(other.named)
        if self.system != other.system:
            return False
        if self.system == GITHUB and {"workflow", "package"} <= {*dict(self.named), *theirs}:
            return False  # an event is of the one or of the other
        return all(value.casefold() == theirs.get(field, value).casefold() for field, value in self.named)

    def __str__(self) -> str:
        words = [f"{field.removesuffix('-name')} {value}" for field, value in self.named]
        words += [f"tags {self.tags}"] if self.tags else []
        words += [f"as {self.version}"] if self.version else []
        return f"{CALLED[self.system]}: {', '.join(words)}"


Claims = Mapping[str, tuple[Claim, ...]]  # by service


def usual_claims(service: str) -> tuple[Claim, ...]:
    """Those of a pipeline that says nothing: a definition, repository or image of the service's own name."""
    return (
        Claim(AZURE_DEVOPS, (("definition", service),)),
        *(Claim(GITHUB, (("repository-name", service), ("workflow", file))) for file in USUAL_WORKFLOWS),
        Claim(REGISTRY, (("repository-name", service),)),
    )


def claimed(reported: ReportedBuild, claims: Claims, services: tuple[str, ...]) -> Build:
    """The build, as the one service's that claims its origin; `services` have pipelines that claim nothing.

    Raises BuildRejected: UNKNOWN_SERVICE when nobody does, CLAIMED_TWICE when two do, and what `ReportedBuild.build`
    raises. Raises NotABuild: OTHER_WORKFLOW, TAG_NOT_PROMOTED.
    """
    origin = reported.origin
    usual = {service: usual_claims(service) for service in services}
    found = list(_of(origin, claims)) or list(_of(origin, usual))
    if not found:
        if any(claim.is_around(origin) for each in (claims, usual) for those in each.values() for claim in those):
            words = f"{origin}: the pipelines take other workflows of this repository"
            raise NotABuild(origin.system, "OTHER_WORKFLOW", words)
        raise BuildRejected("UNKNOWN_SERVICE", f"no pipeline takes the builds of {origin}; name it in `builds` of one")
    if len({service for service, _ in found}) > 1:
        both = " and ".join(dict.fromkeys(service for service, _ in found))
        raise BuildRejected("CLAIMED_TWICE", f"{origin}: claimed by the pipelines of {both}; one of them must let go")
    return _first_that_fits(reported, found[0][0], [claim for _, claim in found])


def claimed_twice(claims: Claims) -> Iterator[tuple[str, str, Claim]]:
    """Each later service whose claim overlaps an earlier one's: earlier, later, the later one's claim."""
    for (earlier, those), (later, these) in combinations(claims.items(), 2):
        for claim in these:
            if any(claim.overlaps(other) for other in those):
                yield earlier, later, claim


def _of(origin: Origin, claims: Claims) -> Iterator[tuple[str, Claim]]:
    return ((service, claim) for service, those in claims.items() for claim in those if claim.is_of(origin))


def _first_that_fits(reported: ReportedBuild, service: str, claims: list[Claim]) -> Build:
    """The build as the first of the service's claims has it that takes its tag and can say its version and branch.
    Where none can, raises what the first one says that takes its tag."""
    refusals = []
    for claim in _of_its_tag(reported, claims):
        try:
            return reported.build(service, claim.version, claim.branch)
        except BuildRejected as refusal:
            refusals.append(refusal)
    raise refusals[0]


def _of_its_tag(reported: ReportedBuild, claims: list[Claim]) -> list[Claim]:
    tag, system = reported.parts.get("tag", ""), reported.origin.system
    if not (system == REGISTRY or (system == GITHUB and "package" in reported.origin.named)):
        return claims
    fitting = [each for each in claims if tag != MOVING and branch_matches(each.tags or "**", tag)]
    if not fitting:
        tags = " or ".join(dict.fromkeys(filter(None, (each.tags for each in claims))))
        wanted = f"the pipeline takes {tags}" if tags else "it names another image each time"
        raise NotABuild(system, "TAG_NOT_PROMOTED", f"{reported.origin}: the tag {tag} is not promoted; {wanted}")
    return fitting
