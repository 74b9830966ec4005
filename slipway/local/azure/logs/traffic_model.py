"""Rows of traffic that nobody sent: a service's healthy history, and all of its traffic in virtual time.

How many there are in a minute is drawn in `minutes`; DuckDB makes the rows of it, from hashes of seed, instance, minute
and number instead of a generator's state: the same minutes are the same rows, whichever span asks for them.
"""

from collections.abc import Iterable

from slipway.local.azure.logs.minutes import Minutes
from slipway.local.azure.logs.store import TABLE, naive

FEWEST_ROWS = 60  # of good requests, an instance and minute


def rows_of(drawn: Iterable[Minutes], items: int = 1) -> str:
    """SQL for the rows, as they are stored, of all that was drawn, in no order.

    Up to `items` good requests of an instance are told as one row (`ItemCount`), with one latency, as sampled telemetry
    is, where it has many of them; a bad one always is a row of its own.
    """
    parts = [_values(each) for each in drawn]
    if not parts:
        return f"SELECT * FROM {TABLE} WHERE false"
    together = f"least({items}, greatest(1, requests // {FEWEST_ROWS}))"
    # Good requests are spread over their minute evenly; bad ones come as they come.
    moment = f"CASE WHEN ok THEN (i + {_uniform('number', 1)}) / n ELSE {_uniform('number', 1)} END"
    return f"""
    WITH parts AS (
        SELECT * FROM (VALUES {", ".join(parts)}) AS p(role, version, instance, begins, first, last, latency_ms,
            median_ms, spread, seed, goods, bads)),
    minutes AS (
        SELECT * EXCLUDE (goods, bads), unnest(goods) AS good, unnest(bads) AS bad,
            begins + to_minutes(unnest(range(len(goods)))) AS minute
        FROM parts),
    hashed AS (
        SELECT *, hash(xor(xor(hash(role || ' ' || version || ' ' || instance), hash(minute)), hash(seed))) AS h,
            unnest([true, false]) AS ok
        FROM minutes),
    counted AS (SELECT *, CASE WHEN ok THEN good ELSE bad END AS requests FROM hashed),
    grouped AS (SELECT *, CASE WHEN ok THEN ceil(requests / {together})::BIGINT ELSE requests END AS n FROM counted),
    rows AS (SELECT *, unnest(range(n)) AS i FROM grouped),
    numbered AS (SELECT *, hash(xor(h, (2 * i + ok::INT)::UBIGINT)) AS number FROM rows),
    timed AS (SELECT *, minute + to_microseconds(floor({moment} * 60000000)::BIGINT) AS moment FROM numbered)
    SELECT moment AS TimeGenerated, number AS Number, role AS AppRoleName, instance AS AppRoleInstance,
        version AS AppVersion, '/' AS Url, CASE WHEN ok THEN '200' ELSE '500' END AS ResultCode, ok AS Success,
        latency_ms + median_ms * exp(spread * {_normal("number", 2)}) AS DurationMs,
        (requests // n + (i < requests % n)::INT)::INTEGER AS ItemCount, '' AS UserId
    FROM timed WHERE moment >= first AND moment < last
    """


def _values(part: Minutes) -> str:
    phase, service = part.phase, part.service
    texts = (_text(each) for each in (phase.role, phase.version, part.instance))
    moments = (f"TIMESTAMP '{naive(each)}'" for each in (part.begins, part.first, part.last))
    numbers = (f"{float(each)!r}::DOUBLE" for each in (phase.latency_ms, service.median_ms, service.spread))
    counts = (f"'{each}'::INTEGER[]" for each in (part.good, part.bad))
    return f"({', '.join([*texts, *moments, *numbers, str(part.seed), *counts])})"


def _uniform(hashed: str, number: int) -> str:
    """In [0, 1), one of several to be drawn from a hash: the upper 53 bits of another one.

    `hash` mixes a single number well; of several together it makes draws that depend on each other.
    """
    return f"((hash(xor({hashed}, {number}::UBIGINT)) >> 11)::DOUBLE / 9007199254740992.0)"


def _normal(hashed: str, number: int) -> str:
    """Standard normal (Box and Muller 1958), from the draws `number` and the one after."""
    return f"(sqrt(-2 * ln(1 - {_uniform(hashed, number)})) * cos(2 * pi() * {_uniform(hashed, number + 1)}))"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
