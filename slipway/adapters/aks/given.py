"""Which side of a target a version was deployed to, as Helm remembers it: whatever somebody made of the side since."""

from slipway.adapters.aks.api import Api
from slipway.adapters.aks.clusters import Clusters
from slipway.adapters.aks.place import SIDES, place_of
from slipway.promotion.plan import Target
from slipway.settings import Settings


def sides_given(target: Target, version: str, settings_: Settings) -> list[str]:
    """The sides that Slipway gave the version last; none for a target without a Helm release. Raises AzureProblem."""
    if "helm" not in target.settings:
        return []
    place, api = place_of(target), Api(settings_, Clusters(settings_))
    return [side for side in SIDES if api.release(place, side).given == version]
