"""What a target was given, as Helm remembers it: which side a version, and which package a version was."""

from slipway.adapters.aks.api import Api
from slipway.adapters.aks.clusters import Clusters
from slipway.adapters.aks.place import SIDES, place_of
from slipway.adapters.aks.revisions import package_digest
from slipway.adapters.switches import switch_of
from slipway.promotion.plan import Target
from slipway.settings import Settings


def sides_given(target: Target, version: str, settings_: Settings) -> list[str]:
    """The sides that Slipway gave the version last, whatever somebody made of them since; none for a target without a
    Helm release. Raises AzureProblem."""
    if "helm" not in target.settings:
        return []
    place, api = place_of(target), Api(settings_, Clusters(settings_))
    return [side for side in SIDES if api.release(place, side).given == version]


def is_reused(target: Target, version: str, package: str, settings_: Settings) -> bool:
    """Whether the side with the users holds the version as another package: with another chart, image or values. Raises
    AzureProblem."""
    side = switch_of(target, settings_).read(target).side
    if not side:
        return False
    place = place_of(target)
    release = Api(settings_, Clusters(settings_)).release(place, side)
    return release.version == version and release.package != package_digest(package, place.values)
