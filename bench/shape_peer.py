"""The same shape on `durabletask`'s in-memory backend, as its own documentation starts it: nothing is kept."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from durabletask import client, worker
from durabletask.testing import create_test_backend

from bench.figure import ms
from bench.shape_here import STEPS


def promotion(context: Any, given: Any) -> Any:
    for number, steps in enumerate(STEPS[:-1]):
        yield context.call_sub_orchestrator(stage, input={"name": f"s{number}", "steps": steps})
    yield context.wait_for_external_event("approved")
    return (yield context.call_sub_orchestrator(stage, input={"name": "last", "steps": STEPS[-1]}))


def stage(context: Any, given: Any) -> Any:
    for number in range(given["steps"]):
        yield context.call_activity(noop, input={**given, "n": number})
    return given["name"]


def noop(context: Any, order: Any) -> Any:
    return order


class Peer:
    def __init__(self, hub: client.TaskHubGrpcClient) -> None:
        self._hub = hub
        self._count = 0

    def once(self) -> float:
        self._count += 1
        return ms(self._promote)

    def _promote(self) -> None:
        id = self._hub.schedule_new_orchestration(promotion, input={"build": self._count})
        self._hub.raise_orchestration_event(id, "approved", data={})
        state = self._hub.wait_for_orchestration_completion(id, timeout=60)
        assert state is not None and state.runtime_status is client.OrchestrationStatus.COMPLETED, state


@contextmanager
def peer() -> Iterator[Peer]:
    """Backend, worker and client in this process, joined by gRPC on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    backend = create_test_backend(port=port)
    silent = logging.NullHandler()
    works = worker.TaskHubGrpcWorker(host_address=f"127.0.0.1:{port}", log_handler=silent)
    works.add_orchestrator(promotion)
    works.add_orchestrator(stage)
    works.add_activity(noop)
    works.start()
    hub = client.TaskHubGrpcClient(host_address=f"127.0.0.1:{port}", log_handler=silent)
    try:
        yield Peer(hub)
    finally:
        hub.close()
        works.stop()
        backend.stop()
