"""Which adapter serves a target is said by its kind alone."""

import subprocess
import sys
from dataclasses import replace

import pytest

from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.platforms import platform_of, router_of
from slipway.adapters.switches import switch_of
from slipway.promotion.plan import Target

WEB = Target("weu", "app-service", "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/shop", "staging")


def test_each_kind_has_its_platform_and_its_router() -> None:
    assert type(platform_of(WEB)).__name__ == "AppService"
    assert type(router_of(WEB)).__name__ == "SlotRouter"
    apps = replace(WEB, kind="container-apps")
    assert type(platform_of(apps)).__name__ == "ContainerApps"
    assert type(router_of(apps)).__name__ == "RevisionRouter"
    assert type(platform_of(replace(WEB, kind="aks"))).__name__ == "Aks"
    assert type(switch_of(replace(WEB, kind="aks"))).__name__ == "ServiceSwitch"


def test_an_unknown_kind_is_named() -> None:
    for choose in (platform_of, router_of):
        with pytest.raises(AzureProblem, match="weu: no adapter serves the kind 'mainframe'") as refused:
            choose(replace(WEB, kind="mainframe"))
        assert refused.value.code == "AZURE_INVALID"


def test_knowing_the_platforms_costs_no_sdk() -> None:
    code = "import sys, slipway.adapters.platforms, slipway.adapters.switches\n"
    code += "sys.exit(any(name.startswith('azure.') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
