"""What differs between one place and another: endpoints, folders, names. Read from the environment, once."""

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from slipway.promotion.errors import SlipwayError

BUILDS_QUEUE, REJECTED_QUEUE, EVENTS_TOPIC = "builds", "builds-rejected", "promotions"
_BESIDE_THE_APP = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """The settings of this process. An optional one that is unset is `""` or None; see `needed`."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True, validate_default=False
    )

    pipelines: Path = Field(_BESIDE_THE_APP / "pipelines", validation_alias="SLIPWAY_PIPELINES")
    people: Path | None = Field(None, validation_alias="SLIPWAY_PEOPLE")
    tables_endpoint: str = Field("", validation_alias="SLIPWAY_TABLES_ENDPOINT")
    blobs_endpoint: str = Field("", validation_alias="SLIPWAY_BLOBS_ENDPOINT")
    audit_container: str = Field("audit", validation_alias="SLIPWAY_AUDIT_CONTAINER")
    arm_endpoint: str = Field("https://management.azure.com", validation_alias="SLIPWAY_ARM_ENDPOINT")
    ca_file: Path | None = Field(None, validation_alias="SLIPWAY_CA_FILE")
    site_scheme: str = Field("https", validation_alias="SLIPWAY_SITE_SCHEME", pattern="^https?$")
    servicebus_namespace: str = Field("", validation_alias="SERVICEBUS__fullyQualifiedNamespace")
    servicebus_endpoint: str = Field("", validation_alias="SERVICEBUS__customEndpointAddress")
    vault: str = Field("", validation_alias="SLIPWAY_VAULT", pattern="^(https://.+)?$")
    auth_enabled: bool = Field(False, validation_alias="WEBSITE_AUTH_ENABLED")
    tenant: str = Field("", validation_alias="SLIPWAY_TENANT")
    audience: str = Field("", validation_alias="SLIPWAY_AUDIENCE")
    client_id: str = Field("", validation_alias="AZURE_CLIENT_ID")

    def needed(self, name: str) -> str:
        """The text setting of that field. Raises SlipwayError SETTING_MISSING, naming the variable to set."""
        value = str(getattr(self, name))
        if not value:
            variable = type(self).model_fields[name].validation_alias
            raise SlipwayError("SETTING_MISSING", f"{variable} is not set; Slipway cannot do this without it")
        return value

    @property
    def verify(self) -> str | bool:
        """What HTTP clients check certificates with: our CA file, or True for the usual authorities."""
        return str(self.ca_file) if self.ca_file else True

    @property
    def client_options(self) -> dict[str, Any]:
        """What every Azure SDK client is given besides endpoint and credential; nothing when no CA is set."""
        return {"connection_verify": str(self.ca_file)} if self.ca_file else {}


@cache
def settings() -> Settings:
    """The settings of this process. Raises pydantic.ValidationError when a variable cannot be read."""
    return Settings()
