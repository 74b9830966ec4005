"""Every fault of Azure at every kind of request that the workflow makes: through the official SDKs over TLS. What
comes of it is named, is never the release's fault, and the effect comes once."""

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest

from activities import targets
from slipway.adapters import patience
from slipway.adapters.app_service import AppService
from slipway.adapters.app_service.site import Sites, place_of
from slipway.adapters.audit_log import AuditLog
from slipway.adapters.read_model import promotion_rows
from slipway.promotion.audit import verify
from slipway.promotion.outcomes import Outcome
from slipway.promotion.plan import Header, HealthCheck, Target
from slipway.settings import settings
from tests.activities.conftest import Promotion, a_secret
from tests.activities.test_records import a_record
from tests.app_host import AppHost, eventually
from tests.laptop import AzureStandin

DEPLOYS, SWAPS, STOPS = "lost", "swapped", "stopped"
FIRST, NEXT, OVER = "the first call", "the next call", "a call when Azure is done"
AGAIN, DENIED, MISSING = "again", "AZURE_DENIED", "AZURE_MISSING"
ACTION = "Microsoft.Web/sites/read"
EVERY_CASE = os.environ.get("AZURE_FAULTS") == "all"  # also those that say what another one says


@dataclass(frozen=True)
class Fault:
    """What Azure does to `times` requests, and what an activity makes of it: it comes AGAIN, or is broken by a code."""

    name: str
    how: dict[str, Any]
    comes_to: str = AGAIN
    times: int = 1


def answered(status: int, message: str = "said by Azure", after_ms: int = 5) -> dict[str, Any]:
    """An error in the shapes of Resource Manager, of the tables, and of the blobs."""
    code = f"Said{status}"
    body = {"error": {"code": code, "message": message}, "odata.error": {"code": code, "message": {"value": message}}}
    headers = {"retry-after-ms": str(after_ms), "x-ms-error-code": code}
    return {"answer": {"status": status, "headers": headers, "body": body}}


LONG_MS = 7000
FAULTS = (
    Fault("401", answered(401), DENIED),
    Fault("403", answered(403, f"no authorization to perform action '{ACTION}' over scope '/'"), DENIED),
    Fault("404", answered(404), MISSING),
    Fault("409", answered(409)),
    Fault("429", answered(429, after_ms=LONG_MS)),
    Fault("500 once", answered(500)),
    Fault("500 for ever", answered(500), times=999),
    Fault("time-out", {"drop": "after", "hold_s": 0.5}),
    Fault("dropped before", {"drop": "before"}),
    Fault("dropped after", {"drop": "after"}),
)
LOST = ("time-out", "dropped before", "dropped after")


@dataclass(frozen=True)
class Request:
    """One kind of request: which activity makes it, how it is known, and with which of its calls it comes.

    `repeats`: after which faults the SDK asks again by itself, so that nobody may notice. `instead`: faults that
    come to something else here than elsewhere.
    """

    activity: str
    what: str
    method: str | None
    path: str
    comes_with: str = FIRST
    repeats: tuple[str, ...] = ()
    instead: dict[str, str] = field(default_factory=dict)


BY_SDK = ("429", "500 once", *LOST)
MADE_ANEW = {
    "404": AGAIN
}  # a table or blob that is missing is made; what is not told of an operation is looked for at the site

REQUESTS = (
    Request("survey_targets", "look at the live side", "GET", f"/sites/{SWAPS}?", repeats=LOST),
    Request("deploy", "look at the slot", "GET", f"/sites/{DEPLOYS}/slots/staging?", repeats=LOST),
    Request("deploy", "put the package", "PUT", "extensions/onedeploy"),
    Request("deploy", "poll", "GET", "deploymentStatus/", NEXT, LOST, MADE_ANEW),
    Request("swap", "look before", "GET", f"/sites/{SWAPS}?", repeats=LOST),
    Request("swap", "start", "POST", "slotsswap"),
    Request("swap", "poll", "GET", "operationresults", NEXT, LOST, {**MADE_ANEW, "409": AGAIN}),
    Request("swap", "read back", "GET", f"/sites/{SWAPS}?", OVER, LOST),
    Request("swap", "begin the receipt", "POST", "/tables/receipts", repeats=BY_SDK, instead=MADE_ANEW),
    Request("swap", "keep the receipt", "PUT", "/tables/receipts", repeats=BY_SDK),
    Request("swap", "read the receipt", "GET", "/tables/receipts", OVER, BY_SDK),
    Request("start_idle", "start", "POST", "/slots/staging/start"),
    Request("stop_idle", "stop", "POST", "/slots/staging/stop"),
    Request("stop_idle", "read the fence", "GET", "/tables/fences", repeats=BY_SDK),
    Request("stop_idle", "claim the fence", "PUT", "/tables/fences", repeats=BY_SDK),
    Request("check_health", "look for an abort", "GET", "/tables/promotions", repeats=BY_SDK),
    Request("check_health", "read a secret", "GET", "/secrets/", repeats=BY_SDK, instead={"404": "SECRET_MISSING"}),
    Request("record", "look at the audit", "GET", "/blob/", repeats=BY_SDK, instead=MADE_ANEW),
    Request("record", "read the audit", "GET", "/blob/", repeats=BY_SDK, instead=MADE_ANEW),
    Request("record", "append to the audit", "PUT", "comp=appendblock", repeats=BY_SDK),
    Request("record", "write a row", "PUT", "/tables/promotions(", repeats=BY_SDK),
    Request("record", "list the promotion", None, "/tables/promotionlist", repeats=BY_SDK),
    Request("claim_promotion", "claim the intake row", "PUT", "/tables/promotions", repeats=BY_SDK),
    Request("end_promotion", "end the intake row", None, "/tables/promotions", repeats=BY_SDK),
)


@dataclass(frozen=True)
class Work:
    """One activity's order, and whether what it is for is there, once."""

    activity: str
    order: dict[str, Any]
    done: Callable[[], bool]


Works = Callable[[str], Work]


@pytest.fixture
def works(app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int) -> Works:
    def deploy() -> Work:
        before = len(azure.deployments(DEPLOYS))
        order = promotion.change(DEPLOYS, "deploy", fence=fence)
        return Work("deploy", order, lambda: len(azure.deployments(DEPLOYS)) == before + 1)

    def swap() -> Work:
        idle = AppService().read_live(azure.target(SWAPS)).idle_version or promotion.version
        if idle == promotion.version:
            assert app.followed("deploy", promotion.change(SWAPS, "deploy", fence=fence)).outcome is Outcome.PASSED
        return Work("swap", promotion.change(SWAPS, "swap", idle, fence), lambda: azure.live_version(SWAPS) == idle)

    def start_idle() -> Work:
        """By a swap that finds its slot stopped."""
        it = swap()
        Sites(settings()).stop_idle(place_of(azure.target(SWAPS)))
        return it

    def stop_idle() -> Work:
        Sites(settings()).start_idle(place_of(azure.target(STOPS)))
        order = promotion.change(STOPS, "stop-idle", fence=fence)
        return Work("stop_idle", order, lambda: azure.slot_state(STOPS) == "Stopped")

    def survey_targets() -> Work:
        order = {"promotion": promotion.id, "targets": [asdict(azure.target(SWAPS))], "version_path": "/version"}
        return Work("survey_targets", order, lambda: True)

    def check_health() -> Work:
        check = HealthCheck("/version", successes=1, headers=(Header("x-probe-key", secret=a_secret(azure)),))
        address = azure.ready["sites"][STOPS]
        order = {"promotion": promotion.id, "address": address, "version": "1.0.0", "health": asdict(check)}
        return Work("check_health", order, lambda: True)

    def record() -> Work:
        assert app.activity("record", a_record(promotion, 1)).outcome is Outcome.PASSED

        def kept() -> bool:
            lines = AuditLog().lines(promotion.id)
            row = promotion_rows(promotion.id)["promotion"]
            return (len(lines), verify(lines), row["state"]) == (2, None, "rev 2")

        return Work("record", a_record(promotion, 2), kept)

    def claim_promotion() -> Work:
        return Work("claim_promotion", given, lambda: promotion.intake.get("token") == "t1")

    def end_promotion() -> Work:
        return Work("end_promotion", given, lambda: promotion.intake["state"] == "ended")

    given = {"promotion": promotion.id, "token": "t1"}
    made = (deploy, swap, start_idle, stop_idle, survey_targets, check_health, record, claim_promotion, end_promotion)
    return lambda name: next(each for each in made if each.__name__ == name)()


@pytest.fixture(autouse=True)
def _short_pauses(azure: AzureStandin, configured: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(targets, "platform_of", lambda _: AppService(settle_s=0.05))
    monkeypatch.setenv("SLIPWAY_VAULT", azure.url)
    use_clients_of("short-pauses", monkeypatch, BLOB_PAUSE_S=0)
    yield
    settings.cache_clear()


def use_clients_of(name: str, monkeypatch: pytest.MonkeyPatch, **patience_: float) -> None:
    """Clients are kept by their settings: those of a name of their own are made with this patience."""
    for limit, seconds in patience_.items():
        monkeypatch.setattr(patience, limit, seconds)
    monkeypatch.setenv("SLIPWAY_AUDIENCE", name)
    settings.cache_clear()


def service_of(request: Request) -> str:
    """Whose client sends it: each service has an SDK of its own."""
    return next((each for each in ("tables", "blob", "secrets") if each in request.path), "Resource Manager")


def differs(request: Request, fault: Fault) -> bool:
    """Whether the case says something that another one does not.

    A lost read is lost, before or after. Where the SDK asks again by itself, 500 for ever has 500 once within it, and
    nobody but the SDK hears of a request that had no effect, nor whether an answer was late or lost. A token that is
    not taken is told by the same code whatever it was for. So one request of each service and method shows these.
    """
    if fault.name == "dropped before" and request.method in ("GET", "HEAD"):
        return False
    if fault.name == "500 once" and fault.name in request.repeats:
        return False
    if fault.name == "401" or (fault.name in request.repeats and fault.name != "dropped after"):
        kin = (each for each in REQUESTS if fault.name == "401" or fault.name in each.repeats)
        alike = (each for each in kin if (service_of(each), each.method) == (service_of(request), request.method))
        return request is next(alike)
    return True


CASES = [
    pytest.param(request, fault, id=f"{request.activity}, {request.what}, {fault.name}")
    for request in REQUESTS
    for fault in FAULTS
    if EVERY_CASE or differs(request, fault)
]


@pytest.mark.parametrize(("request_", "fault"), CASES)
def test_a_fault_of_azure_is_named_and_the_effect_comes_once(
    app: AppHost,
    azure: AzureStandin,
    works: Works,
    request_: Request,
    fault: Fault,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    it = works(request_.activity)
    order = it.order
    if request_.comes_with != FIRST:
        started = app.activity(it.activity, order)
        assert started.running and started.handle["kind"] in ("deployment", "swap"), started
        order = {**order, "handle": started.handle}
    if request_.comes_with == OVER:
        until_quiet(azure, it)
    if fault.name == "time-out":
        use_clients_of("impatient", monkeypatch, READ_S=0.25, VAULT_S=0.25)
    unnoticed = fault.name in request_.repeats
    how = answered(429) if unnoticed and fault.name == "429" else fault.how
    comes_to = request_.instead.get(fault.name, fault.comes_to)
    # Resource Manager is asked a second time then, with a new token (tests/adapters/test_arm_policy.py).
    times = 2 if fault.name == "401" and service_of(request_) == "Resource Manager" else fault.times
    azure.fault(request_.method, request_.path, times, **how)
    answer = app.activity(it.activity, order)
    left = azure.faults_left()
    assert not left or left[0]["times"] < times, "nobody met the fault"
    if comes_to == AGAIN:
        if not unnoticed and fault.name not in request_.instead:
            assert answer.running and answer.words, answer
            assert not answer.words.endswith("; started"), "a write is one try"
        if fault.name == "429" and not unnoticed:
            assert answer.after_s >= LONG_MS / 1000, "Azure is not asked sooner than it wants to be"
        if fault.times > 1:
            answer = app.activity(it.activity, {**order, "handle": answer.handle})
            assert answer.running and answer.words, answer
        azure.forget_faults()
        ended = app.followed(it.activity, {**order, "handle": answer.handle}, answer)
        assert ended.outcome is Outcome.PASSED, ended
        assert it.done()
        assert app.activity(it.activity, it.order).outcome is Outcome.PASSED and it.done(), "once more is no other"
    else:
        assert (answer.state, answer.code) == (Outcome.BROKEN, comes_to), answer
        if fault.name == "403":
            assert (f"lacks the action {ACTION}" if request_.method != "HEAD" else "needs the role") in answer.words
        until_quiet(azure, it)


def until_quiet(azure: AzureStandin, it: Work) -> None:
    """Until Azure has ended what was begun, whoever still asks for it."""
    if it.activity in ("deploy", "swap"):
        sites, place = Sites(settings()), place_of(Target(**it.order["target"]))
        eventually(lambda: not sites.idle_side(place).in_progress)
