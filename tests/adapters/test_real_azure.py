"""The frame of `make test-azure`: what it runs against, and that it runs against nothing by accident."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real_azure import ADDRESSES, CHOSEN, GROUP, JOB_IMAGES, MODULES, NEEDED, chosen


def test_without_a_subscription_it_says_what_is_missing_and_runs_nothing() -> None:
    nothing = {name: value for name, value in os.environ.items() if name not in {*NEEDED, "CI", "IDENTITY_ENDPOINT"}}
    nothing |= {"AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential"}
    command = [sys.executable, "-m", "tests.real_azure"]
    ended = subprocess.run(command, env=nothing, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2 and not ended.stdout
    assert all(name in ended.stderr for name in NEEDED) and "credentials: `az login`" in ended.stderr
    in_ci = subprocess.run(command, env={**nothing, "CI": "true"}, capture_output=True, text=True, timeout=60)
    assert in_ci.returncode == 2 and "do not run in CI" in in_ci.stderr


def test_its_modules_are_there() -> None:
    assert [name for name in MODULES if not (Path(__file__).parent / f"test_{name}.py").exists()] == []


def test_what_only_the_stand_in_can_do_skips_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOSEN, "1")
    monkeypatch.setenv(GROUP, "/subscriptions/s/resourceGroups/shop/")
    azure = chosen()
    assert azure is not None
    assert (
        azure.app("apart").resource
        == "/subscriptions/s/resourceGroups/shop/providers/Microsoft.App/containerApps/apart"
    )
    with pytest.raises(pytest.skip.Exception, match="a real subscription has no fault"):
        azure.fault("GET", "/", drop="before")
    azure.forget_faults()


def test_what_a_subscription_has_not_skips_the_test_that_asks_for_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(CHOSEN, "1")
    monkeypatch.setenv(GROUP, "/subscriptions/s/resourceGroups/shop")
    (tmp_path / "addresses.json").write_text('{"plain": "https://plain.example"}')
    monkeypatch.setenv(ADDRESSES, str(tmp_path / "addresses.json"))
    monkeypatch.setenv(JOB_IMAGES, "shop.azurecr.io")
    azure = chosen()
    assert azure is not None and azure.ready["sites"]["plain"] == "https://plain.example"
    assert azure.job("uat").endswith("/jobs/uat") and azure.load_run("peak").test == "peak"
    asked: list[Callable[[], object]] = [
        lambda: azure.ready["sites"]["side-blue"],
        lambda: azure.ready["cert"],
        lambda: azure.url,
        lambda: azure.job("belated"),
        lambda: azure.load_run("stuck"),
        lambda: azure.release("story"),
        lambda: azure.stack("net"),
    ]
    for ask in asked:
        with pytest.raises(pytest.skip.Exception, match="a real subscription has no"):
            ask()
