"""What the platform's metrics of a ramp go by: where the app is, and its two revisions."""

from typing import NamedTuple

from slipway.adapters.container_apps.apps import Apps, place_of
from slipway.promotion.plan import Target
from slipway.settings import Settings


class RampedApp(NamedTuple):
    """`canary` and `baseline` are names of revisions."""

    location: str
    canary: str
    baseline: str


def ramped_app(settings: Settings, target: Target, version: str) -> RampedApp:
    """The version's revision, and the live one beside it. Raises AzureProblem."""
    place = place_of(target)
    app, canary = Apps(settings).app(place), place.revision_of(version)
    return RampedApp(app.location, canary, app.weights.live(but=canary))
