"""Which service goes to which environment, as the pipelines say."""

from slipway.adapters.pipelines import PipelineFolder
from slipway.promotion.plan import StagePlan
from slipway.settings import settings
from triggers.http import NotFound


def places_of(environment: str, service: str) -> list[str]:
    """The environments that people mean by `environment`: itself, or its rings in their order. Raises NotFound, which
    names those that there are."""
    stages = _stages(service)
    if stages is None:
        raise NotFound("UNKNOWN_SERVICE", f"no pipeline is for the service {service}")
    found = [stage.environment for stage in stages if environment in (stage.environment, _whole(stage))]
    if not found:
        there = ", ".join(stage.environment for stage in stages)
        words = f"the pipeline of {service} has no environment {environment}; it has {there}"
        raise NotFound("UNKNOWN_ENVIRONMENT", words)
    return found


def rings_in(environment: str, service: str) -> list[str]:
    """The rings of `environment`; only itself where it has none, or is not known any more."""
    stages = _stages(service) or ()
    return [stage.environment for stage in stages if _whole(stage) == environment] or [environment]


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
    from slipway.promotion.pipeline import compile_plan, read_pipeline

    found = PipelineFolder(settings().pipelines).find(service)
    return compile_plan(read_pipeline(found.text, found.file), found.digest).stages if found else None
