"""A gate on evidence of the build, against what the same gate has kept of the last good release."""

from slipway.adapters import clock
from slipway.adapters.evidence.faults import Unreachable
from slipway.adapters.evidence.judging import judged_evidence
from slipway.adapters.gates.kept import keep, of_last_good
from slipway.promotion.gates.question import Question
from slipway.promotion.outcomes import Answer, running

AGAIN_S = 10.0


def ask(question: Question) -> Answer:
    """What its kind's judge says; what that keeps of the build is put by once it passes. Running where the evidence may
    still come by itself. Raises AzureProblem."""
    try:
        said = judged_evidence(question.gate, question.build, of_last_good(question), clock.now())
    except Unreachable as away:
        return running({}, max(away.after_s, AGAIN_S), away.words)
    if said.passed and said.kept:
        keep(question, said.kept)
    return said.answer
