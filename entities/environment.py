"""Entity `environment`: the lock of one service in one environment, its queue and its releases."""

import azure.durable_functions as df

from entities.serving import serve
from slipway.promotion import lock

bp = df.Blueprint()


@bp.entity_trigger(context_name="context", entity_name="environment")
def environment(context: df.DurableEntityContext) -> None:
    """Operations: those of `slipway.promotion.lock`."""
    serve(context, lock.empty, lock.apply)
