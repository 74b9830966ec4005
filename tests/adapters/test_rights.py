"""What the adapters ask of Azure is what a kind says that its identity needs, so that a role can be made of it."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest

from slipway.adapters.aks.clusters import Clusters
from slipway.adapters.app_service import AppService
from slipway.adapters.app_service.routing import SlotRouter
from slipway.adapters.configuration.fixing import Fixing
from slipway.adapters.configuration.store import Configuration
from slipway.adapters.container_apps import ContainerApps, RevisionRouter
from slipway.adapters.flags.router import FlagRouter
from slipway.adapters.flags.store import Flags
from slipway.adapters.flags.switch import Note, Switch
from slipway.adapters.front_door import FrontDoorRouter, TestersRule, check
from slipway.adapters.jobs import Jobs
from slipway.adapters.load_testing import LoadTesting
from slipway.promotion.flags.document import FlagTesters
from slipway.promotion.flags.plan import KIND as KIND_OF_FLAGS
from slipway.promotion.front_door import KIND, Testers
from slipway.promotion.job_run import JobRun
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.plan import Target
from slipway.promotion.ports import SlotPlatform, TrafficRouter
from slipway.promotion.release_parts.configuration import ConfigurationPlan
from slipway.promotion.rights import catalogue
from slipway.promotion.rights.role import Role
from tests.adapters.cluster_release import ClusterRelease
from tests.adapters.flag_store import FlagStore, targeting
from tests.adapters.managed_profile import Managed
from tests.adapters.setting_store import SettingStore
from tests.adapters.test_dns import Named
from tests.laptop import AzureStandin
from tests.laptop_holds import IMAGE, UAT

Follow = Callable[[Callable[[Answer], Answer], Answer], Answer]
SELDOM = {"microsoft.web/sites/slots/deployments/read"}  # where the answer to a deployment was lost


def a_life(platform: SlotPlatform, router: TrafficRouter, target: Target, package: str, follow: Follow) -> None:
    """All that an adapter can do: 2.0.0 is deployed, ramped and live, taken back and stopped, and comes again."""
    version = "2.0.0"

    def split(share: float) -> Answer:
        started = router.start_split(target, version, share, "op", False)
        return follow(lambda last: router.poll_split(target, last.handle, version, share), started)

    def deploy(operation: str) -> Answer:
        started = platform.start_deployment(target, package, operation, datetime.now(UTC), False, version)
        return follow(lambda last: platform.poll_deployment(target, last.handle, version), started)

    def swap(to: str) -> Answer:
        started = platform.start_swap(target, to, "op", datetime.now(UTC), False)
        return follow(lambda last: platform.poll_swap(target, last.handle, to), started)

    platform.read_live(target)
    done = [deploy("op:1"), split(0.1), swap(version), swap("1.0.0"), platform.stop_idle(target, version)]
    done += [deploy("op:2"), swap(version)]
    assert [each.outcome for each in done] == [Outcome.PASSED] * len(done), done


@pytest.fixture
def asked(azure: AzureStandin) -> Callable[[], set[str]]:
    """The actions that Resource Manager, or a service with rights of its own, was asked for since."""
    azure.forget_rights()
    return azure.asked


def in_small_letters(*roles: Role) -> set[str]:
    return {action.lower() for role in roles for action in (*role.actions, *role.data_actions)}


def test_a_role_of_the_actions_of_container_apps_can_do_it_all(
    azure: AzureStandin, until_ended: Follow, asked: Callable[[], set[str]]
) -> None:
    platform, router = ContainerApps(azure.settings, settle_s=0.3), RevisionRouter(azure.settings, settle_s=0.3)
    a_life(platform, router, azure.app("granted"), f"{IMAGE}:2.0.0", until_ended)
    assert asked() == in_small_letters(catalogue.CONTAINER_APPS, catalogue.ENVIRONMENTS)


def test_a_role_of_the_actions_of_app_service_can_do_it_all(
    azure: AzureStandin, until_ended: Follow, asked: Callable[[], set[str]]
) -> None:
    platform, router = AppService(azure.settings), SlotRouter(azure.settings, settle_s=0.3)
    a_life(platform, router, azure.target("granted-site"), azure.package("2.0.0"), until_ended)
    granted = in_small_letters(catalogue.APP_SERVICES)
    assert granted - asked() <= SELDOM and asked() <= granted


def test_a_role_of_the_actions_of_aks_can_do_it_all(
    azure: AzureStandin, until_ended: Follow, asked: Callable[[], set[str]]
) -> None:
    it = ClusterRelease(azure, "granted", until_ended)
    Clusters(azure.settings).forget(it.place)
    done = [it.deploy("2.0.0"), it.swap("2.0.0"), it.swap("1.0.0"), it.service.stop_idle(it.target, "2.0.0")]
    done += [it.deploy("2.0.0", "op:2"), it.swap("2.0.0")]
    assert [each.outcome for each in done] == [Outcome.PASSED] * len(done), done
    assert asked() == in_small_letters(catalogue.CLUSTERS)


def test_a_role_of_the_actions_of_front_door_can_do_it_all(
    azure: AzureStandin, until_ended: Follow, asked: Callable[[], set[str]]
) -> None:
    testers = Testers("testers", "fronted-testers", "me", header="x-canary")
    front_door, router, rule = azure.origins("fronted"), FrontDoorRouter(azure.settings), TestersRule(azure.settings)
    target = Target("weu", KIND, front_door.resource, front_door.live)
    done = [check(target, azure.settings)]
    done.append(until_ended(lambda last: rule.make(target, testers, last.handle), rule.make(target, testers, {})))
    for share in (0.1, 0.0):
        started = router.start_split(target, "2.0.0", share, "op", False)
        poll = partial(router.poll_split, target, version="2.0.0", share=share)
        done.append(until_ended(lambda last, poll=poll: poll(last.handle), started))
    done.append(until_ended(lambda last: rule.remove(target, testers, last.handle), rule.remove(target, testers, {})))
    assert [each.outcome for each in done] == [Outcome.PASSED] * len(done), done
    assert asked() == in_small_letters(
        catalogue.FRONT_DOORS, catalogue.FRONT_DOOR_RESULTS, catalogue.FRONT_DOOR_TESTERS
    )


def test_a_role_of_the_actions_of_jobs_can_do_it_all(
    azure: AzureStandin, until_ended: Follow, asked: Callable[[], set[str]]
) -> None:
    jobs, job = Jobs(azure.settings), azure.job("granted-job")
    env = {"TARGET_URL": str(azure.ready["sites"]["plain"]), "SLIPWAY_VERSION": "1.0.0"}
    run = JobRun(args=("--requests", "1"), env=env, alone=True)
    assert until_ended(lambda last: jobs.poll(job, last.handle), jobs.start(job, run, "op", False)).outcome == "passed"
    endless = jobs.start(job, JobRun(f"{UAT}:1-hangs"), "op:2", resuming=False)
    assert until_ended(lambda _: jobs.stop(job, endless.handle), jobs.stop(job, endless.handle)).outcome == "passed"
    reads_logs = {each for each in asked() if "/workspaces/" in each}
    assert asked() - reads_logs == in_small_letters(catalogue.JOBS) and reads_logs <= in_small_letters(
        catalogue.JOB_LOGS
    )


def test_a_role_of_the_actions_of_load_testing_can_do_it_all(
    azure: AzureStandin, asked: Callable[[], set[str]]
) -> None:
    plan = azure.load_run("stuck")
    runs = LoadTesting(
        replace(plan, resource=plan.resource.replace("/loads", "/Loads")), azure.settings
    )  # not kept yet
    begun = runs.go_on("granted", "1.0.0", {"TARGET_HOST": "localhost:9"}, {}, needs_course=False)
    assert begun.running and runs.stopped("granted", begun.handle) == ""
    assert asked() == in_small_letters(catalogue.LOADS)


def test_roles_of_the_actions_of_switches_can_do_it_all(azure: AzureStandin, asked: Callable[[], set[str]]) -> None:
    profile, record = Managed(azure), Named(azure)
    for side in ("green", "blue"):
        assert profile.to(side).outcome is record.to(side).outcome is Outcome.PASSED
    seldom = {"microsoft.network/trafficmanagerprofiles/nestedendpoints/write"}  # the two endpoints are others
    granted = in_small_letters(catalogue.TRAFFIC_MANAGERS, catalogue.DNS["CNAME"])
    assert granted - asked() == seldom and asked() <= granted


def test_roles_of_the_data_actions_of_a_store_can_do_it_all(azure: AzureStandin, asked: Callable[[], set[str]]) -> None:
    name = f"granted-{secrets.token_hex(4)}"
    FlagStore(azure).put(name, targeting(name))
    router, target = FlagRouter(azure.settings), Target(name, KIND_OF_FLAGS, f"flag/checkout/{name}", "production")
    note = Note("shop", "2027-03-01", "checkout")
    Switch(Flags(azure.settings)).prepare(name, target.slot, FlagTesters(), note, "op")
    while (given := router.start_split(target, "2.0.0", 0.5, "op", resuming=False)).running:
        pass
    assert given.outcome is Outcome.PASSED, given
    place = ConfigurationPlan(f"{{version}}-{name}").place("checkout", "2.0.0", "production")
    SettingStore(azure).put("limit", "1", place.label)
    fixing = Fixing(Configuration(azure.settings))
    while (answer := fixing.fix(place, "checkout")).running:
        pass
    assert answer.outcome is Outcome.PASSED
    seldom = {"microsoft.appconfiguration/configurationstores/snapshots/archive/action"}  # keeps an archived one
    granted = in_small_letters(catalogue.FLAGS, catalogue.SNAPSHOTS)
    assert granted - asked() == seldom and asked() <= granted


WITHHELD = [
    "Microsoft.Web/sites/slots/extensions/Write",
    "Microsoft.Web/sites/config/Read",
    "Microsoft.App/containerApps/write",
    "Microsoft.App/managedEnvironments/join/action",
    "Microsoft.App/containerApps/revisions/read",
]


@pytest.mark.parametrize("action", WITHHELD)
def test_without_one_action_a_deployment_is_broken_and_says_who_prints_the_role(
    action: str, azure: AzureStandin, until_ended: Follow
) -> None:
    app, site = azure.app("granted"), azure.target("granted-site")
    of_app = "Microsoft.App" in action
    platform: SlotPlatform = ContainerApps(azure.settings) if of_app else AppService(azure.settings)
    target, package = (app, f"{IMAGE}:3.0.0") if of_app else (site, azure.package("3.0.0"))
    azure.withhold(action)
    started = platform.start_deployment(target, package, f"op:{action}", datetime.now(UTC), False, "3.0.0")
    ended = until_ended(lambda last: platform.poll_deployment(target, last.handle, "3.0.0"), started)
    assert (ended.outcome, ended.code) == (Outcome.BROKEN, "AZURE_DENIED"), ended
    where = "managedEnvironments/standin" if "join" in action else target.resource
    assert f"lacks the action {action} on".lower() in ended.words.lower() and where.lower() in ended.words.lower()
    assert "`slipway roles` with the pipeline's file prints the role" in ended.words


def test_a_right_that_was_given_a_moment_ago_is_there_for_the_next_try(
    azure: AzureStandin, until_ended: Follow
) -> None:
    jobs, job = Jobs(azure.settings), azure.job("granted-job")
    run = JobRun(env={"TARGET_URL": str(azure.ready["sites"]["plain"]), "SLIPWAY_VERSION": "1.0.0"}, alone=True)
    azure.withhold("Microsoft.App/jobs/start/action", times=1)
    early = until_ended(lambda last: jobs.poll(job, last.handle), jobs.start(job, run, "early", False))
    assert (early.code, "given just now takes some minutes" in early.words) == ("AZURE_DENIED", True), early
    assert (
        until_ended(lambda last: jobs.poll(job, last.handle), jobs.start(job, run, "later", False)).code != early.code
    )
