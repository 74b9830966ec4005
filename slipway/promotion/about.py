"""What a record is about: whose build, where, and what it came to there. It travels with the record into the events."""

from dataclasses import dataclass
from typing import Any

from slipway.promotion.build import Build
from slipway.promotion.stage_run import StageRun
from slipway.promotion.stored import known


@dataclass(frozen=True)
class About:
    """`environment` is empty for a promotion as a whole. `artifact` is the address of the build's package, `previous`
    the version that served there before. `taken_back`: the release was live and is not any more. `reported`: the
    pipeline wants a code host told of it."""

    service: str = ""
    version: str = ""
    environment: str = ""
    commit: str = ""
    digest: str = ""
    artifact: str = ""
    previous: str = ""
    taken_back: bool = False
    reported: bool = False

    @classmethod
    def load(cls, data: dict[str, Any] | None) -> "About":
        """Of a record that says nothing about it (an older package made it), everything is empty."""
        return cls(**known(cls, data or {}))


def about_stage(run: StageRun) -> dict[str, Any]:
    """What a stage's records, those of its ramp and of its watch are about."""
    where = {"environment": run.plan.environment, "previous": run.baseline or run.live_before}
    came_to = {"taken_back": run.taken_back, "reported": run.plan.reported}
    return {**about_build(run.build, run.artifact), **_filled({**where, **came_to})}


def about_build(build: Build, artifact: str) -> dict[str, Any]:
    """What a promotion's own records are about."""
    told = {"service": build.service, "version": build.version, "commit": build.commit}
    return _filled({**told, "digest": build.digest, "artifact": artifact})


def _filled(told: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty: it goes into every history."""
    return {name: value for name, value in told.items() if value}
