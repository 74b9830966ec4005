"""Activities on targets: look, deploy to the idle side, swap, stop the idle side."""

import azure.durable_functions as df

from activities.answering import Order, answering, unless_aborted
from activities.once import fenced, once
from slipway.adapters.fences import Fences
from slipway.adapters.platforms import platform_of
from slipway.promotion.outcomes import Answer, passed, running
from slipway.promotion.plan import Target
from slipway.promotion.port_values import Receipt
from slipway.settings import settings

bp = df.Blueprint()


@bp.activity_trigger(input_name="order", activity="survey_targets")
@answering
def survey_targets(order: Order) -> Answer:
    """What every target answers now: result `sites`, by name, with addresses and versions ("" = none; `held` is the
    platform's own word for what is live), and the highest `fence` that any of them is under; and which are `reused`:
    they serve the version that the release brings already, as another package."""
    sites, reused = {}, []
    for data in order["targets"]:
        target = Target(**data)
        state = platform_of(target).read_live(target, order["version_path"])
        if state.in_progress:
            return running({}, 1.0, f"{data['name']}: another operation is under way")
        if (brings := order.get("brings", {}).get(target.name)) and state.production_version == brings["version"]:
            from slipway.adapters.aks.given import is_reused

            reused += [target.name] if is_reused(target, **brings, settings_=settings()) else []
        sites[data["name"]] = {
            "production": state.production_address,
            "live": state.live_address,
            "idle": state.idle_address,
            "previous": state.production_version or "",
            "idle_was": state.idle_version or "",
            "held": state.held_version,
        }
    highest = max(Fences().highest(Target(**data)) for data in order["targets"])
    return passed(sites=sites, fence=highest, reused=reused)


@bp.activity_trigger(input_name="order", activity="deploy")
@answering
@unless_aborted
def deploy(order: Order) -> Answer:
    """Start the deployment of `package` to the target's idle side, or poll the one that `handle` names."""
    target, version, path = Target(**order["target"]), order["version"], order["version_path"]

    def start(receipt: Receipt) -> Answer:
        return platform_of(target).start_deployment(
            target,
            order["package"],
            order["operation"],
            receipt.intent_at,
            resuming=not receipt.new,
            version=version,
            version_path=path,
        )

    return once(order, start, lambda handle: platform_of(target).poll_deployment(target, handle, version, path))


@bp.activity_trigger(input_name="order", activity="swap")
@answering
@unless_aborted
def swap(order: Order) -> Answer:
    """Start the swap that makes `version` live, or poll the one that `handle` names."""
    target, version, path = Target(**order["target"]), order["version"], order["version_path"]

    def start(receipt: Receipt) -> Answer:
        resuming = not receipt.new
        return platform_of(target).start_swap(target, version, order["operation"], receipt.intent_at, resuming, path)

    return once(order, start, lambda handle: platform_of(target).poll_swap(target, handle, version, path))


@bp.activity_trigger(input_name="order", activity="stop_idle")
@answering
def stop_idle(order: Order) -> Answer:
    """Stop the idle side, so that `version`, which was taken back, answers nowhere. Safe to repeat."""
    target, version = Target(**order["target"]), order["version"]
    return fenced(order, lambda: platform_of(target).stop_idle(target, version))


@bp.activity_trigger(input_name="order", activity="start_idle")
@answering
def start_idle(order: Order) -> Answer:
    """Start the side that holds `version`, to which `live` is to go back, and wait until it answers. Safe to repeat."""
    target, version, live, path = Target(**order["target"]), order["version"], order["live"], order["version_path"]
    return fenced(order, lambda: platform_of(target).start_idle(target, version, live, path))


@bp.activity_trigger(input_name="order", activity="stop_old_side")
@answering
def stop_old_side(order: Order) -> Answer:
    """Stop the side that holds `version`, which `live` replaced, while that is live; result `stopped`. Does nothing
    under a fence that somebody has outgrown. Safe to repeat."""
    target, version, live, path = Target(**order["target"]), order["version"], order["live"], order["version_path"]
    return fenced(order, lambda: platform_of(target).stop_old_side(target, version, live, path))
