"""What tests call the things in Azure that they use: alike in the stand-in and in a real subscription."""

from typing import Any
from urllib.parse import urlsplit

from slipway.promotion.front_door import FrontDoor, Testers
from slipway.promotion.load_runs.plan import LoadRunPlan
from slipway.promotion.plan import Target
from slipway.settings import Settings
from tests.laptop_holds import FRONT_DOOR, LOAD_TESTING, OLDER


class Names:
    """`group` is the id of the resource group they are in; `ready["sites"]` has their addresses."""

    settings: Settings
    ready: dict[str, Any]
    group: str
    unique = ""  # what names of things that tests make have in them, where those of the run before are still there

    @property
    def logging(self) -> Settings:
        """Settings with a workspace that has the logs of jobs."""
        return self.settings

    def target(self, site: str) -> Target:
        resource = f"{self.group}/providers/Microsoft.Web/sites/{site}"
        return Target(site, "app-service", resource, "staging")

    def app(self, name: str) -> Target:
        resource = f"{self.group}/providers/Microsoft.App/containerApps/{name}"
        return Target(name, "container-apps", resource, "")

    def job(self, name: str) -> str:
        """The resource id of a job."""
        return f"{self.group}/providers/Microsoft.App/jobs/{name}"

    def release(self, name: str, **helm: Any) -> Target:
        """A Helm release of two sides in a cluster."""
        cluster = "plain" if name == OLDER else "shop"
        group = f"{self.group}/providers"
        ends = {side: str(self.ready["sites"][f"{cluster}-{name}{side}"]) for side in ("", "-blue", "-green")}
        told = {"namespace": "shop", "release": name, "deployment": f"{name}-{{side}}", "address": ends[""]}
        settings = {"helm": {**told, "preview": {"blue": ends["-blue"], "green": ends["-green"]}, **helm}}
        resource = f"{group}/Microsoft.ContainerService/managedClusters/{cluster}"
        return Target(name, "aks", resource, "", f"shop/{name}", settings)

    def origins(self, site: str, testers: Testers | None = None) -> FrontDoor:
        """The two origins of a site behind the Front Door, `live` and `idle`."""
        group = f"{self.group}/providers/Microsoft.Cdn"
        endpoint = str(self.ready["sites"][f"{site}-edge"])
        return FrontDoor(f"{group}/profiles/{FRONT_DOOR}", site, "live", "idle", endpoint, testers=testers)

    def switched(self, switch: str, **section: Any) -> Target:
        """A target with that section, whose sides are sites."""
        cluster = f"{self.group}/providers/Microsoft.ContainerService"
        return Target("weu", "aks", f"{cluster}/managedClusters/shop", "", settings={switch: section})

    def account(self, name: str) -> str:
        """The resource id of a Cosmos DB account."""
        return f"{self.group}/providers/Microsoft.DocumentDB/databaseAccounts/{name}"

    @property
    def store(self) -> str:
        """The resource id of the App Configuration store that the settings name."""
        name = (urlsplit(self.settings.app_configuration).hostname or "").partition(".")[0]
        return f"{self.group}/providers/Microsoft.AppConfiguration/configurationStores/{name}"

    def load_run(self, test: str, **more: Any) -> LoadRunPlan:
        """A load that Azure Load Testing drives."""
        return LoadRunPlan(f"{self.group}/providers/Microsoft.LoadTestService/loadTests/{LOAD_TESTING}", test, **more)
