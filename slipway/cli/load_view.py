"""The loads of a plan in words, and the rights that they take."""

from collections.abc import Iterator

from slipway.cli.times import rounded
from slipway.promotion.load_runs.plan import RIGHTS, LoadRunPlan
from slipway.promotion.plan import Header, LoadTest, PromotionPlan


def load_words(load: LoadTest) -> str:
    """What is sent, by whom, and what the release must stay within."""
    if load.run:
        limits = [*_limits(load), f"the test's own criteria {load.run.criteria}"]
        words = _azure_load(load.run)
    else:
        limits = list(_limits(load))
        words = f"load {load.rate_per_s:g}/s on {load.path} for {rounded(load.duration_s)}"
    words += f": {', '.join(limits)}"
    words += ", and not worse than the previous release" if load.against else ""
    return words + headers_words(load.headers)


def load_rights(plan: PromotionPlan) -> Iterator[str]:
    """What Slipway's identity needs where Azure drives a load, once for each resource."""
    runs = [load.run for stage in plan.stages for load in stage.loads if load.run]
    for resource in dict.fromkeys(run.resource.rpartition("/")[2] for run in runs):
        yield f"{RIGHTS} ({resource})"


def headers_words(headers: tuple[Header, ...]) -> str:
    """Which headers go with the requests; of a secret only where it comes from."""
    sent = [
        f"{each.name} from the secret {each.secret}" if each.secret else f"{each.name}: {each.value}"
        for each in headers
    ]
    return f"; sends {', '.join(sent)}" if sent else ""


def _limits(load: LoadTest) -> Iterator[str]:
    for name, limit in (("p50", load.p50_ms), ("p95", load.p95_ms), ("p99", load.p99_ms)):
        if limit is not None:
            yield f"{name} at most {limit:g} ms"
    if load.error_rate is not None:
        yield f"errors at most {load.error_rate * 100:g} %"


def _azure_load(run: LoadRunPlan) -> str:
    where = run.resource.rpartition("/")[2]
    return f"load test {run.test} of {where} (Azure), over within {rounded(run.within_s)}"
