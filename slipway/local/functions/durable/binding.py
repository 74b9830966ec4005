"""The datum of a durableClient binding: where the SDK's client finds this hub."""

import json
from urllib.parse import urlencode

_CONNECTION = "DURABLE_TASK_SCHEDULER_CONNECTION_STRING"
_INSTANCE = "INSTANCEID"  # the SDK replaces this word


def management_uris(root: str, instance_id: str, query: str) -> dict[str, str]:
    """The addresses to manage an instance with, as the extension names them."""
    one = f"{root.rstrip('/')}/instances/{instance_id}"
    return {
        "id": instance_id,
        "statusQueryGetUri": f"{one}?{query}",
        "sendEventPostUri": f"{one}/raiseEvent/{{eventName}}?{query}",
        "terminatePostUri": f"{one}/terminate?reason={{text}}&{query}",
        "rewindPostUri": f"{one}/rewind?reason={{text}}&{query}",
        "purgeHistoryDeleteUri": f"{one}?{query}",
        "restartPostUri": f"{one}/restart?{query}",
        "suspendPostUri": f"{one}/suspend?reason={{text}}&{query}",
        "resumePostUri": f"{one}/resume?reason={{text}}&{query}",
    }


def client_binding(base_url: str, rpc_base_url: str, task_hub: str, key: str = "") -> str:
    """JSON text. `base_url` is the root of the webhooks, `key` opens it; `rpc_base_url` serves the SDK."""
    query = urlencode({"taskHub": task_hub, "connection": _CONNECTION, **({"code": key} if key else {})})
    create = f"{base_url.rstrip('/')}/orchestrators/{{functionName}}[/{{instanceId}}]"
    return json.dumps(
        {
            "taskHubName": task_hub,
            "creationUrls": {
                "createNewInstancePostUri": f"{create}?{query}",
                "createAndWaitOnNewInstancePostUri": (
                    f"{create}?timeout={{timeoutInSeconds}}&pollingInterval={{intervalInSeconds}}&{query}"
                ),
            },
            "managementUrls": management_uris(base_url, _INSTANCE, query),
            "baseUrl": base_url.rstrip("/"),
            "requiredQueryStringParameters": query,
            "rpcBaseUrl": f"{rpc_base_url.rstrip('/')}/",
        }
    )
