"""Feature flags in an App Configuration store (azure-appconfiguration; REST `GET` and `PUT /kv/{key}`).

A flag is a key-value below `.appconfig.featureflag/`. It is written as plain text with the etag that it was read with:
the SDK's own model of a flag would put keys of its own beside those that are there.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind
from slipway.adapters.configuration.client import asked
from slipway.promotion.flags.document import Document
from slipway.promotion.flags.setting import FlagSetting
from slipway.settings import Settings, settings

if TYPE_CHECKING:
    from azure.appconfiguration import AzureAppConfigurationClient, ConfigurationSetting

PREFIX = ".appconfig.featureflag/"
CONTENT_TYPE = "application/vnd.microsoft.appconfig.ff+json;charset=utf-8"
LOCKED = "KeyLocked"
_OF_THE_SDK = ("display_name", "description")  # which it adds to every flag, as null


class Flags:
    """`FlagStore` on the store that SLIPWAY_APP_CONFIGURATION names. Raises AzureProblem."""

    def __init__(self, settings_: Settings | None = None) -> None:
        self._settings = settings_ or settings()

    def read(self, name: str, label: str) -> FlagSetting | None:
        from azure.core.exceptions import ResourceNotFoundError

        texts: list[str] = []
        try:
            found = asked(
                self._settings,
                lambda client: client.get_configuration_setting(
                    PREFIX + name,
                    label or None,
                    raw_response_hook=lambda response: texts.append(response.http_response.text()),
                ),
            )
        except ResourceNotFoundError:
            return None
        told = json.loads(texts[-1])
        return replace(_setting(found, _document(told.get("value"))), description=told.get("description"))

    def write(self, setting: FlagSetting, document: Document, tags: Mapping[str, str]) -> FlagSetting | None:
        from azure.core import MatchConditions
        from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError

        if setting.locked:
            raise AzureProblem(_locked(setting))
        sent = self._sent(setting.name, setting.label, document, tags, setting.etag, setting.description)
        try:
            written = asked(
                self._settings,
                lambda client: client.set_configuration_setting(sent, match_condition=MatchConditions.IfNotModified),
            )
        except (ResourceModifiedError, ResourceNotFoundError):
            return None
        return _setting(written, document)

    def create(self, name: str, label: str, document: Document, tags: Mapping[str, str]) -> FlagSetting | None:
        from azure.core.exceptions import ResourceExistsError, ResourceModifiedError

        sent = self._sent(name, label, document, tags)
        try:
            return _setting(asked(self._settings, lambda client: client.add_configuration_setting(sent)), document)
        except (ResourceExistsError, ResourceModifiedError):
            return None

    def all(self) -> list[FlagSetting]:
        def listed(client: "AzureAppConfigurationClient") -> list["ConfigurationSetting"]:
            return list(client.list_configuration_settings(key_filter=f"{PREFIX}*"))

        found = [_setting(each, _without_nulls(_document(each.value))) for each in asked(self._settings, listed)]
        return sorted(found, key=lambda each: (each.name, each.label))

    def _sent(
        self,
        name: str,
        label: str,
        document: Document,
        tags: Mapping[str, str],
        etag: str | None = None,
        description: str | None = None,
    ) -> "ConfigurationSetting":
        from azure.appconfiguration import ConfigurationSetting

        value = json.dumps(document, ensure_ascii=False)
        key = {"key": PREFIX + name, "label": label or None}
        more = {"content_type": CONTENT_TYPE, "tags": dict(tags), "etag": etag, "description": description}
        return ConfigurationSetting(**key, value=value, **more)


def _setting(found: "ConfigurationSetting", document: Document) -> FlagSetting:
    return FlagSetting(
        name=str(found.key).removeprefix(PREFIX),
        label=found.label or "",
        document=document,
        etag=str(found.etag or ""),
        tags=dict(found.tags or {}),
        changed_at=found.last_modified,
        locked=bool(found.read_only),
    )


def _document(text: str | None) -> Document:
    try:
        document = json.loads(text or "")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _without_nulls(document: Document) -> Document:
    return {key: value for key, value in document.items() if not (value is None and key in _OF_THE_SDK)}


def _locked(setting: FlagSetting) -> AzureFault:
    words = f"the flag {setting.where} is locked in the store, so nobody can change it; unlock it first"
    return AzureFault(FaultKind.INVALID, LOCKED, words)
