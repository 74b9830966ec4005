"""Timer trigger: a checkpoint of the audit trail, every five minutes in which a chain grew, and every hour."""

import asyncio

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.audit_checkpoints import AuditCheckpoints
from slipway.adapters.azure_errors import AzureProblem, FaultKind
from slipway.adapters.insights import Kind, span

bp = df.Blueprint()


@bp.function_name("audit_checkpoint")
@bp.timer_trigger(arg_name="tick", schedule="15 */5 * * * *")
async def audit_checkpoint(tick: func.TimerRequest) -> None:
    """Sign how far every chain has come. What fails is raised: nothing stays unsigned in silence, and the next look
    signs what this one could not."""
    with span("audit_checkpoint", Kind.MESSAGE, "") as taking:
        try:
            taken = await asyncio.to_thread(lambda: AuditCheckpoints().take())
        except AzureProblem as problem:
            if problem.fault.kind is not FaultKind.CONFLICT:
                raise
            taking.tell(outcome="signed", words=problem.words)  # by somebody else
            return
        taking.tell(outcome="signed", words=f"checkpoint {taken.number}" if taken else "nothing is new")
