"""Activity on what an approval is sealed to: what of it lies outside of the promotion, as it is now."""

from typing import Any

import azure.durable_functions as df

from activities.answering import Order, answering
from slipway.promotion.outcomes import Answer, passed
from slipway.promotion.role_claims import Place

bp = df.Blueprint()


@bp.activity_trigger(input_name="order", activity="look_at_sealed")
@answering
def look_at_sealed(order: Order) -> Answer:
    """The settings at `place`, the `flags` (name, label), the `policies` for a stage (asked as of `check_policies`) and
    the claims of `voters` (oid, claims) where they voted (`at`: environments, service), as they are now.

    Result: `configuration`, the fingerprint of the settings; `flags`, a digest of their documents; `policies`, a digest
    of those that hold; `taken`, by object id the claims that the file of people says are not held any more. Nothing is
    changed, and no value is in the answer.
    """
    _ = order["promotion"]  # an order that is nobody's is none
    seen: dict[str, Any] = {}
    if place := order.get("place"):
        seen["configuration"] = _configuration(place)
    if flags := order.get("flags"):
        seen["flags"] = _flags(flags)
    if asked := order.get("policies"):
        seen["policies"] = _policies(asked)
    if voters := order.get("voters"):
        seen["taken"] = _taken(voters, order.get("at") or {})
    return passed(**seen)


def _configuration(place: dict[str, Any]) -> str:
    from slipway.adapters.configuration.store import Configuration
    from slipway.promotion.release_parts.configuration import Place, fingerprint_of

    return fingerprint_of(Configuration().settings(Place.load(place)))


def _flags(flags: list[dict[str, str]]) -> str:
    from slipway.adapters.flags.store import Flags
    from slipway.promotion.planned_changes import digest_of

    found = [Flags().read(flag["name"], flag["label"]) for flag in flags]
    return digest_of([setting.document if setting else None for setting in found])


def _policies(asked: dict[str, Any]) -> str:
    from slipway.adapters.policies import holding_now
    from slipway.promotion.policies import PoliciesInvalid

    try:
        return holding_now(asked["stage"], asked["service"], asked["owner"]).digest
    except PoliciesInvalid as invalid:
        return invalid.code


def _taken(voters: list[dict[str, Any]], at: dict[str, Any]) -> dict[str, list[str]]:
    from slipway.adapters.people import taken_away

    place = Place(tuple(at.get("environments", ())), at.get("service", ""))
    found = {voter["oid"]: taken_away(voter["oid"], voter["claims"], place) for voter in voters}
    return {oid: claims for oid, claims in found.items() if claims}
