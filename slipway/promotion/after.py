"""What has to be live elsewhere first: `orders 4.2 or later`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class After:
    """`service` has `at_least` that version live and proven in `environment` before a stage begins its work."""

    service: str
    at_least: str
    environment: str
