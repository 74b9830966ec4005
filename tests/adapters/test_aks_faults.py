"""What goes wrong at AKS, in Azure, in the cluster or in Helm, through the official SDK and the Kubernetes API."""

from typing import Any

import pytest

from slipway.adapters.aks.clusters import Clusters
from slipway.promotion.outcomes import Outcome
from tests.adapters.cluster_release import NEW, ClusterRelease, Follow, now
from tests.laptop import AzureStandin
from tests.laptop_holds import CHART, IMAGE

RUN, RESULT = "/runCommand", "/commandResults/"


NAMED = {"error": {"code": "OperationNotAllowed", "message": "busy"}}
COULD_NOT = {"error": {"code": "KubernetesPerformanceError", "message": "did not start within 60s"}}


@pytest.mark.parametrize(
    ("method", "path", "fault", "words", "times"),
    [
        ("POST", RUN, {"drop": "after"}, "not known", 1),
        ("POST", RUN, {"drop": "before"}, "not known", 1),
        ("POST", RUN, {"answer": {"status": 503}}, "not available", 1),
        ("POST", RUN, {"answer": {"status": 500}}, "not available", 1),
        ("POST", RUN, {"answer": {"status": 429, "headers": {"Retry-After": "7"}}}, "slow down", 1),
        ("POST", RUN, {"answer": {"status": 409, "body": NAMED}}, "under way", 1),
        ("POST", RUN, {"answer": {"status": 400, "body": COULD_NOT}}, "did not start", 1),
        ("POST", RUN, {"answer": {"status": 202}}, "did not say where", 1),
        ("GET", "/secrets", {"answer": {"status": 500}}, "not available", 1),
        ("GET", "/secrets", {"answer": {"status": 200, "body": "{nonsense"}}, "cannot be read", 1),
        ("GET", "/secrets", {"answer": {"status": 200, "body": {"items": [{"data": {}}]}}}, "cannot be read", 1),
        ("GET", "/secrets", {"drop": "before"}, "not known", 3),
        ("GET", "/managedClusters/shop?", {"answer": {"status": 200, "body": "{nonsense"}}, "", 1),
    ],
)
def test_what_may_pass_is_tried_again_and_done_once(
    faulty: ClusterRelease, method: str, path: str, fault: dict[str, Any], words: str, times: int
) -> None:
    before, version = faulty.release("green").number, f"5.0.{now():%H%M%S%f}"
    faulty.azure.fault(method, path, times=times, **fault)
    answer = faulty.start_deployment(version, f"op:{version}")
    if words:
        assert answer.running and words in answer.words, answer
        assert answer.handle["kind"] == "intended" and answer.after_s >= (7 if "slow down" in words else 1)
    assert faulty.deployed(answer, version).outcome is Outcome.PASSED
    release = faulty.release("green")
    assert (release.version, release.number) == (version, before + 1), "once"


@pytest.mark.parametrize("path", [RUN, "/secrets"])
def test_a_token_that_is_not_taken_is_asked_for_anew(faulty: ClusterRelease, path: str) -> None:
    version = f"5.1.{now():%H%M%S%f}"
    faulty.azure.fault(None, path, answer={"status": 401})
    assert faulty.deploy(version).outcome is Outcome.PASSED
    faulty.azure.fault(None, path, times=2, answer={"status": 401})
    answer = faulty.start_deployment(f"{version}-x")
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "AZURE_DENIED")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (RUN, 403, "AZURE_DENIED"),
        (RUN, 404, "AZURE_MISSING"),
        ("/deployments/", 403, "AZURE_DENIED"),
        (RUN, 400, "AZURE_INVALID"),
    ],
)
def test_what_cannot_pass_is_told_at_once(faulty: ClusterRelease, path: str, status: int, code: str) -> None:
    faulty.azure.fault(None, path, answer={"status": status})
    answer = faulty.start_deployment("5.2.0", "op:5.2.0")
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, code), answer


@pytest.mark.parametrize("path", [RUN, "/secrets", "/services/"])
def test_what_never_comes_back_is_waited_for_with_its_words(faulty: ClusterRelease, path: str) -> None:
    """Until its deadline, which is the operation's."""
    faulty.azure.fault(None, path, times=99, answer={"status": 500})
    answer = faulty.start_deployment("5.3.0", "op:5.3.0")
    for _ in range(4):
        assert answer.running and "not available" in answer.words and answer.handle["kind"] == "intended"
        answer = faulty.service.poll_deployment(faulty.target, answer.handle, "5.3.0")
    faulty.azure.forget_faults()


def test_a_command_that_finds_no_node_is_run_again_and_at_last_told(faulty: ClusterRelease) -> None:
    version = f"6.0.{now():%H%M%S%f}"
    faulty.azure.tell_cluster("shop", unschedulable=1)
    answer = faulty.start_deployment(version)
    answer = faulty.service.poll_deployment(faulty.target, answer.handle, version)
    assert answer.running and "did not start" in answer.words and answer.after_s == 15
    assert faulty.deployed(answer, version).outcome is Outcome.PASSED

    faulty.azure.tell_cluster("shop", unschedulable=3)
    answer = faulty.deploy(f"{version}-x")
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "COMMAND_NOT_RUN") and "3 times" in answer.words


def test_a_command_that_never_ends_is_waited_for_and_not_repeated(faulty: ClusterRelease) -> None:
    version = f"6.1.{now():%H%M%S%f}"
    runs = {"status": 200, "body": {"id": "x", "properties": {"provisioningState": "Running"}}}
    faulty.azure.fault("GET", RESULT, times=10, answer={"status": 202})
    faulty.azure.fault("GET", RESULT, times=10, answer=runs)
    answer = faulty.start_deployment(version)
    handle = answer.handle
    for _ in range(20):
        answer = faulty.service.poll_deployment(faulty.target, answer.handle, version)
        assert answer.running and answer.handle == handle
    assert faulty.deployed(answer, version).outcome is Outcome.PASSED


def test_a_result_that_azure_has_forgotten_is_looked_for_in_helms_record(faulty: ClusterRelease) -> None:
    version = f"6.2.{now():%H%M%S%f}"
    before = faulty.release("green").number
    answer = faulty.start_deployment(version)
    faulty.azure.fault("GET", RESULT, answer={"status": 404})
    answer = faulty.service.poll_deployment(faulty.target, answer.handle, version)
    assert answer.running and answer.handle["kind"] == "intended"
    assert faulty.deployed(answer, version).outcome is Outcome.PASSED
    assert faulty.release("green").number == before + 1


def test_success_that_is_not_visible_yet_is_waited_for(faulty: ClusterRelease) -> None:
    version = f"6.3.{now():%H%M%S%f}"
    before = faulty.release("green").number
    answer = faulty.start_deployment(version)
    faulty.azure.fault("GET", "/deployments/", answer={"status": 404})  # or it might be over by the first look
    while answer.handle["kind"] != "rolling":
        answer = faulty.service.poll_deployment(faulty.target, answer.handle, version)
    faulty.azure.fault("GET", "/secrets", answer={"status": 200, "body": {"items": []}})
    faulty.azure.fault("GET", "/deployments/", answer={"status": 404})
    for words in ("Helm does not show", "does not show the Deployment"):
        answer = faulty.service.poll_deployment(faulty.target, answer.handle, version)
        assert answer.running and words in answer.words, answer
    assert faulty.deployed(answer, version).outcome is Outcome.PASSED
    assert faulty.release("green").number == before + 1


BY_HAND = f"helm upgrade --install faulty-green oci://{CHART} --version 9.2.0 -n shop"
BY_HAND += f" --set-string image.repository={IMAGE},image.tag=9.2.0"
BACK = "helm rollback faulty-green {before} -n shop"  # what people do about a rollout that hangs


@pytest.mark.parametrize(("by_hand", "words"), [(BY_HAND, "Upgrade complete"), (BACK, "Rollback to")])
def test_a_release_that_somebody_changes_by_hand_meanwhile_is_not_fought_over(
    faulty: ClusterRelease, by_hand: str, words: str
) -> None:
    version = f"6.4.{now():%H%M%S%f}"
    assert faulty.deploy(f"{version}-before").outcome is Outcome.PASSED
    before = faulty.release("green")
    answer = faulty.start_deployment(version)
    faulty.azure.fault("GET", "/deployments/", answer={"status": 404})  # or it might be over by the first look
    while answer.handle["kind"] != "rolling":
        answer = faulty.service.poll_deployment(faulty.target, answer.handle, version)
    Clusters(faulty.azure.settings).run(faulty.place, by_hand.format(before=before.number))
    theirs = faulty.release("green")
    changed = faulty.service.poll_deployment(faulty.target, answer.handle, version)
    assert (changed.outcome, changed.code) == (Outcome.BROKEN, "RELEASE_CHANGED") and words in changed.words
    assert faulty.release("green") == theirs
    assert faulty.deploy(f"{version}-x").outcome is Outcome.PASSED, "who begins anew has seen it"


@pytest.mark.parametrize(("status", "first"), [("pending-upgrade", False), ("pending-install", True)])
def test_an_upgrade_that_somebody_left_pending_is_waited_for_and_then_cleared(
    azure: AzureStandin, until_ended: Follow, status: str, first: bool
) -> None:
    it = ClusterRelease(azure, "stuck", until_ended)
    if not first:
        assert it.deploy("1.9.0").outcome is Outcome.PASSED
    else:
        azure.tell_cluster("shop", namespace="shop", release="stuck-green", forgotten=True)
    azure.tell_cluster("shop", namespace="shop", release="stuck-green", pending=status, age_s=120)
    young = it.start_deployment(NEW)
    assert young.running and f"stuck-green {status}" in young.words and young.handle["kind"] == "intended"
    patient = ClusterRelease(azure, "stuck", until_ended, stuck_after_s=100)
    answer = patient.deployed(young, NEW)
    assert answer.outcome is Outcome.PASSED, answer
    assert patient.release("green").version == NEW
