"""What lies under a tag in an Azure container registry (azure-containerregistry, `GET /v2/{name}/manifests/{tag}`).

The registry answers 401 with a challenge; the SDK then changes our Entra token into one of the registry's own, which
takes the right to pull and nothing else.
"""

from typing import TYPE_CHECKING

from slipway.adapters import patience
from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind, explain
from slipway.adapters.credentials import credential
from slipway.adapters.once import once_per_process
from slipway.promotion.pins import Manifest, Reference
from slipway.promotion.rights.catalogue import REGISTRIES
from slipway.settings import Settings, settings

if TYPE_CHECKING:
    from azure.containerregistry import ContainerRegistryClient


class Registry:
    """All registries that our identity may pull from. Raises AzureProblem."""

    def __init__(self, settings_: Settings | None = None) -> None:
        self._settings = settings_ or settings()

    def manifest(self, reference: Reference) -> Manifest | None:
        """None when nothing has the tag. The SDK has compared the digest with what the manifest adds up to."""
        from azure.core.exceptions import AzureError, ResourceNotFoundError

        try:
            found = _client(self._settings, reference.registry).get_manifest(reference.repository, reference.tag)
        except ResourceNotFoundError:
            return None
        except AzureError as error:
            raise AzureProblem(explain(error, REGISTRIES)) from error
        except (KeyError, ValueError) as error:  # what the SDK makes of an answer that is none
            words = f"{reference.registry} answers what is no manifest ({type(error).__name__}: {error})"
            raise AzureProblem(AzureFault(FaultKind.UNAVAILABLE, type(error).__name__, words)) from error
        parts = (found.manifest or {}).get("manifests") or []
        return Manifest(str(found.digest), tuple(str(part.get("digest")) for part in parts))


@once_per_process
def _client(settings_: Settings, registry: str) -> "ContainerRegistryClient":
    from azure.containerregistry import ContainerRegistryClient

    from slipway.adapters.data_policy import DataPolicy

    return ContainerRegistryClient(
        settings_.registry_endpoint.replace("{registry}", registry),
        credential(settings_.client_id),
        connection_timeout=patience.CONNECT_S,
        read_timeout=patience.READ_S,
        retry_total=0,  # whoever asked comes again
        per_retry_policies=[DataPolicy("the registry")],
        **settings_.client_options,
    )
