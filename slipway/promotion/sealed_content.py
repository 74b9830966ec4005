"""What a stage's people approve, read off its run: every part of the seal."""

from collections.abc import Mapping
from typing import Any

from slipway.promotion.outcomes import Outcome
from slipway.promotion.plain import plain
from slipway.promotion.seal import Seal, part_of
from slipway.promotion.stage_run import StageRun


def seal_of(run: StageRun, seen: Mapping[str, str]) -> Seal:
    """The seal of what the stage would do now. `seen` are the digests of what lies outside, as it is now
    (`configuration`, `flags`, `policies`), until the stage itself has fixed or changed it."""
    build = run.build
    told = {"service": build.service, "version": build.version, "commit": build.commit, "digest": build.digest}
    return Seal(
        build=part_of({**told, "members": build.members, "artifact": run.artifact, "pins": run.pins}),
        pipeline=part_of(plain(run.plan)),
        configuration=run.configuration.fingerprint or seen.get("configuration", ""),
        schema=part_of(build.schema),
        flags=seen.get("flags", ""),
        evidence=part_of(_evidence(run.gate_answers)),
        policies=seen.get("policies", ""),
        changes=part_of({name: site.planned for name, site in run.sites.items()}),
    )


def _evidence(answers: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The digest of what each gate passed on; of one that people let it skip, that they did."""
    passed = {name: answer for name, answer in answers.items() if answer.get("outcome") == Outcome.PASSED}
    return {name: str(answer.get("digest") or answer.get("code") or Outcome.PASSED) for name, answer in passed.items()}
