"""Settings and snapshots of an App Configuration store (azure-appconfiguration; REST `GET /kv`, `PUT /snapshots/{n}`).

A snapshot is immutable: what it holds cannot be changed by anybody, only archived, and an archived one is gone after
its retention. Composition `key`, because that is the one that applications can load by its name.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from slipway.adapters.azure_errors import AzureProblem, explain
from slipway.adapters.configuration.client import client_of
from slipway.promotion.release_parts.configuration import Place, Setting, Snapshot
from slipway.promotion.rights.catalogue import SNAPSHOTS
from slipway.settings import Settings, settings

if TYPE_CHECKING:
    from azure.appconfiguration import AzureAppConfigurationClient

RETENTION_S = 90 * 86_400  # of an archived one, the longest that there is
MARK = "slipway"


class Configuration:
    """`ConfigurationStore` on the store that SLIPWAY_APP_CONFIGURATION names. Raises AzureProblem."""

    def __init__(self, settings_: Settings | None = None) -> None:
        self._settings = settings_ or settings()

    def settings(self, place: Place) -> list[Setting]:
        return self._listed(key_filter=place.key_filter, label_filter=place.label)

    def snapshot(self, name: str) -> Snapshot | None:
        from azure.core.exceptions import ResourceNotFoundError

        try:
            found = self._asked(lambda client: client.get_snapshot(name))
        except ResourceNotFoundError:
            return None
        return Snapshot(name, str(getattr(found.status, "value", found.status)), str((found.tags or {}).get(MARK, "")))

    def in_snapshot(self, name: str) -> list[Setting]:
        """Empty when there is none of that name."""
        from azure.core.exceptions import ResourceNotFoundError

        try:
            return self._listed(snapshot_name=name)
        except ResourceNotFoundError:
            return []

    def start_snapshot(self, place: Place, service: str) -> None:
        """Begun, unless one of that name is there."""
        from azure.appconfiguration import ConfigurationSettingsFilter
        from azure.core.exceptions import ResourceExistsError

        taken = ConfigurationSettingsFilter(key=place.key_filter, label=place.label)
        told: dict[str, Any] = {"composition_type": "key", "retention_period": RETENTION_S, "tags": {MARK: service}}
        try:
            self._asked(lambda client: client.begin_create_snapshot(place.snapshot, [taken], **told, polling=False))
        except ResourceExistsError:
            return

    def recover(self, name: str) -> None:
        """One that was archived stays for good again."""
        self._asked(lambda client: client.recover_snapshot(name))

    def _listed(self, **which: Any) -> list[Setting]:
        def asked(client: "AzureAppConfigurationClient") -> list[Setting]:
            found = client.list_configuration_settings(**which)
            return [Setting(str(each.key), each.content_type or "", each.value) for each in found]

        listed: list[Setting] = self._asked(asked)
        return listed

    def _asked(self, ask: Callable[["AzureAppConfigurationClient"], Any]) -> Any:
        """What the store answers; what is not there, or there already, is the caller's to understand."""
        from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError

        try:
            return ask(client_of(self._settings))
        except (ResourceExistsError, ResourceNotFoundError):
            raise
        except AzureError as error:
            raise AzureProblem(explain(error, SNAPSHOTS)) from error
