"""A load that Azure Load Testing drives: which test, how it is told where the release is, and for how long."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from slipway.promotion.stored import known

READS_LOAD_TESTING = "Microsoft.LoadTestService/loadTests/read"
DRIVES_LOADS = (  # of its data plane; the built-in Load Test Contributor may delete tests, too
    "Microsoft.LoadTestService/loadtests/readTest/action",
    "Microsoft.LoadTestService/loadtests/startTest/action",
    "Microsoft.LoadTestService/loadtests/stopTest/action",
)
RIGHTS = "On the load testing resource Slipway's identity needs " + ", ".join((READS_LOAD_TESTING, *DRIVES_LOADS))
PLACEHOLDERS = ("host", "address", "version")
AIMS = ("host", "address")  # one of them says where the release is
USUAL_ENV = {"TARGET_HOST": "{host}"}
USUAL_WITHIN_S = 2700.0
REQUIRED, IGNORED = "required", "ignored"


@dataclass(frozen=True)
class LoadRunPlan:
    """The test `test` of the resource, run once for each target. `env` are the variables that its script is given, with
    placeholders. By `within_s` a run is over, from its provisioning to its results. `criteria` of the test's own are
    required, or ignored."""

    resource: str
    test: str
    env: dict[str, str] = field(default_factory=lambda: dict(USUAL_ENV), hash=False)
    within_s: float = USUAL_WITHIN_S
    criteria: str = REQUIRED

    @property
    def name(self) -> str:
        """The test's id in the letters of our names."""
        return self.test.replace("_", "-").strip("-") or "load"

    def variables(self, address: str, version: str) -> dict[str, str]:
        """What the script is given for a release at `address`."""
        values = {"host": urlsplit(address).netloc or address, "address": address, "version": version}
        return {name: filled(text, values) for name, text in self.env.items()}

    @classmethod
    def load(cls, data: Mapping[str, Any] | None) -> "LoadRunPlan | None":
        return cls(**known(cls, data)) if data else None


def filled(text: str, values: Mapping[str, str]) -> str:
    """`text` with its placeholders replaced; other braces stay."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text
