import json
from datetime import UTC, datetime

from azure.servicebus import ServiceBusClient, ServiceBusMessage

connection = "Endpoint=sb://localhost:5672;SharedAccessKeyName=RootManageSharedAccessKey;"
connection += "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true"
build = {"service": "checkout", "version": "1.2.0-errors", "commit": "3f9c2d1", "branch": "main"}
build |= {"author": "bob@shop.example", "finished_at": datetime.now(UTC).isoformat()}
with ServiceBusClient.from_connection_string(connection) as client, client.get_queue_sender("builds") as queue:
    queue.send_messages(ServiceBusMessage(json.dumps(build)))
