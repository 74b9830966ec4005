"""Which service goes to which environment, as the pipelines say."""

from slipway.adapters.pipelines import PipelineFolder
from slipway.settings import settings
from triggers.http import NotFound


def require_known(environment: str, service: str) -> None:
    """Raises NotFound unless the service's pipeline has that environment."""
    from slipway.promotion.pipeline import compile_plan, read_pipeline

    found = PipelineFolder(settings().pipelines).find(service)
    if found is None:
        raise NotFound("UNKNOWN_SERVICE", f"no pipeline is for the service {service}")
    plan = compile_plan(read_pipeline(found.text, found.file), found.digest)
    if all(stage.environment != environment for stage in plan.stages):
        raise NotFound("UNKNOWN_ENVIRONMENT", f"the pipeline of {service} has no environment {environment}")
