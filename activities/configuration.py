"""Activities on a release's configuration: fix it before anything is deployed, and look whether it is still there."""

import azure.durable_functions as df

from activities.answering import Order, answering, unless_aborted
from slipway.promotion.outcomes import Answer
from slipway.promotion.release_parts.configuration import KeptConfiguration, Place

bp = df.Blueprint()


@bp.activity_trigger(input_name="order", activity="fix_configuration")
@answering
@unless_aborted
def fix_configuration(order: Order) -> Answer:
    """The settings of the release at `place`, kept as a snapshot of the store. Looks before it acts, so it needs no
    receipt. Result: a `KeptConfiguration`, which has no setting's value in it."""
    from slipway.adapters.configuration.fixing import Fixing

    return Fixing().fix(Place.load(order["place"]), order["service"])


@bp.activity_trigger(input_name="order", activity="look_at_configuration")
@answering
def look_at_configuration(order: Order) -> Answer:
    """Whether the `configuration` of the release to go back to is there as it was fixed. Result: `state`."""
    from slipway.adapters.configuration.fixing import Fixing

    return Fixing().look(KeptConfiguration.load(order["configuration"]))
