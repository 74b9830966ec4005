"""What a stage's checks need of the whole pipeline: profiles that exist, and enough load drivers."""

import math

from slipway.promotion.load_comparison import FEWEST_TO_COMPARE
from slipway.promotion.load_judgement import DRIVER_RATE_PER_S
from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.headers import check_headers
from slipway.promotion.pipeline.models import MOST_LOADS, Check, Profile
from slipway.promotion.pipeline.positions import Document, Path
from slipway.promotion.pipeline.probing import Load
from slipway.promotion.pipeline.section import sound

MOST_DRIVERS = 10


def check_stage_checks(document: Document) -> None:
    """Report second health checks, too many loads or drivers, loads that send nothing, unknown profiles."""
    written = document.data.get("profiles")
    profiles = {name: sound(Profile, data) for name, data in written.items()} if isinstance(written, dict) else {}
    stages = document.data.get("stages")
    for index, stage in enumerate(stages if isinstance(stages, list) else []):
        verify = stage.get("verify") if isinstance(stage, dict) else None
        if isinstance(verify, list):
            _check_stage(document, ("stages", index, "verify"), verify, profiles)


def rate_of(load: Load, profiles: dict[str, Profile]) -> tuple[float, str]:
    """Requests per second and path of a load. Raises KeyError for an unknown profile."""
    if load.profile is not None:
        return profiles[load.profile].rate, profiles[load.profile].path
    return load.rate or 0.0, load.path or "/"


def _check_stage(document: Document, path: Path, verify: list[object], profiles: dict[str, Profile | None]) -> None:
    health = [index for index, item in enumerate(verify) if isinstance(item, dict) and "health" in item]
    loads = [index for index, item in enumerate(verify) if isinstance(item, dict) and "load" in item]
    for index in health[1:]:
        document.report("TOO_MANY", "a stage has at most one health check", (*path, index))
    for index in loads[MOST_LOADS:]:
        document.report("TOO_MANY", f"a stage has at most {MOST_LOADS} load tests", (*path, index))
    for index, item in enumerate(verify):
        for kind, check_written in item.items() if isinstance(item, dict) else ():
            if isinstance(check_written, dict) and isinstance(check_written.get("headers"), dict):
                check_headers(document, (*path, index, kind, "headers"), check_written["headers"])
    drivers = 0
    for index in loads:
        check = sound(Check, verify[index])
        if check and check.load:
            drivers += _check_load(document, (*path, index, "load"), check.load, profiles)
    if drivers > MOST_DRIVERS:
        words = (
            f"the load tests of this stage take {drivers} drivers of {DRIVER_RATE_PER_S}/s; the limit is {MOST_DRIVERS}"
        )
        document.report("TOO_MUCH_LOAD", words, path)


def _check_load(document: Document, path: Path, load: Load, profiles: dict[str, Profile | None]) -> int:
    """How many drivers the load takes; 0 when it cannot be told, and for one that Azure drives."""
    if load.azure is not None or load.duration is None:
        return 0
    if load.profile is not None and load.profile not in profiles:
        words = f"there is no profile {quoted(load.profile)}"
        document.report("UNKNOWN_PROFILE", words, (*path, "profile"), like=(load.profile, profiles))
        return 0
    try:
        rate, _ = rate_of(load, {name: profile for name, profile in profiles.items() if profile})
    except KeyError:  # the profile itself is reported elsewhere
        return 0
    if rate * load.duration < 1:
        words = f"{rate:g}/s for {load.duration:g}s sends no request"
        document.report("CANNOT_SUCCEED", words, path)
    elif load.against and rate * load.duration < FEWEST_TO_COMPARE:
        words = (
            f"{rate:g}/s for {load.duration:g}s are {rate * load.duration:.0f} requests, too few to compare a p95 "
            f"with the previous release; send at least {FEWEST_TO_COMPARE}"
        )
        document.report("TOO_FEW_TO_COMPARE", words, (*path, "against"))
    return math.ceil(rate / DRIVER_RATE_PER_S)
