"""Files of policies from their texts, or every reason why they are none."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from slipway.promotion.errors import SlipwayError
from slipway.promotion.pipeline.explain import explain
from slipway.promotion.pipeline.findings import Finding, nearest, quoted
from slipway.promotion.pipeline.positions import read_document
from slipway.promotion.policies.language import PoliciesFile
from slipway.promotion.policies.policy import Exemption, Policies, Policy

INVALID = "POLICIES_INVALID"


class PoliciesInvalid(SlipwayError):
    """Policies that cannot be used; `findings` say why. None of them counts then: what they concern must not start."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(INVALID, "\n".join(str(finding) for finding in self.findings))


@dataclass(frozen=True)
class _Read:
    policies: tuple[Policy, ...]
    exemptions: tuple[Exemption, ...]
    findings: tuple[Finding, ...]


def read_policies(files: Iterable[tuple[str, str]]) -> Policies:
    """The policies of all files (name, text), in the order of their names. Raises PoliciesInvalid."""
    texts = sorted(files)
    read = [_read(text, file) for file, text in texts]
    policies = tuple(policy for each in read for policy in each.policies)
    exemptions = tuple(exemption for each in read for exemption in each.exemptions)
    findings = [finding for each in read for finding in each.findings]
    findings += [*_twice(policies), *_unknown(exemptions, policies)]
    if findings:
        raise PoliciesInvalid(sorted(set(findings)))
    digest = hashlib.sha256("\0".join(part for pair in texts for part in pair).encode("utf-8", "surrogatepass"))
    return Policies(policies, exemptions, f"sha256:{digest.hexdigest()}")


def _read(text: str, file: str) -> _Read:
    document = read_document(text, file, "a file of policies", "policies:")
    if not isinstance(document.data, dict):
        return _Read((), (), tuple(document.findings))
    try:
        whole = PoliciesFile.model_validate(document.data)
    except ValidationError as invalid:
        for error in invalid.errors(include_url=False):
            explain(error, document, PoliciesFile)
        return _Read((), (), tuple(document.findings))
    policies = [
        section.policy(file, document.line(("policies", n)), document.data["policies"][n]["requires"])
        for n, section in enumerate(whole.policies)
    ]
    exemptions = [
        section.exemption(file, document.line(("exceptions", n))) for n, section in enumerate(whole.exceptions)
    ]
    return _Read(tuple(policies), tuple(exemptions), tuple(document.findings))


def _twice(policies: tuple[Policy, ...]) -> Iterable[Finding]:
    first: dict[str, Policy] = {}
    for policy in policies:
        if first.setdefault(policy.name, policy) is not policy:
            words = f"the policy {quoted(policy.name)} is there already, at {first[policy.name].where}"
            yield Finding(policy.file, policy.line, 1, "DUPLICATE_NAME", words)


def _unknown(exemptions: tuple[Exemption, ...], policies: tuple[Policy, ...]) -> Iterable[Finding]:
    """Exceptions from what is no policy, or from one that nobody may be exempt from."""
    named = {policy.name: policy for policy in policies}
    for each in exemptions:
        if each.policy not in named:
            words = f"there is no policy {quoted(each.policy)}"
            yield Finding(each.file, each.line, 1, "UNKNOWN_POLICY", words, nearest(each.policy, named))
        elif named[each.policy].never_override:
            words = f"nobody is exempt from the policy {quoted(each.policy)}: it says never_override"
            yield Finding(each.file, each.line, 1, "NEVER_OVERRIDDEN", words)
