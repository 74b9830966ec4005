"""The rule that sends testers to the idle side's own origin group (`Microsoft.Cdn/profiles/ruleSets/rules`).

One rule a pair of origins, made once before a ramp and taken away after it: each is a change of the whole Front Door.
Rules of others in the set stay as they are; the set and the route that has it are people's.
"""

import re
from typing import Any

from slipway.adapters.azure_errors import AzureProblem, FaultKind
from slipway.adapters.front_door.profile import Place, Profile, Started, explained, place_of, started
from slipway.promotion.front_door import Testers
from slipway.promotion.outcomes import Answer, broken, passed, running
from slipway.promotion.plan import Target
from slipway.settings import Settings, settings

_SOON_S = 2.0
_REFUSED = {FaultKind.DENIED, FaultKind.MISSING, FaultKind.INVALID}
_CONDITIONS = {
    "header": ("RequestHeader", "DeliveryRuleRequestHeaderConditionParameters"),
    "cookie": ("Cookies", "DeliveryRuleCookiesConditionParameters"),
}


class TestersRule:
    """Makes the rule and takes it away. The handle is `{"kind": "intended"}` while a write may have to be made, and
    `{"kind": "written"}` while it is followed."""

    __test__ = False

    def __init__(self, settings_: Settings | None = None) -> None:
        self._settings = settings_ or settings()

    def make(self, target: Target, testers: Testers, handle: dict[str, Any]) -> Answer:
        """Passed when Resource Manager has the rule; edges follow later."""
        return self._answering(target, testers, handle or {"kind": "intended"}, there=True)

    def remove(self, target: Target, testers: Testers, handle: dict[str, Any]) -> Answer:
        """Passed when there is none; at once when there was none."""
        return self._answering(target, testers, handle or {"kind": "intended"}, there=False)

    def _answering(self, target: Target, testers: Testers, handle: dict[str, Any], there: bool) -> Answer:
        try:
            place = place_of(target)
            profile = Profile(self._settings, place)
            if handle.get("poll_url") and (goes_on := _follow(profile, handle["poll_url"])):
                return running(handle, goes_on.after_s, "Azure carries out the change of the testers' rule")
            rules = self._rules(profile, testers)
            ours = rules.get(rule_name(place).lower())
            if not there and ours is None:
                return passed("there is no rule for testers")
            if there and ours is not None and _says(ours, place, testers):
                return passed(f"testers ({testers.words}) are sent to {testers.origin_group}")
            if handle["kind"] == "written":
                return running({"kind": "intended"}, _SOON_S, "the testers' rule is not what was written: once more")
            begun = self._write(profile, place, testers, rules, there)
            return running(
                {"kind": "written", "poll_url": begun.poll_url}, begun.after_s, "the testers' rule is on its way"
            )
        except AzureProblem as problem:
            if problem.fault.kind is FaultKind.MISSING and not there:
                return passed("there is no rule for testers: neither is their rule set")
            if problem.fault.kind in _REFUSED:
                return broken("TESTERS_REFUSED", f"{target.name}: {problem.fault.words}")
            return problem.fault.answer(handle, _SOON_S)

    def _rules(self, profile: Profile, testers: Testers) -> dict[str, dict[str, Any]]:
        """All rules of the set, by their names in small letters."""
        with explained():
            listed = profile.client.rules.list_by_rule_set(*profile.address, testers.rule_set)
            return {str(rule.name).lower(): dict(rule.as_dict().get("properties") or {}) for rule in listed}

    def _write(
        self, profile: Profile, place: Place, testers: Testers, rules: dict[str, dict[str, Any]], there: bool
    ) -> Started:
        name = rule_name(place)
        client, address = profile.client.rules, (*profile.address, testers.rule_set, name)
        if not there:
            return started(lambda **sent: client.begin_delete(*address, **sent))
        taken = {int(rule.get("order") or 0) for other, rule in rules.items() if other != name.lower()}
        order = next(number for number in range(1, len(taken) + 2) if number not in taken)
        body: Any = {"properties": {"order": order, **_rule(place, testers)}}
        return started(lambda **sent: client.begin_create(*address, body, **sent))


def rule_name(place: Place) -> str:
    """Letters and digits, beginning with a letter: others are refused."""
    return f"slipway{re.sub(r'[^A-Za-z0-9]', '', place.idle)}"[:250]


def _follow(profile: Profile, url: str) -> Started | None:
    try:
        return profile.follow(url)
    except AzureProblem as problem:
        if problem.fault.kind in (FaultKind.MISSING, FaultKind.DENIED):
            return None  # as for weights
        raise


def _rule(place: Place, testers: Testers) -> dict[str, Any]:
    kind, type_name = _CONDITIONS["header" if testers.header else "cookie"]
    group = (
        f"/subscriptions/{place.subscription}/resourceGroups/{place.group}/providers/Microsoft.Cdn/profiles/"
        f"{place.profile}/originGroups/{testers.origin_group}"
    )
    return {
        "conditions": [
            {
                "name": kind,
                "parameters": {
                    "typeName": type_name,
                    "selector": testers.header or testers.cookie,
                    "operator": "Equal",
                    "negateCondition": False,
                    "matchValues": [testers.value],
                    "transforms": [],
                },
            }
        ],
        "actions": [
            {
                "name": "RouteConfigurationOverride",
                "parameters": {
                    "typeName": "DeliveryRuleRouteConfigurationOverrideActionParameters",
                    "originGroupOverride": {"originGroup": {"id": group}, "forwardingProtocol": "MatchRequest"},
                },
            }
        ],
        "matchProcessingBehavior": "Stop",
    }


def _says(rule: dict[str, Any], place: Place, testers: Testers) -> bool:
    """Whether a rule sends these testers there, whatever Azure has added to it."""
    wanted = _rule(place, testers)
    try:
        (found,), (action,) = rule["conditions"], rule["actions"]
        asked, (condition,) = found["parameters"], wanted["conditions"]
        goes_to = action["parameters"]["originGroupOverride"]["originGroup"]["id"]
        override = wanted["actions"][0]["parameters"]["originGroupOverride"]
    except (KeyError, TypeError, ValueError):
        return False
    same = all(asked.get(key) == condition["parameters"][key] for key in ("selector", "operator", "matchValues"))
    return same and found.get("name") == condition["name"] and goes_to.lower() == override["originGroup"]["id"].lower()
