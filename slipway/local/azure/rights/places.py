"""The resource ids of services that the stand-in has one of, and that no pipeline and no address names by its id."""

NAME = "standin"


def vault(group: str) -> str:
    return f"{group}/providers/Microsoft.KeyVault/vaults/{NAME}"


def configuration(group: str) -> str:
    return f"{group}/providers/Microsoft.AppConfiguration/configurationStores/{NAME}"


def storage(group: str) -> str:
    return f"{group}/providers/Microsoft.Storage/storageAccounts/{NAME}"


def insights(group: str) -> str:
    return f"{group}/providers/Microsoft.Insights/components/{NAME}"


def workspace(group: str, customer: str) -> str:
    """A workspace by the id that queries name it by."""
    return f"{group}/providers/Microsoft.OperationalInsights/workspaces/{customer}"


def registry(group: str, host: str) -> str:
    return f"{group}/providers/Microsoft.ContainerRegistry/registries/{host.partition('.')[0]}"


def environment(group: str) -> str:
    """The one environment that container apps are in."""
    return f"{group}/providers/Microsoft.App/managedEnvironments/{NAME}"
