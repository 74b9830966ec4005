"""Jobs in the stand-in, through the official client: executions over a kill, and what they are told."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.appcontainers import ContainerAppsAPIClient

from tests.azure_standin.standin import CONFIG, GROUP, SUBSCRIPTION, StandinProcess, running, until

JOB = "shop-migrate"
JOBS = f"""
job_images: {{registry.example/migrate: migrate}}
jobs:
  - {{name: {JOB}, image: "registry.example/migrate:1", args: [expand], env: {{DATABASE: shop}}, secrets: {{key: x}}}}
"""


@pytest.fixture
def standin(tmp_path: Path) -> Iterator[StandinProcess]:
    with running(tmp_path, CONFIG + JOBS) as process:
        yield process


def azure(standin: StandinProcess) -> ContainerAppsAPIClient:
    return ContainerAppsAPIClient(
        standin.credential(),
        SUBSCRIPTION,
        base_url=standin.url,
        credential_scopes=["https://management.azure.com/.default"],
        connection_verify=standin.told["ca"],
    )


def started(standin: StandinProcess, template: Any = None) -> str:
    with azure(standin) as client:
        return str(client.jobs.begin_start(GROUP, JOB, template).result().name)


def status(standin: StandinProcess, name: str) -> str:
    with azure(standin) as client:
        return str(client.job_execution(GROUP, JOB, name).as_dict()["properties"]["status"])


def a_template(image: str, **env: str) -> dict[str, Any]:
    variables = [{"name": name, "value": value} for name, value in {"DATABASE": "shop", **env}.items()]
    return {"containers": [{"name": JOB, "image": image, "args": ["expand"], "env": variables}]}


def test_a_started_job_runs_its_own_template_and_keeps_what_it_wrote(standin: StandinProcess, tmp_path: Path) -> None:
    name = started(standin)
    until(lambda: status(standin, name) == "Succeeded")
    with sqlite3.connect(tmp_path / "state" / "volumes" / "shop.sqlite") as database:
        assert database.execute("SELECT max(version) FROM schema_version").fetchone() == (12,)
    with azure(standin) as client:
        shown = client.jobs.get(GROUP, JOB).as_dict()["properties"]
        assert [each.name for each in client.jobs_executions.list(GROUP, JOB)] == [name]
    assert shown["configuration"]["secrets"] == [{"name": "key"}], "names alone"


def test_an_execution_goes_on_after_a_kill_and_one_that_never_ends_can_be_stopped(standin: StandinProcess) -> None:
    name = started(standin, a_template("registry.example/migrate:1-hangs"))
    standin.kill()
    standin.start()
    assert status(standin, name) == "Running"
    with azure(standin) as client:
        client.jobs.begin_stop_execution(GROUP, JOB, name).result()
    assert status(standin, name) == "Stopped"


def test_what_azure_would_not_start_is_refused(standin: StandinProcess) -> None:
    secret = {"name": "KEY", "secretRef": "unheard-of"}
    with azure(standin) as client:
        for container in ({"image": "x/y:1", "env": [secret]}, {"image": "x/y:1", "probes": []}, {"image": ""}):
            with pytest.raises(HttpResponseError) as refused:
                client.jobs.begin_start(GROUP, JOB, {"containers": [container]})
            assert refused.value.status_code == 400
        with pytest.raises(ResourceNotFoundError):
            client.job_execution(GROUP, JOB, "none")
        with pytest.raises(ResourceNotFoundError):
            client.jobs.get(GROUP, "none")
