"""What a cold start pays for: the app's import loads the Functions SDKs; each function the rest, when it is called."""

import inspect
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import azure.durable_functions as df

import blueprints
import function_app

LATER = {
    *("pydantic", "pydantic_core", "pydantic_settings", "yaml", "requests", "httpx", "msal", "cryptography"),
    *("azure.core", "azure.data", "azure.identity", "azure.keyvault", "azure.mgmt", "azure.monitor"),
    *("azure.servicebus", "azure.storage", "importlib.metadata", "slipway.cli", "slipway.local"),
}


OURS = ("activities", "blueprints", "entities", "orchestrators", "slipway", "triggers")


def loaded_by(code: str) -> list[str]:
    show = f"import json, sys; {code}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found


def described(app: df.DFApp) -> list[dict[str, object]]:
    """What the Functions worker reads of each function."""
    return [
        {
            "name": each.get_function_name(),
            "bindings": each.get_raw_bindings(),
            "over_http": each.is_http_function(),
            "async": inspect.iscoroutinefunction(each.get_user_function()),
            "parameters": list(inspect.signature(each.get_user_function()).parameters),
            "types": {
                name: type_
                for name, type_ in get_type_hints(each.get_user_function()).items()
                if getattr(type_, "__module__", "").startswith("azure.functions.") and "Orchestration" not in str(type_)
            },
        }
        for each in app.get_functions()
    ]


def test_the_app_stands_in_for_every_function_as_it_is() -> None:
    """If this fails: `make functions`."""
    there = json.loads(function_app.TABLE.read_text(encoding="utf-8"))
    assert there == {"marks": function_app.marks(), "functions": blueprints.table()}
    assert described(function_app.registered(there["functions"])) == described(blueprints.composed())


def test_where_the_table_does_not_fit_the_code_the_app_is_imported_whole(tmp_path: Path) -> None:
    for name in ("function_app.py", "blueprints.py"):
        shutil.copy(function_app.ROOT / name, tmp_path)
    for name in ("slipway", *function_app.FOLDERS):
        (tmp_path / name).symlink_to(function_app.ROOT / name)
    table = json.loads(function_app.TABLE.read_text(encoding="utf-8"))
    (tmp_path / "functions.json").write_text(json.dumps({**table, "marks": table["marks"] + 1}), encoding="utf-8")
    assert "orchestrators.stage" in loaded_by(f"sys.path.insert(0, {str(tmp_path)!r}); import function_app")


def test_importing_the_app_loads_none_of_its_modules_before_they_are_called() -> None:
    loaded = loaded_by("import function_app")
    assert "function_app" in loaded and [name for name in loaded if name.partition(".")[0] in OURS] == []


def test_importing_the_whole_app_loads_no_sdk_and_no_model_before_they_are_needed() -> None:
    loaded = loaded_by("import blueprints")
    assert "orchestrators.stage" in loaded and "triggers.intents_api" in loaded
    assert [name for name in loaded if any(name == each or name.startswith(f"{each}.") for each in LATER)] == []
