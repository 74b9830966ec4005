"""Which service goes to which environment, as the pipelines say."""

from slipway.adapters.pipelines import PipelineFolder
from slipway.adapters.read_model import environment_rows
from slipway.promotion.plan import StagePlan
from slipway.settings import settings
from triggers.http import NotFound

Place = tuple[str, str]  # environment and service


def places_of(environment: str, service: str) -> list[str]:
    """The environments that people mean by `environment`: itself, or its rings in their order. Raises NotFound, which
    names those that there are."""
    stages = _stages(service)
    if stages is None:
        raise NotFound("UNKNOWN_SERVICE", f"no pipeline is for the service {service}")
    named = [stage.environment for stage in stages if environment in (stage.environment, _whole(stage))]
    found = list(dict.fromkeys(named))
    if not found:
        there = ", ".join(dict.fromkeys(stage.environment for stage in stages))
        words = f"the pipeline of {service} has no environment {environment}; it has {there}"
        raise NotFound("UNKNOWN_ENVIRONMENT", words)
    return found


def places_everywhere(environment: str = "", service: str = "") -> list[Place]:
    """Every environment and service that a pipeline names, or that was ever promoted to; of one environment (or its
    rings), or of one service, where that is said."""
    from slipway.promotion.pipeline import compile_plan, read_pipeline

    there = PipelineFolder(settings().pipelines).all().values()
    plans = [compile_plan(read_pipeline(each.text, each.file), each.digest) for each in there]
    named = [
        ((stage.environment, each), _whole(stage))
        for plan in plans
        for stage in plan.stages
        for each in (plan.service, *stage.members)
    ]
    named += [((place, each), "") for place, each, _ in environment_rows()]
    found = [place for place, whole in named if environment in ("", place[0], whole) and service in ("", place[1])]
    return list(dict.fromkeys(found))


def rings_in(environment: str, service: str) -> list[str]:
    """The rings of `environment`; only itself where it has none, or is not known any more."""
    stages = _stages(service) or ()
    found = [stage.environment for stage in stages if _whole(stage) == environment]
    return list(dict.fromkeys(found)) or [environment]


def names_of(environment: str, service: str) -> tuple[str, ...]:
    """The names of an environment: its own, and of a ring also that of the one which is written with rings."""
    whole = [_whole(stage) for stage in _stages(service) or () if stage.environment == environment and stage.ring]
    return tuple(dict.fromkeys((environment, *whole)))


def require_known(environment: str, service: str) -> None:
    """Raises NotFound unless the service's pipeline has that environment, as one place with one lock."""
    found = places_of(environment, service)
    if found != [environment]:
        words = f"{environment} of {service} is made of rings, and each is an environment: {', '.join(found)}"
        raise NotFound("UNKNOWN_ENVIRONMENT", words)


def _whole(stage: StagePlan) -> str:
    """The environment, as it is written, of which the stage is a ring."""
    return stage.ring.environment if stage.ring else ""


def _stages(service: str) -> tuple[StagePlan, ...] | None:
    """The stages of its own pipeline, and those of groups that it is a member of."""
    from slipway.promotion.pipeline import compile_plan, read_pipeline

    there = PipelineFolder(settings().pipelines).all()
    of_groups = [each for name, each in there.items() if name != service and "members:" in each.text]
    own = [there[service]] if service in there else []
    plans = [compile_plan(read_pipeline(each.text, each.file), each.digest) for each in [*own, *of_groups]]
    stages = [stage for plan in plans for stage in plan.stages if plan.service == service or service in stage.members]
    return tuple(stages) or None
