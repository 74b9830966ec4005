"""Whose rows lie in which workspace, and whose a query is about: a dedicated tenant has a workspace of its own, and all
others are one and the same."""

import re
from collections.abc import Sequence

from slipway.local.azure.config import TrafficConfig
from slipway.local.azure.logs.store import TABLE

# A query that takes the requests of one role, and of no other, wherever it names them.
_ROLE = re.compile(r'^let role = "([^"\\]*)";$', re.MULTILINE)
_OF_ROLE = re.compile(r"\bAppRequests\s*\|\s*where TimeGenerated[^|]*\|\s*where AppRoleName == role\b")


def traffic_of(workspace: str, traffic: Sequence[TrafficConfig]) -> tuple[TrafficConfig, ...]:
    """The traffic that is told to the workspace with that id."""
    owner = workspace if any(each.workspace == workspace for each in traffic) else ""
    return tuple(each for each in traffic if each.workspace == owner)


def asked_for(kql: str, traffic: Sequence[TrafficConfig]) -> tuple[TrafficConfig, ...]:
    """What of the traffic can be in the query's answer, so that nothing else need be drawn for it."""
    role = _ROLE.search(kql)
    if role is None or len(_OF_ROLE.findall(kql)) != kql.count("AppRequests"):
        return tuple(traffic)
    return tuple(each for each in traffic if role_of(each) == role[1])


def rows_in(workspace: str, traffic: Sequence[TrafficConfig]) -> str:
    """SQL for the stored rows that lie there: they are known by their roles."""
    dedicated = {role_of(each) for each in traffic if each.workspace}
    own = {role_of(each) for each in traffic if each.workspace == workspace} & dedicated
    if not dedicated:
        return TABLE
    names = ", ".join("'" + each.replace("'", "''") + "'" for each in sorted(own or dedicated))
    return f"(SELECT * FROM {TABLE} WHERE AppRoleName {'' if own else 'NOT '}IN ({names}))"


def role_of(traffic: TrafficConfig) -> str:
    """The cloud role under which the site tells."""
    return traffic.role or traffic.service
