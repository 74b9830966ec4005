"""The activity that asks one gate: evidence of the build, or somebody outside."""

import azure.durable_functions as df

from activities.answering import Order, answering, unless_aborted
from slipway.adapters.receipts import Receipts
from slipway.promotion.gates.question import Question
from slipway.promotion.outcomes import Answer

bp = df.Blueprint()


@bp.activity_trigger(input_name="order", activity="ask_gate")
@answering
@unless_aborted
def ask_gate(order: Order) -> Answer:
    """What the gate says now. Result: the evidence's `digest`, when it was `produced_at`, and `facts` for the audit.

    The first answer of an asking stays: what is read from outside may be another later. What may still come (a source
    that is away, a call back) is `running`.
    """
    book, promotion, operation = Receipts(), order["promotion"], order["operation"]
    kept = book.begin(promotion, operation).answer
    if kept is not None:
        return kept
    answer = _asked(Question.of(order))
    return answer if answer.running else book.ended(promotion, operation, answer)


def _asked(question: Question) -> Answer:
    """Only the adapter of its kind is imported: a cold start has no gates."""
    match question.gate.kind:
        case "webhook":
            from slipway.adapters.gates import webhook

            return webhook.ask(question)
        case "kql":
            from slipway.adapters.gates import kql

            return kql.ask(question).answer
        case "defender":
            from slipway.adapters.gates import defender

            return defender.ask(question).answer
        case "performance":
            from slipway.adapters.gates import performance

            return performance.ask(question).answer
    from slipway.adapters.gates import of_evidence

    return of_evidence.ask(question)
