"""Loads that an earlier stage has measured (table `loads`), against those of the last good release there."""

from functools import partial

from slipway.adapters.measured_loads import load_kept
from slipway.adapters.read_model import newest_releases
from slipway.promotion.gates.answer import GateAnswer
from slipway.promotion.gates.question import Question
from slipway.promotion.ledger import proven_before
from slipway.promotion.load_comparison import last_comparable
from slipway.promotion.loads import compare
from slipway.promotion.outcomes import Answer, Outcome, not_enough_evidence, worst
from slipway.promotion.plan import LoadTest

LOOKS_BACK = 50  # releases of the ledger


def ask(question: Question) -> GateAnswer:
    """The worst of what each load of the stage comes to on each of its targets, as `slipway.promotion.loads.compare`
    has it; not enough evidence LOAD_MISSING where this version has not been measured. Raises AzureProblem."""
    told, version = question.gate.settings, question.build.version
    place = told["environment"], question.service
    releases, _ = newest_releases(*place, LOOKS_BACK)
    proven = proven_before(releases, version)
    answers: dict[str, Answer] = {}
    for target in told["targets"]:
        for test in map(LoadTest.load, told["loads"]):
            kept = partial(load_kept, *place, told["stage"], target, test.name)
            now = kept(version)
            missing = not_enough_evidence("LOAD_MISSING", f"{version} has not been measured in {told['stage']}")
            answers[f"{target} {test.name}"] = compare(now, last_comparable(proven, kept)) if now else missing
    verdict = worst(list(answers.values()))
    words = "; ".join(f"{name}: {each.words}" for name, each in answers.items() if each.state == verdict.state)
    facts = {name: each.state for name, each in answers.items()}
    return GateAnswer(Outcome(verdict.state), verdict.code, words[:500], facts)
