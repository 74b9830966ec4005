"""Azure Load Testing: the resource in Resource Manager (Microsoft.LoadTestService, api 2022-12-01) and its data plane
(api 2022-11-01): runs that are begun, shown and stopped, their metrics, and tests to be read.

In virtual time a run is over when it was looked at so often: the last of these looks waits for its requests.
"""

import re
from datetime import datetime
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway.local.azure.arm import lies_in, not_implemented, resource_not_found
from slipway.local.azure.clock import Now, stamp
from slipway.local.azure.config import StandinConfig
from slipway.local.azure.load_testing.config import LoadTestConfig
from slipway.local.azure.load_testing.engine import Engine
from slipway.local.azure.load_testing.results import criteria, series, statistics
from slipway.local.azure.load_testing.store import (
    CANCELLED,
    CANCELLING,
    DONE,
    ENDED,
    EXECUTING,
    FAILED,
    LoadRun,
    LoadRuns,
)
from slipway.local.azure.tokens import TokenRefused, Tokens

AUDIENCE = "https://cnt-prod.loadtesting.azure.com"
ROOT = "/load-testing"
RESOURCE = re.compile(
    r"/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.LoadTestService/loadTests/(?P<name>[^/]+)", re.IGNORECASE
)
RUN_ID = re.compile(r"[a-z0-9_-]{2,50}")
WAITS_S = 15.0


class Refused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        body = {"error": {"code": code, "message": message, "target": None, "details": None}}
        self.response = web.json_response(body, status=status, headers={"x-ms-error-code": code})


class Begun(BaseModel):
    """What a run is begun, or changed, with."""

    model_config = ConfigDict(extra="ignore")
    test_id: str | None = Field(default=None, alias="testId")
    display_name: str = Field(default="", alias="displayName", max_length=50)
    env: dict[str, str] = Field(default={}, alias="environmentVariables")


class LoadTestingApi:
    """`looks`: None where time passes by itself."""

    def __init__(
        self, config: StandinConfig, runs: LoadRuns, engine: Engine, tokens: Tokens, now: Now, looks: int | None
    ) -> None:
        self._config, self._runs, self._engine, self._tokens = config, runs, engine, tokens
        self._now, self._looks = now, looks
        self._tests = {each.name: {test.id: test for test in each.tests} for each in config.load_testing}

    def resume(self) -> None:
        """Runs that were under way when the stand-in ended begin their requests anew."""
        for run in self._runs.under_way():
            if run.status == CANCELLING:
                self._runs.change(run, status=CANCELLED)
                continue
            self._engine.begin(run, self._tests[run.resource][run.test])

    async def answer(self, request: web.Request, rest: str) -> web.Response | None:
        """Of Microsoft.LoadTestService; as `arm.Provider` has it."""
        found = RESOURCE.fullmatch(rest)
        if found is None:
            return None
        name = found["name"].lower()
        if name not in self._tests or not lies_in(request, self._config.group):
            raise resource_not_found(f"Microsoft.LoadTestService/loadTests/{found['name']}", found["group"])
        if request.method != "GET":
            raise not_implemented(request)
        uri = f"{self._tokens.issuer.base.removeprefix('https://')}{ROOT}/{name}"
        return web.json_response(
            {
                "id": f"{self._config.group}/providers/Microsoft.LoadTestService/loadTests/{name}",
                "name": name,
                "type": "microsoft.loadtestservice/loadtests",
                "location": "westeurope",
                "properties": {"dataPlaneURI": uri, "provisioningState": "Succeeded"},
            }
        )

    def routes(self) -> list[web.RouteDef]:
        run = f"{ROOT}/{{resource}}/test-runs/{{run:[^/:]+}}"
        handlers = {
            ("GET", f"{ROOT}/{{resource}}/tests/{{test}}"): self._test,
            ("GET", run): self._show,
            ("PATCH", run): self._begin,
            ("POST", f"{run}:stop"): self._stop,
            ("POST", f"{run}/metrics"): self._metrics,
        }

        def guarded(handler: Any) -> Any:
            async def handle(request: web.Request) -> web.Response:
                try:
                    self._authorise(request)
                    answer: web.Response = await handler(request)
                    return answer
                except Refused as refusal:
                    return refusal.response

            return handle

        return [web.route(method, path, guarded(handler)) for (method, path), handler in handlers.items()]

    def _authorise(self, request: web.Request) -> None:
        try:
            self._tokens.check(request.headers.get("Authorization"), (AUDIENCE,))
        except TokenRefused as refusal:
            raise Refused(401, "Unauthorized", f"Authentication failed: {refusal}.") from refusal
        if "api-version" not in request.query:
            raise Refused(400, "MissingApiVersion", "The api-version query parameter is required.")
        if request.match_info["resource"] not in self._tests:
            raise Refused(404, "ResourceNotFound", "There is no such load testing resource.")

    async def _test(self, request: web.Request) -> web.Response:
        test = self._found_test(request, request.match_info["test"])
        shown = {"testId": test.id, "displayName": test.id, "passFailCriteria": criteria(test, None)}
        return web.json_response({**shown, "loadTestConfiguration": {"engineInstances": test.engines}})

    async def _begin(self, request: web.Request) -> web.Response:
        resource, id = request.match_info["resource"], request.match_info["run"]
        try:
            asked = Begun.model_validate_json(await request.read())
        except ValidationError as error:
            raise Refused(400, "InvalidBody", str(error.errors()[0]["msg"])) from error
        if not RUN_ID.fullmatch(id):
            raise Refused(400, "InvalidTestRunId", "A test run's id is 2 to 50 of a-z, 0-9, _ and -.")
        there = self._runs.get(resource, id)
        if there is not None:
            return self._shown(self._runs.change(there, name=asked.display_name or there.name))
        test = self._found_test(request, asked.test_id or "")
        run = LoadRun(resource, id, test.id, stamp(self._now()), asked.display_name, asked.env)
        self._engine.begin(self._runs.put(run), test)
        return self._shown(run, 201)

    async def _show(self, request: web.Request) -> web.Response:
        run = self._found(request)
        if self._looks is not None and run.looks + 1 >= self._looks:
            await self._engine.ended(run, WAITS_S)
        run = self._found(request)
        over = run.status in ENDED and (self._looks is None or run.looks + 1 >= self._looks)
        status = CANCELLED if run.status == CANCELLING else run.status
        run = self._runs.change(run, looks=run.looks + 1, looked_after=run.looked_after + over, status=status)
        return self._shown(run)

    async def _stop(self, request: web.Request) -> web.Response:
        run = self._found(request)
        if run.status in ENDED:
            raise Refused(409, "TestRunAlreadyEnded", f"The test run is {run.status}.")
        self._engine.stop(run)
        return self._shown(self._runs.change(run, status=CANCELLING))

    async def _metrics(self, request: web.Request) -> web.Response:
        run, query = self._found(request), request.query
        test = self._tests[run.resource][run.test]
        samples = run.samples if run.looked_after > test.results_after else ()
        try:
            began = datetime.fromisoformat(run.began or run.created)
            found = series(samples, query["metricname"], query["aggregation"], query["interval"], began)
        except (KeyError, ValueError) as error:
            raise Refused(400, "InvalidMetric", f"There is no such metric: {error}.") from error
        return web.json_response({"value": found})

    def _found(self, request: web.Request) -> LoadRun:
        run = self._runs.get(request.match_info["resource"], request.match_info["run"])
        if run is None:
            raise Refused(404, "TestRunNotFound", f"Test run not found with given name {request.match_info['run']!r}.")
        return run

    def _found_test(self, request: web.Request, id: str) -> LoadTestConfig:
        test = self._tests[request.match_info["resource"]].get(id)
        if test is None:
            raise Refused(404, "TestNotFound", f"Test not found with given name {id!r}.")
        return test

    def _shown(self, run: LoadRun, status: int = 200) -> web.Response:
        test = self._tests[run.resource][run.test]
        has_ended = run.status in ENDED and (self._looks is None or run.looks >= self._looks)
        there = has_ended and bool(run.samples) and run.looked_after > test.results_after
        told = criteria(test, run.samples if there else None)
        results = [each.get("result") for each in told["passFailMetrics"].values()]
        verdict = "FAILED" if "failed" in results else "PASSED" if there and results else "NOT_APPLICABLE"
        shown: dict[str, Any] = {
            "testRunId": run.id,
            "testId": run.test,
            "displayName": run.name,
            "environmentVariables": dict(run.env),
            "status": run.status if has_ended or run.status not in ENDED else EXECUTING,
            "testResult": verdict if run.status == DONE else "NOT_APPLICABLE",
            "passFailCriteria": told,
            "loadTestConfiguration": {"engineInstances": test.engines, "splitAllCSVs": False},
            "virtualUsers": test.users,
            "createdDateTime": run.created,
            "startDateTime": run.began or None,
            "endDateTime": run.ended or None,
            "testRunStatistics": statistics(run.samples, test.lasts_s) if there else None,
            "portalUrl": f"https://portal.azure.com/#view/load-test/{run.resource}/{run.id}",
        }
        if run.status == FAILED:
            shown["errorDetails"] = [{"message": "The test engines could not be provisioned: the quota is used up."}]
        return web.json_response(shown, status=status)
