"""Activity `compare_loads`: keeps what load tests measured, and compares it with the release before."""

from functools import partial

import azure.durable_functions as df

from activities.answering import Order, answering
from slipway.adapters.read_model import newest_releases
from slipway.promotion.ledger import proven_before
from slipway.promotion.outcomes import Answer, passed
from slipway.promotion.plan import LoadTest

bp = df.Blueprint()

LOOKS_BACK = 50  # releases of the ledger


@bp.activity_trigger(input_name="order", activity="compare_loads")
@answering
def compare_loads(order: Order) -> Answer:
    """Keep each of `loads` (target, test, measured) under `rev`, and compare it where its test says so.

    Result `verdicts`: for each load, in their order, the `Answer` of `compare` as JSON. Safe to repeat.
    """
    # Only who has a load needs the statistics: a cold start has not.
    from slipway.adapters.measured_loads import keep_load, load_kept
    from slipway.promotion.load_comparison import last_comparable
    from slipway.promotion.loads import compare, kept_of

    proven: list[str] | None = None
    verdicts = []
    where = order["environment"], order["service"], order["stage"]
    for load in order["loads"]:
        test = LoadTest.load(load["test"])
        now = kept_of(order["version"], test, load["measured"])
        keep_load(*where, load["target"], now, order["rev"])
        if not test.against:
            verdicts.append(passed())
            continue
        if proven is None:
            releases, _ = newest_releases(order["environment"], order["service"], LOOKS_BACK)
            proven = proven_before(releases, order["version"])
        kept = partial(load_kept, *where, load["target"], test.name)
        verdicts.append(compare(now, last_comparable(proven, kept)))
    return passed(verdicts=[verdict.dump() for verdict in verdicts])
