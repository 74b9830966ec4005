"""The intake row: what decides that a build is promoted once, however often its message comes."""

import json
from dataclasses import replace
from datetime import datetime

from slipway.adapters.rows import Rows
from slipway.adapters.watched import watch
from slipway.promotion.build import Build
from slipway.promotion.errors import BuildRejected
from slipway.promotion.outcomes import iso
from slipway.promotion.port_values import Row


def take_in(build: Build, pipeline_text: str, at: datetime, trace: str = "", package: str = "") -> str:
    """Insert the row, or find the one that is there. Returns its state: `new`, `running` or `ended`.

    The pipeline's text is kept beside it, as it was: the orchestration carries only the plan made of it. It
    is written first, so that no row is without it, and so is what has the janitor look after the promotion. `trace` is
    the traceparent of its intake, `package` the version of the orchestrations that it begins as.

    Only a `new` row may be started; a redelivery after a crash between insert and start finds `new`.
    Raises BuildRejected: VERSION_REUSED when the row speaks of another artifact, RUN_UNKNOWN for a further run of a
    build whose run before was never taken in, or is not over.
    """
    rows = Rows("promotions")
    if build.run > 1:
        _check_run_before(build)
    values = {"state": "new", "digest": build.digest, "commit": build.commit}
    values |= {"service": build.service, "received_at": iso(at), "trace": trace, "package": package}
    rows.insert(build.promotion, "pipeline", {"doc": json.dumps(pipeline_text)})
    watch(build.promotion, build.promotion, at, build.dump())
    if rows.insert(build.promotion, "intake", values):
        return "new"
    row = rows.get(build.promotion, "intake")
    if row is None:
        return take_in(build, pipeline_text, at, trace, package)
    _check_same(build, row)
    return str(row.values["state"])


def check_known(build: Build) -> bool:
    """Whether the build was taken in before. Raises BuildRejected as `take_in` does."""
    if build.run > 1:
        _check_run_before(build)
    row = Rows("promotions").get(build.promotion, "intake")
    if row is not None:
        _check_same(build, row)
    return row is not None


def _check_run_before(build: Build) -> None:
    before = replace(build, run=build.run - 1).promotion
    row = Rows("promotions").get(before, "intake")
    if row is None or row.values["state"] != "ended":
        known = "is not over" if row else "is not known"
        raise BuildRejected("RUN_UNKNOWN", f"run {build.run} of {build.service} {build.version}: {before} {known}")
    _check_same(build, row)


def _check_same(build: Build, row: Row) -> None:
    digest, commit = str(row.values["digest"]), str(row.values["commit"])
    if not build.is_same(digest, commit):
        raise BuildRejected(
            "VERSION_REUSED",
            f"{build.service} {build.version} is known as {digest or f'commit {commit}'}, this message says "
            f"{build.digest or f'commit {build.commit}'}; give the new artifact a new version",
        )


def mark_aborted(promotion: str) -> None:
    """From now on every activity of this promotion that would change something answers `cancelled`."""
    Rows("promotions").upsert(promotion, "intake", {"aborted": True}, merge=True)
