"""Whether a pipeline promotes a build at all."""

from typing import TYPE_CHECKING

from slipway.promotion.build import Build
from slipway.promotion.errors import BuildRejected, NotForPromotion

if TYPE_CHECKING:
    from slipway.promotion.pipeline import Pipeline


def check_for_promotion(build: Build, pipeline: "Pipeline") -> None:
    """Raises NotForPromotion: BUILD_NOT_SUCCEEDED for a build that CI does not call succeeded,
    BRANCH_NOT_PROMOTED for a branch outside the pipeline's `triggers.branches`."""
    check_result(build)
    check_branch(build, pipeline)


def check_result(build: Build) -> None:
    """Raises NotForPromotion BUILD_NOT_SUCCEEDED."""
    if build.result != "succeeded":
        words = f"{build.service} {build.version} is not promoted: CI says that the build {_ended(build.result)}"
        raise NotForPromotion("BUILD_NOT_SUCCEEDED", words)


def check_branch(build: Build, pipeline: "Pipeline") -> None:
    """Raises NotForPromotion BRANCH_NOT_PROMOTED; an artifact that a registry tells of has no branch."""
    branches = pipeline.triggers.branches
    if build.branch and not any(branch_matches(pattern, build.branch) for pattern in branches):
        named = f"{build.service} {build.version}"
        raise NotForPromotion(
            "BRANCH_NOT_PROMOTED",
            f'{named} was built from "{build.branch}"; the pipeline promotes only {", ".join(branches)}',
        )


def check_members(build: Build, pipeline: "Pipeline") -> None:
    """Raises BuildRejected: MEMBER_MISSING for a member of the group whose version the build does not name,
    MEMBER_UNKNOWN for one that the pipeline does not have, MEMBER_VERSION for one that it does not take; NOT_FOR_GROUPS
    where a group declares a schema."""
    named = f"{build.service} {build.version}"
    if pipeline.members and build.schema:
        words = f"{named} is of a group, which has no database of its own: its members' builds declare their schema"
        raise BuildRejected("NOT_FOR_GROUPS", words)
    if unknown := sorted(build.members.keys() - pipeline.members.keys()):
        known = f"its members are {', '.join(pipeline.members)}" if pipeline.members else "its pipeline has no members"
        raise BuildRejected("MEMBER_UNKNOWN", f"{named} names {', '.join(unknown)}; {known}")
    if missing := sorted(pipeline.members.keys() - build.members.keys()):
        raise BuildRejected("MEMBER_MISSING", f"{named} names no version of {', '.join(missing)}, and the group has it")
    for name, version in sorted(build.members.items()):
        pattern = pipeline.members[name].version
        if pattern and not branch_matches(pattern, version):
            words = f"{named} brings {name} {version}; the group takes {pattern}"
            raise BuildRejected("MEMBER_VERSION", words)


def branch_matches(pattern: str, branch: str) -> bool:
    """Whether `branch`, with or without `refs/heads/`, matches: `*` stays within one part between slashes,
    `**` crosses them, all else stands for itself, capitals included.

    Follows every position that the pattern can have reached at once, so no pattern is slow.
    """
    branch = branch.removeprefix("refs/heads/")
    reached = {0}
    for piece in _pieces(pattern):
        if piece == "**":
            reached = set(range(min(reached), len(branch) + 1))
        elif piece == "*":
            reached = {end for start in reached for end in _within_part(branch, start)}
        else:
            reached = {at + 1 for at in reached if branch[at : at + 1] == piece}
        if not reached:
            return False
    return len(branch) in reached


def _ended(result: str) -> str:
    return {"failed": "failed", "canceled": "was canceled"}.get(result, f"only {result.replace('-', ' ')}")


def _pieces(pattern: str) -> list[str]:
    """`release/**` as `r`, `e`, …, `/`, `**`."""
    return [piece for part in pattern.split("**") for piece in ("**", *part)][1:]


def _within_part(branch: str, start: int) -> range:
    """The positions from `start` to the end of the part that it is in."""
    end = branch.find("/", start)
    return range(start, (len(branch) if end < 0 else end) + 1)
