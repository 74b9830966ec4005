from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from slipway.adapters.intake import take_in
from slipway.adapters.rows import Rows
from tests.laptop import AzureStandin
from tests.owner import vault_of
from tests.promotion.builders import a_build

_NUMBERS = count(1)

# The SDK tries a table again four times; a throttle that names a short time keeps that short.
BUSY = {"answer": {"status": 429, "headers": {"retry-after-ms": "5"}}, "times": 4}
DOWN = {"answer": {"status": 500, "headers": {"retry-after-ms": "5"}}, "times": 4}


@dataclass(frozen=True)
class Promotion:
    """A promotion that was taken in, and the orders that its orchestrations would give for it."""

    id: str
    version: str
    azure: AzureStandin

    @property
    def intake(self) -> dict[str, Any]:
        row = Rows("promotions").get(self.id, "intake")
        assert row is not None
        return row.values

    def change(self, site: str, step: str, version: str = "", fence: int = 1, **more: Any) -> dict[str, Any]:
        """The order to change a site: what `deploy`, `swap` and `stop_idle` are given."""
        version = version or self.version
        return {
            "promotion": self.id,
            "operation": f"{self.id}:dev:{site}:{step}:1",
            "target": asdict(self.azure.target(site)),
            "version": version,
            "version_path": "/version",
            "package": self.azure.package(version),
            "fence": fence,
            **more,
        }


@pytest.fixture
def promotion(azure: AzureStandin, configured: None) -> Promotion:
    version = f"2.{next(_NUMBERS)}.0"
    build = a_build(version)
    assert take_in(build, "service: checkout", datetime.now(UTC)) == "new"
    return Promotion(build.promotion, version, azure)


@pytest.fixture
def fence() -> int:
    """Higher than any that a test before was given, for sites that several tests share."""
    return next(_NUMBERS) * 10


def a_secret(azure: AzureStandin, value: str = "a-probe-key") -> str:
    """The name of a new secret: what was read before is kept."""

    name = f"probe-key-{next(_NUMBERS)}"
    with vault_of(azure) as vault:
        vault.set_secret(name, value)
    return name
