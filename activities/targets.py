"""Activities on targets: look, deploy to the idle side, swap, stop the idle side."""

from typing import TYPE_CHECKING

import azure.durable_functions as df

from activities.answering import Order, answering, unless_aborted
from activities.once import fenced, once
from slipway.adapters.fences import Fences
from slipway.promotion.outcomes import Answer, passed, running
from slipway.promotion.plan import Target
from slipway.promotion.port_values import Receipt

if TYPE_CHECKING:
    from slipway.adapters.app_service import AppService

bp = df.Blueprint()


@bp.activity_trigger(input_name="order", activity="survey_targets")
@answering
def survey_targets(order: Order) -> Answer:
    """What every target answers now: result `sites`, by name, with addresses and versions ("" = none), and
    the highest `fence` that any of them is under."""
    sites = {}
    for data in order["targets"]:
        state = _app_service().read_live(Target(**data), order["version_path"])
        if state.in_progress:
            return running({}, 1.0, f"{data['name']}: another operation is under way")
        sites[data["name"]] = {
            "production": state.production_address,
            "idle": state.idle_address,
            "previous": state.production_version or "",
            "idle_was": state.idle_version or "",
        }
    highest = max(Fences().highest(Target(**data)) for data in order["targets"])
    return passed(sites=sites, fence=highest)


@bp.activity_trigger(input_name="order", activity="deploy")
@answering
@unless_aborted
def deploy(order: Order) -> Answer:
    """Start the deployment of `package` to the target's idle side, or poll the one that `handle` names."""
    target, version, path = Target(**order["target"]), order["version"], order["version_path"]

    def start(receipt: Receipt) -> Answer:
        return _app_service().start_deployment(
            target,
            order["package"],
            order["operation"],
            receipt.intent_at,
            resuming=not receipt.new,
            version=version,
            version_path=path,
        )

    return once(order, start, lambda handle: _app_service().poll_deployment(target, handle, version, path))


@bp.activity_trigger(input_name="order", activity="swap")
@answering
@unless_aborted
def swap(order: Order) -> Answer:
    """Start the swap that makes `version` live, or poll the one that `handle` names."""
    target, version, path = Target(**order["target"]), order["version"], order["version_path"]

    def start(receipt: Receipt) -> Answer:
        resuming = not receipt.new
        return _app_service().start_swap(target, version, order["operation"], receipt.intent_at, resuming, path)

    return once(order, start, lambda handle: _app_service().poll_swap(target, handle, version, path))


@bp.activity_trigger(input_name="order", activity="stop_idle")
@answering
def stop_idle(order: Order) -> Answer:
    """Stop the idle side, so that a release that was taken back answers nowhere. Safe to repeat."""
    return fenced(order, lambda: _app_service().stop_idle(Target(**order["target"])))


def _app_service() -> "AppService":
    from slipway.adapters.app_service import AppService

    return AppService()
