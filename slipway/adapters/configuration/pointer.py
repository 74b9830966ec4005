"""The setting that names the snapshot which applications read (azure-appconfiguration; `GET` and `PUT /kv/{key}`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slipway.adapters.configuration.client import asked
from slipway.settings import Settings

if TYPE_CHECKING:
    from azure.appconfiguration import AzureAppConfigurationClient, ConfigurationSetting

SNAPSHOT, PREVIOUS = "slipway-snapshot", "slipway-previous"


@dataclass(frozen=True)
class Pointing:
    """What the pointer says. Its tags are true of it only while they name the same snapshot: whoever writes by hand
    leaves them as they were."""

    snapshot: str
    etag: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None

    @property
    def is_ours(self) -> bool:
        return self.tags.get(SNAPSHOT) == self.snapshot

    @property
    def previous(self) -> str:
        """The version that it named before, as far as Slipway wrote it."""
        return self.tags.get(PREVIOUS, "") if self.is_ours else ""


class Pointers:
    """Raises AzureProblem."""

    def __init__(self, settings_: Settings) -> None:
        self._settings = settings_

    def read(self, key: str, label: str) -> Pointing | None:
        from azure.core.exceptions import ResourceNotFoundError

        try:
            found = asked(self._settings, lambda client: client.get_configuration_setting(key, label or None))
        except ResourceNotFoundError:
            return None
        return Pointing(str(found.value or ""), str(found.etag or ""), dict(found.tags or {}), found.content_type)

    def write(self, key: str, label: str, now: Pointing | None, snapshot: str, previous: str) -> bool:
        """False when somebody else wrote since it was read as `now`; None is that it was not there."""
        from azure.appconfiguration import ConfigurationSetting
        from azure.core import MatchConditions
        from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

        kept = {name: tag for name, tag in (now.tags if now else {}).items() if name not in (SNAPSHOT, PREVIOUS)}
        tags = {**kept, SNAPSHOT: snapshot, **({PREVIOUS: previous} if previous else {})}
        sent = ConfigurationSetting(
            key=key,
            label=label or None,
            value=snapshot,
            tags=tags,
            etag=now.etag if now else None,
            content_type=now.content_type if now else None,
        )

        def put(client: "AzureAppConfigurationClient") -> "ConfigurationSetting":
            if now is None:
                return client.add_configuration_setting(sent)
            return client.set_configuration_setting(sent, match_condition=MatchConditions.IfNotModified)

        try:
            asked(self._settings, put)
        except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError):
            return False
        return True
