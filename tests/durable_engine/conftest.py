"""The SDK only warns when its sequence numbers and ours differ; here that is an error (names are early events)."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "durable_engine" in item.nodeid:
            early = pytest.mark.filterwarnings("ignore:Potential duplicate Task completion")
            strict = pytest.mark.filterwarnings(r"error:Potential duplicate Task completion for TaskId. \d+$")
            item.add_marker(strict, append=False)  # a test's own filter wins
            item.add_marker(early, append=False)
