"""A feature flag's document, as App Configuration keeps it (schema v2): its share of users, and how that is changed.

Two ways of giving a flag to a share of users are known, and both keep a user where they are when the share grows: the
percentiles of an allocation of variants, and the filter `Microsoft.Targeting`. Whatever else a document says stays as
it is. A document that gives the flag to users in another way is refused: nobody knows what a change of it would do.
"""

import copy
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slipway.promotion.errors import SlipwayError

Document = dict[str, Any]

TARGETING, TARGETING_FILTERS = "Microsoft.Targeting", ("Microsoft.Targeting", "Microsoft.TargetingFilter", "Targeting")
PERCENTAGE_FILTERS = ("Microsoft.Percentage", "Microsoft.PercentageFilter", "Percentage")
ON, OFF = "on", "off"  # what telemetry's arms are called, whatever the variants are


class FlagRefused(SlipwayError):
    """A document that is not changed: FLAG_SHAPE_UNKNOWN, FLAG_NOT_STICKY."""


@dataclass(frozen=True)
class FlagTesters:
    """Who has a flag before anybody else: users, and groups as a whole."""

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


def new_document(name: str, testers: FlagTesters) -> Document:
    """A flag that is on for testers and for no other user."""
    plain: Document = {"id": name, "description": "", "enabled": False, "conditions": {"client_filters": []}}
    return prepared(plain, testers)


def share_of(document: Document) -> float:
    """The share (0..1) of users who have the flag, testers aside. Raises FlagRefused."""
    if not document.get("enabled"):
        return 1.0 if _given_when_disabled(document) else 0.0
    if document.get("variants"):
        return _percentile_of(document) / 100
    found = _targeting(document)
    if found is None:
        return 1.0  # on, without a condition
    return _number(_audience(found).get("DefaultRolloutPercentage", 0)) / 100


def is_off(document: Document) -> bool:
    """Whether nobody has it. One that is disabled may still give a variant to everybody."""
    return not document.get("enabled") and not _given_when_disabled(document)


def variant_of(document: Document) -> str:
    """The name of the variant that a share is given; empty for a flag without variants. Raises FlagRefused."""
    return _variant(document) if document.get("variants") else ""


def control_of(document: Document) -> str:
    """The name of everybody else's variant; empty for a flag without variants."""
    if not document.get("variants"):
        return ""
    return str((document.get("allocation") or {}).get("default_when_enabled", ""))


def with_share(document: Document, share: float) -> Document:
    """The flag for `share` (0..1) of the users, and for its testers; without any share it is off for all of them.

    Raises FlagRefused.
    """
    if share <= 0:
        return switched_off(document)
    changed = copy.deepcopy(document)
    changed["enabled"] = True
    percent = round(share * 100, 4)
    if changed.get("variants"):
        _set_percentile(changed, percent)
        return changed
    found = _targeting(changed)
    if found is None:
        found = _given_targeting(changed)
    _audience(found)["DefaultRolloutPercentage"] = _written(percent)
    return changed


def switched_off(document: Document) -> Document:
    """Off for everybody, testers too, and at 0 % should somebody enable it; of variants everybody has the control.
    Whatever shape it has: a flag can always be switched off."""
    disabled = _control_when_disabled({**copy.deepcopy(document), "enabled": False})
    changed = copy.deepcopy(disabled)
    try:
        if changed.get("variants"):
            _set_percentile(changed, 0.0)
        elif (found := _targeting(changed)) is not None:
            _audience(found)["DefaultRolloutPercentage"] = 0
    except FlagRefused:
        return disabled
    return changed


def prepared(document: Document, testers: FlagTesters) -> Document:
    """Dark: on, for the testers alone. Raises FlagRefused."""
    changed = copy.deepcopy(document)
    changed["enabled"] = True
    if changed.get("variants"):
        _set_percentile(changed, 0.0)
        variant, allocation = _variant(changed), changed["allocation"]
        _join(allocation, "user", "users", variant, testers.users)
        _join(allocation, "group", "groups", variant, testers.groups)
        return changed
    found = _targeting(changed)
    if found is None:
        found = _given_targeting(changed)
    audience = _audience(found)
    audience["DefaultRolloutPercentage"] = 0
    audience["Users"] = list(dict.fromkeys([*(audience.get("Users") or ()), *testers.users]))
    groups = {str(group.get("Name")): group for group in audience.get("Groups") or ()}
    whole = {name: {"Name": name, "RolloutPercentage": 100} for name in testers.groups}
    audience["Groups"] = list({**groups, **whole}.values())
    return changed


def is_on_for(document: Document, user: str, groups: Sequence[str] = ()) -> bool:
    """Whether that user has the flag (for variants: the one that is ramped), as applications decide it. Raises
    FlagRefused."""
    if not document.get("enabled"):
        return bool(_given_when_disabled(document))
    if document.get("variants"):
        return _allocated(document, user, groups)
    found = _targeting(document)
    if found is None:
        return True
    audience = _audience(found)
    excluded = audience.get("Exclusion") or {}
    if user in (excluded.get("Users") or ()) or set(groups) & set(excluded.get("Groups") or ()):
        return False
    if user in (audience.get("Users") or ()):
        return True
    name = str(document.get("id", ""))
    for group in audience.get("Groups") or ():
        part = _number(group.get("RolloutPercentage", 0))
        if group.get("Name") in groups and percent_of(f"{user}\n{name}\n{group['Name']}") < part:
            return True
    return percent_of(f"{user}\n{name}") < _number(audience.get("DefaultRolloutPercentage", 0))


def percent_of(context: str) -> float:
    """Where a user stands between 0 and 100: the first four bytes of SHA-256, little-endian, as Microsoft's feature
    management has it. The same text is always at the same place, so a growing share only ever adds users."""
    marker = int.from_bytes(hashlib.sha256(context.encode()).digest()[:4], "little")
    return marker / 0xFFFFFFFF * 100


def _allocated(document: Document, user: str, groups: Sequence[str]) -> bool:
    variant, allocation = _variant(document), document.get("allocation") or {}
    for entry in allocation.get("user") or ():
        if user in (entry.get("users") or ()):
            return bool(entry.get("variant") == variant)
    for entry in allocation.get("group") or ():
        if set(groups) & set(entry.get("groups") or ()):
            return bool(entry.get("variant") == variant)
    seed = allocation.get("seed") or f"allocation\n{document.get('id', '')}"
    return percent_of(f"{user}\n{seed}") < _percentile_of(document)


def _given_when_disabled(document: Document) -> str:
    """The variant that everybody has while the flag is disabled, where that is not the control."""
    allocation = _allocation(document)
    given = allocation.get("default_when_disabled")
    return str(given) if given in _names(document) and given != allocation.get("default_when_enabled") else ""


def _control_when_disabled(document: Document) -> Document:
    """Disabled, everybody has what they have without the flag: the variant of everybody else, or none."""
    allocation = _allocation(document)
    control = allocation.get("default_when_enabled")
    if control in _names(document):
        allocation["default_when_disabled"] = control
    else:
        allocation.pop("default_when_disabled", None)
    return document


def _allocation(document: Document) -> Document:
    found = document.get("allocation")
    return found if isinstance(found, dict) else {}


def _names(document: Document) -> list[str]:
    variants = document.get("variants")
    named = variants if isinstance(variants, list) else []
    return [str(each.get("name")) for each in named if isinstance(each, dict)]


def _variant(document: Document) -> str:
    """The one variant beside that of everybody else. A filter would decide before the allocation does."""
    if _targeting(document) is not None:
        raise _unknown(document, f"the filter {TARGETING} decides who is given one of its variants")
    names = _names(document)
    allocation = document.get("allocation") or {}
    others = allocation.get("default_when_enabled")
    if others not in names:
        raise _unknown(document, "`allocation.default_when_enabled` names none of its variants")
    given = [str(each.get("variant")) for each in allocation.get("percentile") or () if each.get("variant") != others]
    candidates = list(dict.fromkeys(given or [name for name in names if name != others]))
    if len(candidates) != 1 or candidates[0] not in names:
        words = f"beside {others} there is not one variant but {', '.join(candidates) or 'none'}"
        raise _unknown(document, words)
    return candidates[0]


def _percentile_of(document: Document) -> float:
    """Where the variant's part ends, which begins at 0."""
    variant = _variant(document)
    entries = (document.get("allocation") or {}).get("percentile") or ()
    ours = [each for each in entries if each.get("variant") == variant]
    rest = [each for each in entries if each.get("variant") != variant]
    if len(ours) > 1 or len(rest) > 1 or any(_number(each.get("from", 0)) != 0 for each in ours):
        raise _unknown(document, f"`allocation.percentile` gives {variant} other parts than one from 0")
    ends = _number(ours[0].get("to", 0)) if ours else 0.0
    if rest and (_number(rest[0].get("from", 0)) != ends or _number(rest[0].get("to", 100)) != 100):
        raise _unknown(document, f"`allocation.percentile` gives {variant} and the rest parts that do not meet")
    return ends


def _set_percentile(document: Document, percent: float) -> None:
    variant = _variant(document)
    _percentile_of(document)  # refuses what is not known
    allocation = document["allocation"]
    entries = allocation.setdefault("percentile", [])
    if not entries or all(each.get("variant") != variant for each in entries):
        entries.insert(0, {"variant": variant, "from": 0, "to": 0})
    for each in entries:
        if each.get("variant") == variant:
            each["to"] = _written(percent)
        else:
            each["from"] = _written(percent)


def _join(allocation: Document, kind: str, key: str, variant: str, names: Sequence[str]) -> None:
    if not names:
        return
    entries = allocation.setdefault(kind, [])
    ours = next((each for each in entries if each.get("variant") == variant), None)
    if ours is None:
        ours = {"variant": variant, key: []}
        entries.append(ours)
    ours[key] = list(dict.fromkeys([*(ours.get(key) or ()), *names]))


def _targeting(document: Document) -> Document | None:
    """The filter; None of a flag without any."""
    filters = (document.get("conditions") or {}).get("client_filters") or []
    if not isinstance(filters, list) or not all(isinstance(each, dict) for each in filters):
        raise _unknown(document, "`conditions.client_filters` is no list of filters")
    if any(each.get("name") in PERCENTAGE_FILTERS for each in filters):
        words = f"flag {document.get('id')}: the filter Microsoft.Percentage draws anew at every evaluation, so nobody"
        raise FlagRefused("FLAG_NOT_STICKY", f"{words} keeps what they have; use {TARGETING} or an allocation")
    if not filters:
        return None
    if len(filters) > 1 or filters[0].get("name") not in TARGETING_FILTERS:
        names = ", ".join(str(each.get("name")) for each in filters)
        raise _unknown(document, f"its filters are {names}, and {TARGETING} alone is known")
    found: Document = filters[0]
    return found


def _given_targeting(document: Document) -> Document:
    """A flag without any condition gets the filter, for nobody yet."""
    conditions = document.setdefault("conditions", {})
    if conditions is None:
        conditions = document["conditions"] = {}
    audience: Document = {"Users": [], "Groups": [], "DefaultRolloutPercentage": 0}
    found: Document = {"name": TARGETING, "parameters": {"Audience": audience}}
    conditions["client_filters"] = [found]
    return found


def _audience(targeting: Document) -> Document:
    parameters = targeting.setdefault("parameters", {})
    audience = parameters.setdefault("Audience", {}) if isinstance(parameters, dict) else None
    if not isinstance(audience, dict):
        raise FlagRefused("FLAG_SHAPE_UNKNOWN", f"the filter {TARGETING} has no `Audience` that could be read")
    return audience


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise FlagRefused("FLAG_SHAPE_UNKNOWN", f"a percentage of the flag is {value!r}, which is no number") from None
    if not 0 <= number <= 100:
        raise FlagRefused("FLAG_SHAPE_UNKNOWN", f"a percentage of the flag is {value!r}, which is not within 0 to 100")
    return number


def _written(percent: float) -> float | int:
    return int(percent) if float(percent).is_integer() else percent


def _unknown(document: Document, words: str) -> FlagRefused:
    name = document.get("id", "")
    return FlagRefused("FLAG_SHAPE_UNKNOWN", f"flag {name}: {words}, so it is left as it is")
