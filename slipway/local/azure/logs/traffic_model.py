"""Rows of traffic that nobody sent: a service's healthy history, and all of its traffic in virtual time.

Drawn by DuckDB itself, from hashes of seed, second and number instead of a generator's state: the same seconds are the
same rows, whichever span asks for them, and a million of them take about a second.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from slipway.local.azure.logs.store import TABLE, naive


@dataclass(frozen=True)
class Phase:
    """From `begins` until before `ends` a release serves `share` (0..1) of `role`'s `per_second` requests, by these
    instances. `error_rate` (0..1) is its own, on top of the service's; `latency_ms` is added to every request."""

    role: str
    begins: datetime
    ends: datetime
    version: str
    share: float
    instances: Sequence[str]
    per_second: float
    error_rate: float = 0.0
    latency_ms: float = 0.0


@dataclass(frozen=True)
class Service:
    """What its traffic is like whatever the release. `error_rate` 0..1; `noise`: by how much (log-sd) an instance's
    error rate differs from minute to minute; latencies are log-normal around `median_ms` with log-sd `spread`."""

    error_rate: float = 0.003
    noise: float = 0.3
    median_ms: float = 4.5
    spread: float = 0.35


def rows_of(phases: Sequence[Phase], service: Service, seed: int, begins: datetime, ends: datetime) -> str:
    """SQL for the rows, as they are stored, from `begins` until before `ends`, in no order.

    Requests of a second are Poisson-like (normal with that variance); which release serves one is drawn from the
    shares of its phase, and nobody serves it when they are less than 1 in all.
    """
    if not phases:
        return f"SELECT * FROM {TABLE} WHERE false"
    seconds = f"generate_series(date_trunc('second', {_at(begins)}), {_at(ends)}, INTERVAL 1 SECOND)"
    a_second = f"xor(xor(hash(role), hash(s)), hash({seed}))"
    an_instances_minute = "xor(hash(instance), hash(date_trunc('minute', s)))"
    return f"""
    WITH phases AS (
        SELECT * FROM (VALUES {", ".join(_values(phases))}) AS p(role, phase_begins, phase_ends, version, low, high,
            instances, per_second, error_rate, latency_ms)),
    seconds AS (SELECT unnest({seconds}) AS s),
    rates AS (
        SELECT s, role, any_value(per_second) AS rate
        FROM seconds JOIN phases ON s >= phase_begins AND s < phase_ends GROUP BY s, role),
    counts AS (SELECT s, role, greatest(0, round(rate + sqrt(rate) * {_normal(a_second)}))::BIGINT AS n FROM rates),
    draws AS (SELECT s, role, hash(xor({a_second}, unnest(range(n))::UBIGINT)) AS h FROM counts),
    requests AS (
        SELECT *, s + to_microseconds(floor({_uniform("h", 1)} * 1000000)::BIGINT) AS moment,
            {_uniform("h", 2)} AS chosen, {_uniform("h", 3)} AS failing, {_uniform("h", 4)} AS answering
        FROM draws),
    served AS (
        SELECT requests.*, version, latency_ms, error_rate,
            instances[1 + (answering * len(instances))::BIGINT % len(instances)] AS instance
        FROM requests JOIN phases p
        ON p.role = requests.role AND s >= phase_begins AND s < phase_ends AND chosen >= low AND chosen < high),
    judged AS (
        SELECT *,
            failing >= error_rate + {service.error_rate} * exp({service.noise} * {_normal(an_instances_minute)}) AS ok
        FROM served)
    SELECT moment AS TimeGenerated, h AS Number, role AS AppRoleName, instance AS AppRoleInstance,
        version AS AppVersion, '/' AS Url, CASE WHEN ok THEN '200' ELSE '500' END AS ResultCode, ok AS Success,
        latency_ms + {service.median_ms} * exp({service.spread} * {_normal("h", 5)}) AS DurationMs, 1 AS ItemCount
    FROM judged WHERE moment >= {_at(begins)} AND moment < {_at(ends)}
    """


def _values(phases: Sequence[Phase]) -> list[str]:
    """Shares of one role at one time lie side by side in 0..1, in the order of the phases."""
    reached: dict[tuple[str, datetime, datetime], float] = {}
    values = []
    for phase in phases:
        when = (phase.role, phase.begins, phase.ends)
        low = reached.get(when, 0.0)
        high = reached[when] = low + phase.share
        instances = ", ".join(_text(each) for each in phase.instances)
        values.append(
            f"({_text(phase.role)}, {_at(phase.begins)}, {_at(phase.ends)}, {_text(phase.version)}, {low}, {high},"
            f" [{instances}], {float(phase.per_second)}, {phase.error_rate}, {phase.latency_ms})"
        )
    return values


def _uniform(hashed: str, number: int = 0) -> str:
    """In [0, 1), one of several to be drawn from a hash: the upper 53 bits of another one.

    `hash` mixes a single number well; of several together it makes draws that depend on each other.
    """
    return f"((hash(xor({hashed}, {number}::UBIGINT)) >> 11)::DOUBLE / 9007199254740992.0)"


def _normal(hashed: str, number: int = 0) -> str:
    """Standard normal (Box and Muller 1958), from the draws `number` and the one after."""
    return f"(sqrt(-2 * ln(1 - {_uniform(hashed, number)})) * cos(2 * pi() * {_uniform(hashed, number + 1)}))"


def _at(moment: datetime) -> str:
    return f"TIMESTAMP '{naive(moment)}'"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
