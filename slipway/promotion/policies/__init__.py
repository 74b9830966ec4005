"""The organisation's policies as code: read, explained, and held against what pipelines plan."""

from slipway.promotion.policies.checking import Holding, Unmet, findings_of, holding, unmet_by
from slipway.promotion.policies.policy import Exemption, Policies, Policy
from slipway.promotion.policies.reading import PoliciesInvalid, read_policies

__all__ = [
    "Exemption",
    "Holding",
    "Policies",
    "PoliciesInvalid",
    "Policy",
    "Unmet",
    "findings_of",
    "holding",
    "read_policies",
    "unmet_by",
]
