"""A plan under the organisation's policies: which hold, which are not met, and how to meet them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml

from slipway.promotion.outcomes import Answer, failed, passed
from slipway.promotion.pipeline.findings import Finding
from slipway.promotion.pipeline.positions import read_document
from slipway.promotion.plan import PromotionPlan, StagePlan
from slipway.promotion.policies.policy import Exemption, Policies, Policy, digest_of_holding
from slipway.promotion.policies.shortfalls import NOBODY, Shortfall, shortfalls
from slipway.promotion.under_policies import CANCEL, HOLD, UNMET


@dataclass(frozen=True)
class Unmet:
    """A policy that a stage does not meet in one of its requirements; `ended` is the service's exemption that was."""

    stage: str
    policy: Policy
    shortfall: Shortfall
    ended: Exemption | None = None

    @property
    def comply(self) -> str:
        """What to write into the stage, as YAML on one line."""
        key, part = self.shortfall.key, self.shortfall.part
        value = self.policy.written[key]
        if key == "gates":
            return flow({"gates": [{str(part): value[part]}]})
        if part == NOBODY:
            return flow({key: {"approvers": ["role:<who>"], **value}})
        if key == "freeze" and isinstance(part, int):
            return flow({"freeze": [value[part]]})
        if key == "rollout":
            return flow({"rollout": value[0] if len(value) == 1 else "<" + "|".join(value) + ">"})
        return flow({key: value})

    @property
    def words(self) -> str:
        """Which rule, from where, why, and how to comply."""
        policy = self.policy
        rule = f"stage {self.stage}: the policy {policy.name} ({policy.where}, owner {policy.owner}) is not met"
        exempt = f"; its exception ended with {self.ended.until} ({self.ended.where})" if self.ended else ""
        why = policy.why.rstrip(".")
        return f"{rule}: {self.shortfall.words}{exempt}. {why}. To comply, write in the stage: {self.comply}"


@dataclass(frozen=True)
class Holding:
    """What holds for one stage: the policies, those that the service is exempt from, and what is not met."""

    policies: tuple[Policy, ...]
    exempt: tuple[Exemption, ...]
    unmet: tuple[Unmet, ...]

    @property
    def digest(self) -> str:
        """Another one means that the rules for this stage are others. Empty where there are none."""
        return digest_of_holding(self.policies, self.exempt)

    @property
    def names(self) -> list[str]:
        return [policy.name for policy in self.policies]

    @property
    def words(self) -> str:
        """All that is not met, or which policies are."""
        met = f"meets {', '.join(self.names)}" if self.names else "no policy is for it"
        return "\n".join(each.words for each in self.unmet) or met

    @property
    def answer(self) -> Answer:
        """What a stage that waits for its policies is told."""
        if self.unmet:
            cancels = any(each.policy.on_change == CANCEL for each in self.unmet)
            return failed(UNMET, self.words, do=CANCEL if cancels else HOLD)
        used = [{"policy": each.policy, "until": each.until, "approved_by": each.approved_by} for each in self.exempt]
        return passed(self.words, policies=self.names, exceptions=used, digest=self.digest)


def holding(policies: Policies, stage: StagePlan, service: str, owner: str, at: datetime) -> Holding:
    """What holds for a stage of the service at that moment."""
    concerning = tuple(policies.concerning(stage, service, owner, at))
    exempt, unmet = [], []
    for policy in concerning:
        if exemption := policies.exemption(policy, service, at):
            exempt.append(exemption)
            continue
        ended = policies.ended(policy, service, at)
        unmet += [Unmet(stage.name, policy, each, ended) for each in shortfalls(policy.wanted, stage, at)]
    return Holding(concerning, tuple(exempt), tuple(unmet))


def unmet_by(policies: Policies, plan: PromotionPlan, at: datetime) -> Iterator[Unmet]:
    """All that a whole plan does not meet."""
    for stage in plan.stages:
        yield from holding(policies, stage, plan.service, plan.owner, at).unmet


def findings_of(unmet: Iterable[Unmet], plan: PromotionPlan, text: str, file: str) -> list[Finding]:
    """The same as findings, each at its stage in the pipeline's text; the rings of a stage say it once."""
    document = read_document(text, file)
    data: Any = document.data
    rows = {each["name"]: document.line(("stages", n)) for n, each in enumerate(data["stages"])}
    found: dict[tuple[str, str, Shortfall], Finding] = {}
    for each in unmet:
        ring = plan.stage(each.stage).ring
        named = ring.of if ring else each.stage
        finding = Finding(file, rows[named], 5, UNMET, each.words)
        found.setdefault((named, each.policy.name, each.shortfall), finding)
    return sorted(found.values())


def flow(value: Any) -> str:
    """A mapping as YAML on one line, without the braces around it."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False, allow_unicode=True)
    return text.strip().removeprefix("{").removesuffix("}")
