"""Which revision is which: the live one, the idle one, and those that no way back needs any more. Pure."""

from collections.abc import Sequence

from slipway.adapters.container_apps.apps import App, Place, Revision


def live_of(app: App, revisions: Sequence[Revision]) -> Revision | None:
    """The revision with the largest weight."""
    return next((each for each in revisions if each.name == app.weights.live()), None)


def idle_of(app: App, revisions: Sequence[Revision]) -> Revision | None:
    """Of revisions, newest first, the first active one without a weight. One with a label is somebody's own, and
    stands behind the others. When none is active, the one that had the traffic before, if somebody has stopped it."""
    idle = [each for each in revisions if each.active and not app.weights.percent(each.name)]
    before = [each for each in revisions if not each.active and app.weights.is_listed(each.name)]
    return min(idle or before, key=lambda each: app.weights.is_labelled(each.name), default=None)


def held_by(place: Place, revision: Revision) -> str:
    """The version that a revision of ours runs: its image's tag, which a digest leaves as it is. "" for a revision that
    we have not named."""
    tag = revision.image.partition("@")[0].rpartition(":")[2]
    return tag if place.revision_of(tag) == revision.name else ""


def outlived(place: Place, app: App, revisions: Sequence[Revision]) -> list[Revision]:
    """Revisions of ours, newest first, that run for nobody: there is a newer idle one, to which the live one goes
    back. Each costs as much as one with users."""
    idle = [each for each in revisions if each.active and not app.weights.percent(each.name)]
    ours = [each for each in idle if held_by(place, each) and not app.weights.is_labelled(each.name)]
    return ours[1:]
