"""AKS through the official SDK and the Kubernetes API: a Helm release a side, and a Service that names one."""

from slipway.promotion.outcomes import Outcome
from tests.adapters.cluster_release import NEW, ClusterRelease, Follow
from tests.laptop import AzureStandin


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
    assert "already has" in it.swap(NEW).words
    live = it.start_deployment(NEW, "a third")
    assert live.outcome is Outcome.PASSED and "already there" in live.words, live
    assert live.result["address"] == it.place.preview["green"]
