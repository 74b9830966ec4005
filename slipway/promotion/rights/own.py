"""What Slipway needs of the services that are its own, whatever its pipelines say.

`infra/modules/roles.bicep` gives Azure's own roles for it, which hold more; these are the actions that are used.
"""

from slipway.promotion.rights.role import Role

_TABLES = "Microsoft.Storage/storageAccounts/tableServices/tables"
_CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"

TABLES = Role(
    "Storage Table Data Contributor",
    "Keeps rows: intake, fences, receipts, the read model.",
    data_actions=(
        f"{_TABLES}/write",
        *(f"{_TABLES}/entities/{verb}" for verb in ("read", "add/action", "update/action", "delete")),
    ),
)
AUDIT = Role(
    "Storage Blob Data Contributor",
    "Appends to the audit trail and reads it.",
    actions=(f"{_CONTAINERS}/write",),  # makes the container where it is not there
    data_actions=tuple(f"{_CONTAINERS}/blobs/{verb}" for verb in ("read", "write", "add/action")),
)
TELEMETRY = Role(
    "Monitoring Metrics Publisher",
    "Tells of itself.",
    data_actions=("Microsoft.Insights/Telemetry/Write",),
)
