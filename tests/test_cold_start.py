"""What a cold start pays for: the app's import loads the Functions SDKs and our own code, nothing heavy besides."""

import json
import subprocess
import sys

LATER = {
    *("pydantic", "pydantic_core", "pydantic_settings", "yaml", "requests", "httpx", "msal", "cryptography"),
    *("azure.core", "azure.data", "azure.identity", "azure.keyvault", "azure.mgmt", "azure.monitor"),
    *("azure.servicebus", "azure.storage", "importlib.metadata", "slipway.cli", "slipway.local"),
}


def test_importing_the_app_loads_no_sdk_and_no_model_before_they_are_needed() -> None:
    show = "import json, sys, function_app; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout)
    assert "orchestrators.stage" in loaded and "triggers.intents_api" in loaded
    assert [name for name in loaded if any(name == each or name.startswith(f"{each}.") for each in LATER)] == []
