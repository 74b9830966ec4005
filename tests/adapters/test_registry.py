"""Artifacts are fixed as one unit, through the official SDK over TLS: images by digest, packages by their blob."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from slipway.adapters import clock
from slipway.adapters.data_policy import GATES
from slipway.adapters.pinning import MAY_BE_LATE, PACKAGE_TRIES, Pinning
from slipway.local.azure.artifacts import build_package
from slipway.promotion.outcomes import Answer, Outcome, iso
from tests.adapters.container_app import App, moved
from tests.laptop import AzureStandin
from tests.laptop_holds import IMAGE, PINNED_IMAGE

__all__ = ["moved"]
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MANIFESTS, TOKENS = "/v2/checkout/manifests/", "/oauth2/"
NOT_THERE = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest is not known"}]}


def pinned(azure: AzureStandin, *addresses: str, said: str = "", since: timedelta = timedelta()) -> Answer:
    handle = {"since": iso(clock.now() - since)} if since else {}
    return Pinning(azure.settings).pin(addresses, said, handle)


def at(answer: Answer) -> list[str]:
    assert answer.outcome is Outcome.PASSED, answer
    return [pin["at"] for pin in answer.result["pins"]]


def upload(azure: AzureStandin, version: str, content: bytes) -> None:
    ca = str(azure.settings.ca_file)
    requests.put(azure.package(version), data=content, verify=ca, timeout=5).raise_for_status()


def test_a_tag_is_pinned_to_the_digest_of_its_manifest(azure: AzureStandin) -> None:
    (address,) = at(pinned(azure, f"{PINNED_IMAGE}:7.0.0"))
    assert address.startswith(f"{PINNED_IMAGE}:7.0.0@sha256:")
    assert at(pinned(azure, f"{PINNED_IMAGE}:7.0.0")) == [address] != at(pinned(azure, f"{PINNED_IMAGE}:7.0.1"))


def test_what_was_pinned_runs_though_its_tag_has_moved(moved: App) -> None:
    (address,) = at(pinned(moved.azure, f"{PINNED_IMAGE}:7.1.0"))
    upload(moved.azure, "7.1.0", build_package("checkout", "9.9.9"))
    assert at(pinned(moved.azure, f"{PINNED_IMAGE}:7.1.0")) != [address]
    answer = moved.deploy("7.1.0", address)
    assert answer.outcome is Outcome.PASSED, answer
    assert moved.versions == ("1.0.0", "7.1.0"), "the tag would have brought 9.9.9"
    moved.apps.deactivate(moved.place, "moved--v7-1-0")
    assert moved.swap("7.1.0").outcome is Outcome.PASSED, "it is known as ours by its tag, digest or not"
    assert moved.swap("1.0.0").outcome is Outcome.PASSED
    moved.stop("7.1.0")


def test_an_image_of_another_registry_stays_as_it_is_and_says_so(azure: AzureStandin) -> None:
    answer = pinned(azure, f"{IMAGE}:2.0.0", f"{PINNED_IMAGE}:2.0.0@sha256:{'0' * 64}")
    assert at(answer) == [f"{IMAGE}:2.0.0", f"{PINNED_IMAGE}:2.0.0@sha256:{'0' * 64}"]
    assert "registry.example is not an Azure container registry" in answer.words


def test_a_package_is_pinned_to_the_version_of_its_blob_where_it_has_one(azure: AzureStandin) -> None:
    assert at(pinned(azure, azure.package("7.2.0"))) == [azure.package("7.2.0")], "it was never uploaded"
    upload(azure, "7.2.0", build_package("checkout", "7.2.0"))
    (address,) = at(pinned(azure, azure.package("7.2.0")))
    upload(azure, "7.2.0", build_package("checkout", "9.9.9"))
    ca = str(azure.settings.ca_file)
    assert requests.get(address, verify=ca, timeout=5).content == build_package("checkout", "7.2.0")
    signed = f"{azure.package('7.2.0')}?sig=x"
    assert at(pinned(azure, signed, "https://localhost:1/a.zip")) == [signed, "https://localhost:1/a.zip"]


def test_a_digest_that_ci_names_must_be_there(azure: AzureStandin) -> None:
    image = f"{PINNED_IMAGE}:7.3.0"
    digest = at(pinned(azure, image))[0].partition("@")[2]
    assert pinned(azure, image, said=digest).outcome is Outcome.PASSED
    answer = pinned(azure, image, said=f"sha256:{'1' * 64}")
    assert (answer.outcome, answer.code) == (Outcome.FAILED, "DIGEST_MISMATCH") and digest in answer.words
    beside = pinned(azure, image, azure.package("7.3.0"), said=f"sha256:{'1' * 64}")
    assert beside.outcome is Outcome.PASSED, "it may be the digest of the package, which nobody knows here"


def test_a_tag_may_come_late_but_not_too_late(azure: AzureStandin) -> None:
    azure.fault("GET", MANIFESTS, answer={"status": 404, "body": NOT_THERE})
    early = pinned(azure, f"{PINNED_IMAGE}:7.4.0")
    assert early.running and early.words.endswith("is not there yet") and early.handle["since"]
    assert at(pinned(azure, f"{PINNED_IMAGE}:7.4.0", since=timedelta(seconds=10)))
    long_ago = {"since": iso(clock.now() - MAY_BE_LATE), "missing_since": iso(clock.now() - MAY_BE_LATE)}
    late = Pinning(azure.settings).pin(["shop.azurecr.io/nothing:1"], "", long_ago)
    assert (late.outcome, late.code) == (Outcome.BROKEN, "ARTIFACT_MISSING")


def test_a_tag_is_waited_for_anew_after_an_outage(azure: AzureStandin) -> None:
    first = pinned(azure, "shop.azurecr.io/nothing:1", since=MAY_BE_LATE)
    assert first.running and first.words.endswith("is not there yet"), "before that its registry was away"
    azure.fault("GET", "/v2/nothing/manifests/", answer={"status": 503})
    away = Pinning(azure.settings).pin(["shop.azurecr.io/nothing:1"], "", first.handle)
    assert away.running and "missing_since" not in away.handle


@pytest.mark.parametrize(
    ("how", "after_s"),
    [
        ({"answer": {"status": 503}}, 10),
        ({"answer": {"status": 429, "headers": {"Retry-After": "17"}}}, 17),
        ({"drop": "before"}, 10),
        ({"drop": "after"}, 10),
    ],
)
def test_a_package_whose_server_is_unwell_is_looked_at_again(
    azure: AzureStandin, how: dict[str, Any], after_s: float
) -> None:
    upload(azure, "7.9.0", build_package("checkout", "7.9.0"))
    azure.fault("HEAD", "/artifacts/checkout/7.9.0.zip", **how)
    answer = pinned(azure, azure.package("7.9.0"))
    assert answer.running and answer.after_s == after_s
    later = {**answer.handle, "not_before": iso(NOON)}
    (address,) = at(Pinning(azure.settings).pin([azure.package("7.9.0")], "", later))
    assert "?versionid=" in address


def test_a_package_whose_server_stays_unwell_is_not_pinned_and_the_reason_is_true(azure: AzureStandin) -> None:
    azure.fault("HEAD", "/artifacts/checkout/7.9.1.zip", times=PACKAGE_TRIES, answer={"status": 503})
    answer = pinned(azure, azure.package("7.9.1"))
    while answer.running:
        answer = Pinning(azure.settings).pin([azure.package("7.9.1")], "", answer.handle)
    assert at(answer) == [azure.package("7.9.1")] and "its server answers 503" in answer.words
    assert azure.faults_left() == []
    azure.fault("HEAD", "/artifacts/checkout/7.9.2.zip", answer={"status": 404})
    missing = pinned(azure, azure.package("7.9.2"))
    assert at(missing) == [azure.package("7.9.2")] and "its server answers 404" in missing.words


@pytest.mark.parametrize(
    ("path", "how", "words"),
    [
        (MANIFESTS, {"answer": {"status": 429, "headers": {"Retry-After": "17"}}}, "slow down"),
        (MANIFESTS, {"answer": {"status": 500}}, "not available"),
        (MANIFESTS, {"answer": {"status": 503}}, "not available"),
        (MANIFESTS, {"answer": {"status": 409}}, "under way"),
        (MANIFESTS, {"answer": {"status": 412}}, "under way"),
        (MANIFESTS, {"answer": {"status": 200, "body": "{", "headers": {"Docker-Content-Digest": "x"}}}, "no manifest"),
        (MANIFESTS, {"drop": "before"}, "is not known"),
        (MANIFESTS, {"drop": "after"}, "is not known"),
        (TOKENS, {"answer": {"status": 500}}, "not available"),
        (TOKENS, {"drop": "after"}, "is not known"),
    ],
)
def test_while_its_registry_is_away_a_promotion_waits(
    azure: AzureStandin, path: str, how: dict[str, Any], words: str
) -> None:
    azure.fault(None, path, **how)
    answer = pinned(azure, f"{PINNED_IMAGE}:7.5.0")
    assert answer.running and words in answer.words and answer.after_s == (17 if "429" in str(how) else 10)
    azure.forget_faults()
    GATES.forget()
    assert at(pinned(azure, f"{PINNED_IMAGE}:7.5.0"))


def test_a_registry_is_not_asked_before_the_moment_that_it_names(azure: AzureStandin) -> None:
    for _ in range(2):
        azure.fault("GET", MANIFESTS, answer={"status": 429, "headers": {"Retry-After": "300"}})
    first = pinned(azure, f"{PINNED_IMAGE}:7.5.0")
    again = Pinning(azure.settings).pin([f"{PINNED_IMAGE}:7.5.0"], "", first.handle)
    assert again.running and 290 < again.after_s <= 300 and again.words == first.words
    assert len(azure.faults_left()) == 1, "nobody was asked"
    azure.forget_faults()
    GATES.forget()
    assert at(Pinning(azure.settings).pin([f"{PINNED_IMAGE}:7.5.0"], "", {**again.handle, "not_before": iso(NOON)}))


def test_a_registry_that_is_away_for_a_day_ends_it(azure: AzureStandin) -> None:
    azure.fault(None, MANIFESTS, answer={"status": 500}, times=9)
    assert pinned(azure, f"{PINNED_IMAGE}:7.5.0", since=timedelta(hours=23)).running
    answer = pinned(azure, f"{PINNED_IMAGE}:7.5.0", since=timedelta(hours=24))
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "AZURE_UNAVAILABLE")


@pytest.mark.parametrize(("path", "status"), [(MANIFESTS, 403), (TOKENS, 401)])
def test_without_the_right_to_pull_the_role_is_named(azure: AzureStandin, path: str, status: int) -> None:
    denied = {"errors": [{"code": "DENIED", "message": "requested access to the resource is denied"}]}
    azure.fault(None, path, answer={"status": status, "body": denied})
    answer = pinned(azure, f"{PINNED_IMAGE}:7.6.0")
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "AZURE_DENIED")
    assert "Microsoft.ContainerRegistry/registries/pull/read" in answer.words


def test_registries_are_told_apart_by_their_names(azure: AzureStandin) -> None:
    asked = replace(azure.settings, registry_endpoint=f"{azure.url}/registry/other.azurecr.io")
    assert Pinning(asked).pin([f"{PINNED_IMAGE}:7.8.0"], "", {}).running, "that registry has no such image"
