"""What a stage's two approvals share: the orchestration `approval` below it, and what its answers come to."""

from typing import Any

from orchestrators.environment_lock import announcement
from orchestrators.waiting import Context, Durable, answers_of, ask_decisions, now
from slipway.promotion.about import about_stage
from slipway.promotion.approval import APPROVED, REJECTED, WITHDRAWN, Vote
from slipway.promotion.ids import child_id
from slipway.promotion.outcomes import Outcome
from slipway.promotion.plain import plain
from slipway.promotion.plan import ApprovalPolicy
from slipway.promotion.seal import Seal
from slipway.promotion.stage_parts import Ending
from slipway.promotion.stage_run import StageRun

EVIDENCE_CHANGED = "EVIDENCE_CHANGED"


def child_of(run: StageRun, approval: str) -> str:
    """The id of the orchestration `approval`: one for each attempt, and for each time that people are asked anew."""
    anew = run.voided + run.revoked
    return child_id(run.instance, approval, f"{run.attempt}-{anew}" if anew else str(run.attempt))


def question(
    context: Context, run: StageRun, policy: ApprovalPolicy, child: str, deadline: str, seal: Seal
) -> dict[str, Any]:
    """What the orchestration `approval` with the id `child` is given."""
    return {
        "promotion": run.promotion,
        "stage": run.plan.name,
        "policy": plain(policy),
        "deadline": deadline,
        "environment": run.plan.environment,
        "service": run.build.service,
        "announcement": announcement(run, child, now(context)),
        "trace": run.trace,
        "seal": seal.dump(),
        "since": now(context),
        "about": about_stage(run),
    }


def who_is_asked(policy: ApprovalPolicy) -> str:
    """`2 of role:release-manager`."""
    return policy.who


def decision_of_people(context: Context, run: StageRun, child: str, asked: dict[str, Any]) -> Durable:
    """Wait until people have decided. Returns how their approval stands, with their votes as the audit keeps them, and
    how the stage ends: None when they said yes."""
    asking = context.call_sub_orchestrator("approval", asked, child)
    (answer,) = yield from answers_of(context, [asking])
    if answer is None:  # it was ended from outside; what people decided by now stands
        closing = {"stage": run.plan.name, "as": WITHDRAWN}
        answer = yield from ask_decisions(context, run.promotion, "close", closing)
        if answer["decision"] == WITHDRAWN:
            words = f"{child} was ended from outside, and nobody had decided"
            return {}, Ending(Outcome.BROKEN, "APPROVAL_LOST", words)
    if answer["do"] == "cancel":
        return {}, Ending(Outcome.CANCELLED, answer["code"], answer["words"])
    if answer["do"] == "evidence":
        words = f"new evidence came while people were asked ({', '.join(answer['names'])}): its gates are asked again"
        return {}, Ending(Outcome.CANCELLED, EVIDENCE_CHANGED, words)
    if answer["do"] == "overtaken":
        return {}, Ending(Outcome.CANCELLED, *overtaken(answer))
    if answer["decision"] == APPROVED:
        return answer, None
    if answer["decision"] == REJECTED:
        return answer, Ending(Outcome.CANCELLED, "REJECTED", in_words(answer["votes"]))
    return {}, Ending(Outcome.CANCELLED, "APPROVAL_EXPIRED", f"nobody decided before {answer['deadline']}")


def sealed_to(answer: dict[str, Any]) -> dict[str, Any]:
    """What the approval is sealed to, for its record."""
    return {"seal": answer["seal"]} if answer.get("seal") else {}


def in_words(votes: list[dict[str, Any]]) -> str:
    """`Alice: approve; Bob for Carol: reject`."""
    cast = [Vote.load(vote) for vote in votes]
    return "; ".join(f"{vote.called}: {vote.decision}" for vote in cast)


def overtaken(answer: dict[str, Any]) -> tuple[str, str]:
    """Code and words for a build that goes for another one's sake."""
    if answer["lock"] == "behind":
        return "BEHIND", f"{answer['live']['version']}, a newer build, is already live here"
    if answer["lock"] == "superseded":
        return "SUPERSEDED", f"{answer['by']}, a newer build, takes its place"
    return "IGNORED", f"{answer['by']}, an older build, is on its way, and this pipeline ignores newer ones meanwhile"
