"""Whether a gate's settings are at least as strict as those that a policy wants: each setting has its direction."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from slipway.promotion.gates.plan import GatePlan

Weaker = Callable[[Any, Any], bool]  # what is wanted, what the gate has (None: nothing)


def _below(wanted: Any, has: Any) -> bool:
    return has is None or has < wanted


def _above(wanted: Any, has: Any) -> bool:
    return has is None or has > wanted


def _unset(wanted: Any, has: Any) -> bool:
    return bool(wanted) and not has


def _limits_above(wanted: Mapping[str, Any], has: Any) -> bool:
    return any(_above(most, (has or {}).get(name)) for name, most in wanted.items())


def _leaves_out(wanted: Iterable[Any], has: Any) -> bool:
    return not set(wanted) <= set(has or ())


def _takes_others(wanted: Iterable[Any], has: Any) -> bool:
    """Nothing at all takes nothing else."""
    return not set(has or ()) <= set(wanted)


def _takes_any(wanted: Iterable[Any], has: Any) -> bool:
    """Nothing at all takes everything."""
    return not has or _takes_others(wanted, has)


def _ignores_others(wanted: Iterable[str], has: Any) -> bool:
    return _takes_others(wanted, [each["id"] for each in has or ()])


def _another(wanted: Any, has: Any) -> bool:
    return bool(has != wanted)


def _another_or_none(wanted: Any, has: Any) -> bool:
    return bool(has) and has != wanted


_DIRECTIONS: dict[str, dict[str, Weaker]] = {
    "coverage": {"line": _below, "branch": _below, "not_lower": _unset},
    "sarif": {"max": _limits_above, "new": _above, "tools": _leaves_out},
    "tests": {"failed": _above, "skipped": _above, "at_least": _below},
    "sbom": {"max": _limits_above, "ignore": _ignores_others, "denied_licences": _leaves_out, "at_least": _below},
    "provenance": {
        "builders": _takes_any,
        "source": _another,
        "keys": _takes_others,
        "sigstore": _another_or_none,
        "predicates": _takes_any,
    },
    "kql": {"query": _another, "expect": _another, "workspace": _another, "over": _below},
    "webhook": {"url": _another},
    "defender": {"max": _limits_above},
    "performance": {},
}


def weaker(wanted: GatePlan, has: GatePlan) -> list[str]:
    """The settings in which `has`, a gate of the same kind, is weaker than `wanted`; empty where it is in none."""
    directions = _DIRECTIONS[wanted.kind]
    found = [name for name, value in wanted.settings.items() if directions[name](value, has.settings.get(name))]
    ages = bool(wanted.max_age_s) and not 0 < has.max_age_s <= wanted.max_age_s
    return [*found, *(["max_age"] if ages else [])]
