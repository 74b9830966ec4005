"""Policies as people read them: each rule by itself, and what they say to the stages of a pipeline."""

from collections.abc import Iterator
from datetime import datetime

from rich.text import Text

from slipway.cli.printing import clean
from slipway.promotion.plan import PromotionPlan, StagePlan
from slipway.promotion.policies import Exemption, Policies, Policy, holding
from slipway.promotion.policies.checking import flow
from slipway.promotion.policies.policy import over


def policy_lines(policies: Policies, stage: StagePlan, plan: PromotionPlan, at: datetime) -> Iterator[str]:
    """A line for each policy that is for the stage: what it demands, and whether that is met."""
    held = holding(policies, stage, plan.service, plan.owner, at)
    exempt = {each.policy: each for each in held.exempt}
    for policy in held.policies:
        unmet = [each.shortfall.words for each in held.unmet if each.policy is policy]
        said = "met" if not unmet else f"NOT MET: {'; '.join(unmet)}"
        if policy.name in exempt:
            given = exempt[policy.name]
            said = f"not asked until {given.until}, {given.reason.rstrip('.')} ({given.approved_by})"
        yield f"{policy.name} wants {flow(policy.written)}: {said} ({policy.where})"


def policies_page(policies: Policies, at: datetime) -> Iterator[Text]:
    """Every rule, and who is exempt from it."""
    for policy in policies.policies:
        ended = policy.until and over(policy.until, at)
        head = f"  {policy.where} · owner {policy.owner}"
        yield Text.assemble((clean(policy.name), "bold"), (clean(head), "dim"))
        yield Text(clean(f"  for     {whom(policy)}"))
        yield Text(clean(f"  wants   {flow(policy.written)}"))
        yield Text(clean(f"  because {policy.why}"))
        if policy.never_override:
            yield Text("  nobody is exempt")
        if policy.until:
            yield Text(clean(f"  {'ended with' if ended else 'until'} {policy.until}"), "dim")
        for each in policies.exemptions:
            if each.policy == policy.name:
                yield Text(clean(f"  {_exempt(each, at)}"), "dim" if over(each.until, at) else "yellow")


def whom(policy: Policy) -> str:
    """`environments production, prod-* of services shop-*, but not ...`."""
    words = f"environments {', '.join(policy.environments)}"
    words += f" but {', '.join(policy.not_environments)}" if policy.not_environments else ""
    words += f", services {', '.join(policy.services)}"
    words += f", owners {', '.join(policy.owners)}" if policy.owners else ""
    return words + (f", targets of {', '.join(policy.kinds)}" if policy.kinds else "")


def _exempt(each: Exemption, at: datetime) -> str:
    counts = "its exception ended with" if over(each.until, at) else "exempt until"
    return f"{each.service}: {counts} {each.until}, {each.reason.rstrip('.')} ({each.approved_by}, {each.where})"
