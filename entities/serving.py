"""How a pure state machine of the domain is served as a durable entity."""

from collections.abc import Callable
from typing import Any

import azure.durable_functions as df

Apply = Callable[[dict[str, Any], str, dict[str, Any]], tuple[dict[str, Any], dict[str, Any]]]


def serve(context: df.DurableEntityContext, empty: Callable[[], dict[str, Any]], apply: Apply) -> None:
    """Carry out one operation of the batch. `rev` grows with each change, for mirrors to tell old from new.

    The result is set in every case: an operation that sets none would answer with the previous one's.
    The state is only set once the operation has succeeded, since the runtime does not roll it back.
    """
    state = {**empty(), **context.get_state(empty)}  # one from before a field was added gets it now
    try:
        changed, answer = apply(state, context.operation_name, context.get_input())
    except (KeyError, TypeError, ValueError) as error:
        context.set_result({"do": "refused", "code": "BAD_OPERATION", "words": f"{type(error).__name__}: {error}"})
        return
    if changed != state:
        context.set_state({**changed, "rev": state["rev"] + 1})
    context.set_result(answer)
