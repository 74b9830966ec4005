"""Entity `decisions`: one promotion's approvals, commands and stage outcomes."""

import azure.durable_functions as df

from entities.serving import serve
from slipway.promotion import decisions as domain

bp = df.Blueprint()


@bp.entity_trigger(context_name="context", entity_name="decisions")
def decisions(context: df.DurableEntityContext) -> None:
    """Operations: those of `slipway.promotion.decisions`."""
    serve(context, domain.empty, domain.apply)
