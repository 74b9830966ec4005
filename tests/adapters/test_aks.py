"""AKS through the official SDK and the Kubernetes API: a Helm release a side, and a Service that names one."""

import re
from datetime import timedelta
from typing import Any

import pytest
import requests

from slipway.adapters.aks import Aks
from slipway.adapters.aks.clusters import Clusters
from slipway.adapters.aks.given import is_reused
from slipway.adapters.aks.place import other, place_of
from slipway.adapters.aks.registry import AZURES
from slipway.adapters.aks.scripts import INSTANCE
from slipway.adapters.pinning import Pinning
from slipway.local.azure.artifacts import build_package
from slipway.promotion.outcomes import Answer, Outcome
from tests.adapters.cluster_release import NEW, ClusterRelease, Follow, now
from tests.laptop import AzureStandin
from tests.laptop_holds import CHART, IMAGE, OLDER, PINNED_CHART, PINNED_IMAGE

RUN, RESULT = "/runCommand", "/commandResults/"


def test_a_build_becomes_the_release_of_the_side_without_users_and_live_by_the_switch(
    azure: AzureStandin, until_ended: Follow
) -> None:
    it = ClusterRelease(azure, "story", until_ended)
    assert it.versions == ("1.0.0", None) and it.side == "blue"
    answer = it.deploy(NEW)
    assert answer.outcome is Outcome.PASSED, answer
    state = it.service.read_live(it.target)
    assert (state.production_version, state.idle_version) == ("1.0.0", NEW)
    assert answer.result["address"] == state.idle_address != state.production_address
    assert it.met() == {"1.0.0": 20}
    again = it.start_deployment(NEW, "another")
    assert again.outcome is Outcome.PASSED and "already there" in again.words

    swapped = it.swap(NEW)
    assert swapped.outcome is Outcome.PASSED, swapped
    assert it.versions == (NEW, "1.0.0") and it.side == "green" and it.met() == {NEW: 20}
    assert it.service.read_live(it.target).held_version == NEW
    assert "already has" in it.swap(NEW).words
    live = it.start_deployment(NEW, "a third")
    assert live.outcome is Outcome.PASSED and "already there" in live.words, live
    assert live.result["address"] == it.place.preview["green"]

    other_values = ClusterRelease(azure, "story", until_ended, values={"colour": "red"}).start_deployment(NEW)
    assert (other_values.outcome, other_values.code) == (Outcome.BROKEN, "VERSION_REUSED"), "users would not get them"

    def reused(version: str, **values: Any) -> bool:
        target, package = azure.release("story", values=values), f"{CHART}:{version} {IMAGE}:{version}"
        return is_reused(target, version, package, azure.settings)

    assert [reused(NEW), reused(NEW, colour="red"), reused("2.9.0", colour="red")] == [False, True, False]

    def stopped(version: str = "1.0.0", live: str = NEW) -> Answer:
        return it.service.stop_old_side(it.target, version, live)

    assert not stopped(live="1.0.0").result["stopped"]
    assert it.swap("1.0.0").outcome is Outcome.PASSED, "a release that somebody installed before is returned to"
    assert it.versions == ("1.0.0", NEW) and it.met() == {"1.0.0": 20}
    assert it.service.stop_idle(it.target, NEW).words == "story: the green side is stopped"
    assert it.service.stop_idle(it.target, NEW).words == f"story: {NEW} does not run idle"
    state = it.service.read_live(it.target)
    assert (state.idle_state, state.idle_version) == ("Stopped", NEW), "Helm says what it holds"

    woken = it.service.start_idle(it.target, NEW, "1.0.0")
    assert woken.running and "started" in woken.words
    assert it.follow(lambda _: it.service.start_idle(it.target, NEW, "1.0.0"), woken).outcome is Outcome.PASSED
    assert it.service.start_idle(it.target, NEW, NEW).code == "NOT_LIVE"
    assert it.service.stop_idle(it.target, "1.0.0").words.endswith("does not run idle"), "it has the users"

    assert it.deploy("2.1.0").outcome is Outcome.PASSED and it.swap("2.1.0").outcome is Outcome.PASSED
    assert it.deploy("2.2.0").outcome is Outcome.PASSED and it.swap("2.2.0").outcome is Outcome.PASSED
    assert [stopped("2.1.0", "2.2.0").result["stopped"] for _ in range(2)] == [True, True]
    assert it.swap("2.1.0").outcome is Outcome.PASSED, "a stopped side is woken for the way back"
    assert it.met() == {"2.1.0": 20}


def test_the_first_release_of_all_comes_to_the_blue_side(azure: AzureStandin, until_ended: Follow) -> None:
    it = ClusterRelease(azure, "first", until_ended, values={"replicaCount": 2})
    assert it.versions == (None, None) and it.side == ""
    assert it.deploy(NEW).outcome is Outcome.PASSED and it.swap(NEW).outcome is Outcome.PASSED
    assert it.side == "blue" and it.met() == {NEW: 20}
    assert it.deploy("2.1.0").result["side"] == "green"
    assert it.service.stop_idle(it.target, "2.1.0").outcome is Outcome.PASSED

    busy = ClusterRelease(azure, "first", until_ended, values=autoscaled(most=2, wanted=5))
    first = busy.start_deployment("2.2.0")
    words = list[str]()

    def poll(last: Answer) -> Answer:
        words.append(last.words)
        return busy.service.poll_deployment(busy.target, last.handle, "2.2.0")

    ended = busy.follow(poll, first)
    assert ended.outcome is Outcome.PASSED, ended
    assert any("autoscaler is at 1 of 2 replicas" in each for each in words), "still scaling is not done"
    assert ended.words.endswith("wants more than its 2 replicas"), "at its maximum it is said, and no failure"
    assert busy.service.stop_idle(busy.target, "2.2.0").outcome is Outcome.PASSED
    again = busy.deploy("2.3.0")
    assert again.outcome is Outcome.PASSED, "a chart with an autoscaler starts no Deployment that rests at 0"
    assert busy.service.read_live(busy.target).idle_version == "2.3.0"


def test_a_stopped_side_is_woken_as_the_new_chart_says_and_gets_users_when_all_its_pods_are_there(
    azure: AzureStandin, until_ended: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replicas() -> Any:
        found, _ = it.api.deployment(it.place, "green")
        assert found is not None
        return found["spec"]["replicas"]

    it = ClusterRelease(azure, "late", until_ended, values={"replicaCount": 1})
    it.swap("1.0.0")
    assert it.deploy("6.0.0").outcome is Outcome.PASSED
    assert it.service.stop_idle(it.target, "6.0.0").outcome is Outcome.PASSED and replicas() == 0
    more = ClusterRelease(azure, "late", until_ended, values={"replicaCount": 3})
    assert more.deploy("6.1.0", "op:6.1.0").outcome is Outcome.PASSED and replicas() == 3

    found, _ = it.api.deployment(it.place, "green")
    assert found is not None
    found["status"] |= {"availableReplicas": 1}
    azure.fault("GET", "/deployments/late-green", times=99, answer={"status": 200, "body": found})
    waits = it.start_swap("6.1.0")
    assert waits.running and "1 of 3 new replicas" in waits.words and it.side == "blue"
    assert "1 of 3 new replicas" in it.service.start_idle(it.target, "6.1.0", "1.0.0").words
    with monkeypatch.context() as later:
        later.setenv("FUNCTIONS_NOW", (now() + timedelta(minutes=6)).isoformat())
        answer = it.swapped(waits, "6.1.0")
    assert answer.outcome is Outcome.PASSED and "1 of 3 new replicas" in answer.words, "no way back waits for ever"
    azure.forget_faults()
    assert it.swap("1.0.0").outcome is Outcome.PASSED


def autoscaled(most: int, wanted: int) -> dict[str, Any]:
    return {"autoscaling": {"enabled": True, "minReplicas": 1, "maxReplicas": most, "wanted": wanted}}


def test_a_cluster_without_entra_id_is_read_by_commands(azure: AzureStandin, until_ended: Follow) -> None:
    """Its users' credentials would be a certificate that may do everything: they are never asked for."""
    it = ClusterRelease(azure, OLDER, until_ended)
    azure.fault("POST", "/listClusterUserCredential", answer={"status": 500})
    assert it.versions == ("1.0.0", None)
    assert it.deploy(NEW).outcome is Outcome.PASSED
    assert it.swap(NEW).outcome is Outcome.PASSED and it.met() == {NEW: 20}
    assert it.deploy("3.0.0-crash").code == "DEPLOYMENT_FAILED"
    assert len(azure.faults_left()) == 1, "nobody asked"
    azure.forget_faults()


def test_a_cluster_that_cannot_be_reached_is_read_by_commands_where_its_target_says_so(
    azure: AzureStandin, until_ended: Follow
) -> None:
    it = ClusterRelease(azure, "faulty", until_ended, reach="run-command")
    azure.fault("GET", "/apis/", answer={"status": 500}, times=9)
    azure.fault("GET", "/api/v1/", answer={"status": 500}, times=9)
    assert it.versions[0] == "1.0.0" and it.release("blue").number == 1 and it.release("nowhere").number == 0
    azure.forget_faults()


@pytest.mark.parametrize(
    ("version", "package", "words", "log"),
    [
        ("3.0.0-crash", "", "CrashLoopBackOff", "DATABASE_URL"),
        ("3.1.0", f"{CHART}:3.1.0 elsewhere.example/x:3.1.0", "ErrImagePull", ""),
        (
            "3.2.0",
            f"registry.example/charts/none:3.2.0 {IMAGE}:3.2.0",
            "Helm could not deploy faulty-green",
            "not found",
        ),
    ],
)
def test_a_release_that_cannot_run_fails_in_the_clusters_words(
    faulty: ClusterRelease, version: str, package: str, words: str, log: str
) -> None:
    answer = faulty.deploy(version, package=package)
    assert (answer.outcome, answer.code) == (Outcome.FAILED, "DEPLOYMENT_FAILED") and words in answer.words, answer
    assert log in answer.log and faulty.met() == {"1.0.0": 20}
    if version != "3.2.0":
        assert faulty.service.stop_idle(faulty.target, version).words.endswith("the green side is stopped")


def test_what_is_pinned_by_digest_is_deployed_by_it(azure: AzureStandin, until_ended: Follow) -> None:
    faulty = ClusterRelease(azure, "faulty", until_ended, registries=AZURES)
    unit = [f"{PINNED_CHART}:4.0.0", f"{PINNED_IMAGE}:4.0.0"]
    pins = Pinning(azure.settings).pin(unit, "", {}).result["pins"]
    assert all("@sha256:" in pin["at"] for pin in pins), "chart and image are pinned as one"
    answer = faulty.deploy("4.0.0", package=" ".join(pin["at"] for pin in pins))
    assert answer.outcome is Outcome.PASSED, answer
    assert faulty.release("green").version == "4.0.0"
    other = faulty.start_deployment("4.0.0")
    assert other.running, "the same version of another package is another one"
    assert faulty.deployed(other, "4.0.0").outcome is Outcome.PASSED


def test_helm_logs_in_to_a_registry_of_azures_with_a_token_of_ours(azure: AzureStandin, until_ended: Follow) -> None:
    """The stand-in is the registry. The token lies beside the script."""
    host = azure.url.removeprefix("https://")
    package = f"{host}/charts/checkout:4.5.0 {IMAGE}:4.5.0"
    it = ClusterRelease(azure, "faulty", until_ended, registries=(host,))
    azure.fault("POST", "/oauth2/exchange", answer={"status": 503})
    answer = it.start_deployment("4.5.0", package=package)
    assert answer.running and "not available" in answer.words and answer.handle["kind"] == "intended"
    assert it.deployed(answer, "4.5.0").outcome is Outcome.PASSED

    refused = ClusterRelease(azure, "faulty", until_ended).deploy("4.6.0", package=package.replace("4.5.0", "4.6.0"))
    assert refused.code == "DEPLOYMENT_FAILED" and "401" in refused.words, "nobody logged in"
    azure.fault("POST", "/oauth2/exchange", answer={"status": 401}, times=2)
    denied = it.start_deployment("4.7.0", package=package)
    assert denied.code == "AZURE_DENIED" and "Microsoft.ContainerRegistry/registries/pull/read" in denied.words


def test_a_side_is_switched_to_when_it_answers_as_the_version_only(faulty: ClusterRelease) -> None:
    missing = faulty.swap("9.9.9")
    assert (missing.outcome, missing.code) == (Outcome.BROKEN, "IDLE_HOLDS_ANOTHER")
    mislabelled = build_package("checkout", "7.0.1")
    package = faulty.azure.package("7.0.0")
    requests.put(package, data=mislabelled, verify=str(faulty.azure.settings.ca_file), timeout=5).raise_for_status()
    assert faulty.deploy("7.0.0").outcome is Outcome.PASSED
    answer = faulty.swap("7.0.0")
    assert answer.code == "IDLE_HOLDS_ANOTHER" and "answers 7.0.1, not 7.0.0" in answer.words
    assert faulty.side == "blue" and faulty.met() == {"1.0.0": 20}


def slices(*pods: str) -> dict[str, Any]:
    endpoints = [{"conditions": {"ready": True}, "targetRef": {"kind": "Pod", "name": pod}} for pod in pods]
    return {"items": [{"metadata": {"name": "edited-x"}, "endpoints": endpoints}]}


def test_a_switch_is_done_once_and_what_somebody_else_changes_is_not_fought_over(
    azure: AzureStandin, until_ended: Follow
) -> None:
    it = ClusterRelease(azure, "edited", until_ended)
    assert it.deploy(NEW).outcome is Outcome.PASSED
    azure.fault("PATCH", "/services/", drop="after")
    lost = it.start_swap(NEW)
    assert lost.running and lost.code == "AZURE_UNKNOWN" and lost.handle["kind"] == "intended"
    azure.fault("PATCH", "/services/", answer={"status": 500})
    assert it.swapped(lost, NEW).outcome is Outcome.PASSED and it.met() == {NEW: 20}
    assert len(azure.faults_left()) == 1, "nobody wrote again"
    azure.forget_faults()

    azure.tell_cluster("shop", unschedulable=9)
    back = it.swap("1.0.0")
    assert back.outcome is Outcome.PASSED and it.met() == {"1.0.0": 20}, "the way back takes no room for a pod"
    azure.tell_cluster("shop", unschedulable=0)

    azure.fault("GET", "/endpointslices", answer={"status": 200, "body": slices("edited-blue-1", "edited-green-1")})
    mixed = it.switch.start(it.target, "blue", "op", False)
    assert mixed.running and "are not those of the blue side yet" in mixed.words, "users still meet the other one"
    assert it.follow(lambda last: it.switch.poll(it.target, last.handle, "blue"), mixed).outcome is Outcome.PASSED

    stale = {"metadata": {"resourceVersion": "1"}, "spec": {"selector": {"app": "x"}}}
    azure.fault("GET", "/services/", answer={"status": 200, "body": stale})
    between = it.switch.start(it.target, "green", "op", False)
    assert between.running and "has been modified" in between.words, "somebody wrote since it was read"

    it.switch = type(it.switch)(azure.settings, settle_s=0)
    begun = it.switch.start(it.target, "green", "op", False)
    azure.fault("GET", "/services/", times=9, answer={"status": 200, "body": {"spec": {"selector": {"app": "x"}}}})
    kept = it.follow(lambda last: it.switch.poll(it.target, last.handle, "green"), begun)
    assert (kept.outcome, kept.code) == (Outcome.BROKEN, "SWITCH_NOT_APPLIED") and "no side" in kept.words
    azure.forget_faults()
    azure.fault("PATCH", "/services/", answer={"status": 403})
    refused = it.switch.start(it.target, other(it.side), "op", False)
    assert (refused.outcome, refused.code) == (Outcome.BROKEN, "SWITCH_REFUSED")


def test_a_command_that_comes_late_leaves_a_side_that_got_the_users_as_it_is(
    azure: AzureStandin, until_ended: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = ClusterRelease(azure, "late", until_ended)
    assert it.deploy(NEW).outcome is Outcome.PASSED and it.swap(NEW).outcome is Outcome.PASSED

    azure.tell_cluster("shop", held=True)
    late = it.start_deployment("3.0.0", "op:3.0.0")
    assert late.running and it.service.read_live(it.target).in_progress
    back = it.start_swap("1.0.0")
    assert back.running and "may still come to the blue side" in back.words and it.side == "green"
    assert "may still come" in it.service.start_idle(it.target, "1.0.0", NEW).words
    with monkeypatch.context() as later:
        later.setenv("FUNCTIONS_NOW", (now() + timedelta(seconds=91)).isoformat())
        assert it.swap("1.0.0").outcome is Outcome.PASSED, "no pod takes longer than that to start"
    azure.tell_cluster("shop")
    ended = it.follow(lambda last: it.service.poll_deployment(it.target, last.handle, "3.0.0"), late)
    assert ended.result["side"] == "green", "it is decided anew"
    assert it.release("blue").version == "" and it.met() == {"1.0.0": 20}

    assert it.swap("3.0.0").outcome is Outcome.PASSED
    azure.tell_cluster("shop", held=True)
    it.start_deployment("4.0.0", "op:4.0.0")
    waits = it.start_swap("1.0.0")
    azure.tell_cluster("shop")
    assert it.swapped(waits, "1.0.0").outcome is Outcome.PASSED, "it is over as soon as the command is"
    assert it.release("blue").version == "" and it.met() == {"1.0.0": 20}

    azure.tell_cluster("shop", held=True)
    command = it.start_deployment("5.0.0", "op:5.0.0")
    azure.tell_cluster("shop", held=True, namespace="shop", release="late", edited={INSTANCE: "late-green"})
    azure.tell_cluster("shop")
    moved = it.service.poll_deployment(it.target, command.handle, "5.0.0")
    while moved.handle["kind"] == "command":
        moved = it.service.poll_deployment(it.target, moved.handle, "5.0.0")
    assert it.release("green").version == "3.0.0", "somebody sent the users there by hand"


def test_a_first_release_that_is_aborted_while_its_command_waits_leaves_the_way_free(
    azure: AzureStandin, until_ended: Follow
) -> None:
    it = ClusterRelease(azure, "aborted", until_ended)
    azure.tell_cluster("shop", held=True)
    late = it.start_deployment(NEW, "op:aborted")
    assert late.running and it.service.read_live(it.target).in_progress, "there is nothing yet, and something may come"
    stops = it.service.stop_idle(it.target, NEW)
    assert stops.running and "may still come to the blue side" in stops.words
    azure.tell_cluster("shop")
    assert it.follow(lambda _: it.service.stop_idle(it.target, NEW), stops).outcome is Outcome.PASSED
    assert it.release("blue").number == 0 and it.versions == (None, None), "what was withdrawn does nothing"

    assert it.deploy("2.0.1", "op:not-stopped").outcome is Outcome.PASSED
    taken = it.start_deployment("2.0.2", "op:next")
    assert taken.code == "SWITCHED_ELSEWHERE" and "the blue one runs 2.0.1" in taken.words, "who knows whose users"
    Clusters(azure.settings).run(it.place, "helm uninstall aborted-blue -n shop")
    assert it.deploy("2.0.2", "op:free").outcome is Outcome.PASSED, "as the words say"


def test_while_users_are_sent_to_a_third_place_nothing_is_written(azure: AzureStandin, until_ended: Follow) -> None:
    it = ClusterRelease(azure, "edited", until_ended)
    live, before = it.side, (it.release("blue"), it.release("green"))
    azure.tell_cluster("shop", namespace="shop", release="edited", edited={INSTANCE: "maintenance-page"})
    answer = it.start_deployment("9.0.0", "op:9.0.0")
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "SWITCHED_ELSEWHERE") and "neither side" in answer.words
    assert (it.release("blue"), it.release("green")) == before
    swapped = it.swap(NEW)
    assert (swapped.outcome, swapped.code) == (Outcome.BROKEN, "SWITCHED_ELSEWHERE"), swapped
    assert it.side == "", "the page for maintenance stays"
    azure.tell_cluster("shop", namespace="shop", release="edited", edited={INSTANCE: f"edited-{live}"})
    assert it.side == live


def test_a_target_that_is_no_release_or_has_no_service_is_broken(azure: AzureStandin) -> None:
    aks = Aks(azure.settings)
    for target in (azure.target("plain"), azure.release("faulty", release="none")):
        answer = aks.start_deployment(target, "c:1 i:1", "op", now(), False, "1")
        assert answer.outcome is Outcome.BROKEN, answer
    assert re.search("no Service none", answer.words) and answer.code == "AZURE_MISSING"
    assert place_of(azure.release("faulty")).release_of("blue") == "faulty-blue"
