"""Resource Manager for Container Apps jobs (Microsoft.App, api 2026-07-01): a job, and its executions."""

import json
import re
import uuid
from typing import Any

from aiohttp import web

from slipway.local.azure.arm import ArmError, lies_in, not_implemented, resource_not_found
from slipway.local.azure.config import StandinConfig
from slipway.local.azure.jobs.config import JobConfig
from slipway.local.azure.jobs.runner import Runner
from slipway.local.azure.jobs.store import Execution, ExecutionStore

JOB = re.compile(
    r"/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.App/jobs/(?P<job>[^/]+)(?P<rest>/.*)?", re.IGNORECASE
)
CONTAINER_KEYS = {"name", "image", "command", "args", "env", "resources"}


class JobsApi:
    """In virtual time whoever asks for an execution hears of its end."""

    def __init__(self, config: StandinConfig, store: ExecutionStore, runner: Runner, virtual_time: bool) -> None:
        self._config = config
        self._jobs = {job.name: job for job in config.jobs}
        self._store = store
        self._runner = runner
        self._virtual_time = virtual_time

    async def answer(self, request: web.Request, rest: str) -> web.Response | None:
        """Of Microsoft.App/jobs; as `arm.Provider` has it."""
        of_job = JOB.fullmatch(rest)
        if of_job is None:
            return None
        job = self._jobs.get(of_job["job"].lower())
        if job is None or not lies_in(request, self._config.group):
            raise resource_not_found(f"Microsoft.App/jobs/{of_job['job']}", of_job["group"])
        parts = [part for part in (of_job["rest"] or "").split("/") if part]
        match request.method, *parts:
            case ["GET"]:
                return web.json_response(self._job(job))
            case ["POST", "start"]:
                return self._start(job, await request.read())
            case ["GET", "executions"]:
                return web.json_response({"value": [self._execution(job, each) for each in self._store.all(job.name)]})
            case ["GET", "executions", name]:
                return await self._show(job, self._found(job, name))
            case ["POST", "executions", name, "stop"]:
                await self._runner.stop(self._found(job, name))
                return web.Response(status=200)
        raise not_implemented(request)

    def _start(self, job: JobConfig, body: bytes) -> web.Response:
        try:
            template = json.loads(body) if body else self._template(job)
            unknown = {key for each in template["containers"] for key in set(each) - CONTAINER_KEYS}
            refs = [each["secretRef"] for each in template["containers"][0].get("env") or () if "secretRef" in each]
            if unknown:
                raise ValueError(f"could not find member {', '.join(sorted(unknown))} on JobExecutionContainer")
            if missing := set(refs) - set(job.secrets):
                raise ValueError(f"secretRef {', '.join(sorted(missing))} does not exist")
            if not template["containers"][0]["image"]:
                raise ValueError("a container has no image")
        except (ValueError, KeyError, TypeError, IndexError) as error:
            message = f"The request content was invalid: {error}"
            raise ArmError(400, "InvalidRequestContent", message) from error
        execution = self._store.add(job.name, f"{job.name}-{uuid.uuid4().hex[:7]}", template)
        self._runner.carry_out(job, execution)
        if job.answers_later:
            path = f"/providers/Microsoft.App/locations/westeurope/containerappsjobOperationResults/{execution.name}"
            return web.Response(status=202, headers={"Location": path})
        return web.json_response({"id": self._id(job, execution), "name": execution.name})

    async def _show(self, job: JobConfig, execution: Execution) -> web.Response:
        if self._virtual_time:
            await self._runner.ended(execution)
        return web.json_response(self._execution(job, self._found(job, execution.name)))

    def _found(self, job: JobConfig, name: str) -> Execution:
        execution = self._store.one(job.name, name)
        if execution is None:
            raise ArmError(404, "JobExecutionNotFound", f"Execution '{name}' of job '{job.name}' was not found.")
        return execution

    def _id(self, job: JobConfig, execution: Execution | None = None) -> str:
        below = f"/executions/{execution.name}" if execution else ""
        return f"{self._config.group}/providers/Microsoft.App/jobs/{job.name}{below}"

    def _template(self, job: JobConfig) -> dict[str, Any]:
        env = [{"name": name, "value": value} for name, value in job.env.items()]
        container = {"name": job.name, "image": job.image, "args": list(job.args), "env": env}
        return {"containers": [{**container, "resources": {"cpu": 0.5, "memory": "1Gi"}}]}

    def _job(self, job: JobConfig) -> dict[str, Any]:
        configuration = {
            "triggerType": "Manual",
            "replicaTimeout": round(job.replica_timeout_s),
            "replicaRetryLimit": 0,
            "manualTriggerConfig": {"parallelism": job.parallelism, "replicaCompletionCount": job.parallelism},
            "secrets": [{"name": name} for name in job.secrets],  # values are told by `listSecrets` alone
        }
        return {
            "id": self._id(job),
            "name": job.name,
            "type": "Microsoft.App/jobs",
            "location": "West Europe",
            "properties": {
                "provisioningState": "Succeeded",
                "configuration": configuration,
                "template": self._template(job),
            },
        }

    def _execution(self, job: JobConfig, execution: Execution) -> dict[str, Any]:
        properties: dict[str, Any] = {
            "status": execution.status,
            "startTime": execution.began,
            "template": execution.template,
        }
        properties |= {"endTime": execution.ended} if execution.ended else {}
        properties |= {"reason": execution.reason, "message": execution.message} if execution.reason else {}
        if execution.exit_code is not None:
            ended = {"name": execution.container.get("name"), "code": execution.exit_code, "status": "Terminated"}
            properties["detailedStatus"] = {"replicas": [{"name": f"{execution.name}-0", "containers": [ended]}]}
        return {
            "id": self._id(job, execution),
            "name": execution.name,
            "type": "Microsoft.App/jobs/executions",
            "properties": properties,
        }
