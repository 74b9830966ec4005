"""What the adapters ask of Azure is what a kind says that its identity needs, so that a role can be made of it."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest

from slipway.adapters.aks.clusters import Clusters
from slipway.adapters.app_service import AppService
from slipway.adapters.app_service.routing import SlotRouter
from slipway.adapters.container_apps import ContainerApps, RevisionRouter
from slipway.adapters.front_door import FrontDoorRouter, TestersRule, check
from slipway.adapters.jobs import Jobs
from slipway.adapters.load_testing import LoadTesting
from slipway.promotion.front_door import KIND, Testers
from slipway.promotion.job_plan import JOB_ACTIONS
from slipway.promotion.job_run import JobRun
from slipway.promotion.kinds import APP_SERVICE_SLOTS, CONTAINER_APPS, FRONT_DOOR, TARGETS
from slipway.promotion.load_runs.plan import READS_LOAD_TESTING
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.plan import Target
from slipway.promotion.ports import SlotPlatform, TrafficRouter
from tests.adapters.cluster_release import ClusterRelease
from tests.laptop import AzureStandin
from tests.laptop_holds import IMAGE, UAT

Follow = Callable[[Callable[[Answer], Answer], Answer], Answer]
SDK = "azure.core.pipeline.policies.http_logging_policy"
REQUEST = re.compile(
    r"Request URL: '[^']*/providers/(?P<path>Microsoft\.(Web|App|Cdn|ContainerService|LoadTestService)/[^?']*)[^']*'"
    r"\nRequest method: '(?P<method>\w+)'"
)
VERBS = {"GET": "read", "PUT": "write", "PATCH": "write", "POST": "action", "DELETE": "delete"}
SELDOM = {"microsoft.web/sites/slots/deployments/read"}  # where the answer to a deployment was lost


def action_of(method: str, path: str) -> str:
    """The action that Resource Manager asks for: the types on the path, without their names, and the verb."""
    namespace, *parts = path.strip("/").split("/")
    return "/".join([namespace, *parts[::2], VERBS[method]]).lower()


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
def asked(caplog: pytest.LogCaptureFixture) -> Callable[[], set[str]]:
    """The actions of all requests that the official SDK has sent since."""
    caplog.set_level("INFO", SDK)

    def actions() -> set[str]:
        sent = [REQUEST.match(record.getMessage()) for record in caplog.records if record.name == SDK]
        return {action_of(each["method"], each["path"]) for each in sent if each}

    return actions


def test_a_role_of_the_actions_of_container_apps_can_do_it_all(
    azure: AzureStandin, until_ended: Follow, asked: Callable[[], set[str]]
) -> None:
    platform, router = ContainerApps(azure.settings, settle_s=0.3), RevisionRouter(azure.settings, settle_s=0.3)
    a_life(platform, router, azure.app("granted"), f"{IMAGE}:2.0.0", until_ended)
    assert asked() == {action.lower() for action in CONTAINER_APPS.actions}
    # Azure asks for it on behalf of whoever writes an app; no request bears its name.
    assert CONTAINER_APPS.environment_actions == ("Microsoft.App/managedEnvironments/join/action",)


def test_a_role_of_the_actions_of_app_service_can_do_it_all(
    azure: AzureStandin, until_ended: Follow, asked: Callable[[], set[str]]
) -> None:
    platform, router = AppService(azure.settings), SlotRouter(azure.settings, settle_s=0.3)
    a_life(platform, router, azure.target("granted-site"), azure.package("2.0.0"), until_ended)
    granted = {action.lower() for action in APP_SERVICE_SLOTS.actions}
    assert granted - asked() <= SELDOM and asked() <= granted


def test_a_role_of_the_actions_of_aks_can_do_it_all(
    azure: AzureStandin, until_ended: Follow, asked: Callable[[], set[str]]
) -> None:
    it = ClusterRelease(azure, "granted", until_ended)
    Clusters(azure.settings).forget(it.place)
    done = [it.deploy("2.0.0"), it.swap("2.0.0"), it.swap("1.0.0"), it.service.stop_idle(it.target, "2.0.0")]
    done += [it.deploy("2.0.0", "op:2"), it.swap("2.0.0")]
    assert [each.outcome for each in done] == [Outcome.PASSED] * len(done), done
    assert asked() == {action.lower() for action in TARGETS["aks"].actions}


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
    assert asked() == {action.lower() for action in FRONT_DOOR.actions}


def test_a_role_of_the_actions_of_jobs_can_do_it_all(
    azure: AzureStandin, until_ended: Follow, asked: Callable[[], set[str]]
) -> None:
    jobs, job = Jobs(azure.settings), azure.job("granted-job")
    env = {"TARGET_URL": str(azure.ready["sites"]["plain"]), "SLIPWAY_VERSION": "1.0.0"}
    run = JobRun(args=("--requests", "1"), env=env, alone=True)
    assert until_ended(lambda last: jobs.poll(job, last.handle), jobs.start(job, run, "op", False)).outcome == "passed"
    endless = jobs.start(job, JobRun(f"{UAT}:1-hangs"), "op:2", resuming=False)
    assert until_ended(lambda _: jobs.stop(job, endless.handle), jobs.stop(job, endless.handle)).outcome == "passed"
    # Roles name the two actions on one execution in another way than its path does; the role has both names.
    of_one = {"Microsoft.App/jobs/execution/read", "Microsoft.App/jobs/stop/execution/action"}
    assert asked() == {action.lower() for action in set(JOB_ACTIONS) - of_one}


def test_a_role_of_the_one_action_on_load_testing_finds_where_runs_are_begun(
    azure: AzureStandin, asked: Callable[[], set[str]]
) -> None:
    plan = azure.load_run("stuck")
    runs = LoadTesting(
        replace(plan, resource=plan.resource.replace("/loads", "/Loads")), azure.settings
    )  # not kept yet
    assert runs.go_on("granted", "1.0.0", {"TARGET_HOST": "localhost:9"}, {}, needs_course=False).running
    assert runs.stopped("granted") == ""
    assert asked() == {READS_LOAD_TESTING.lower()}
