"""The storefront's infrastructure: plans and applies what SLIPWAY_VERSION says, as a team's image with Terraform does.

The state is a JSON file in VOLUME with a serial number; a plan is another, saved under SLIPWAY_PLAN with the serial
that it was made for. `plan` prints what would change and, last, the summary. `apply` refuses a plan whose serial is not
the state's any more, or that is gone, with 3. By its version: `-drops` has one resource fewer, `-badapply` fails
half-way with words that a stale plan has, too, `-badplan` cannot be planned, `-silent` prints no summary.
"""

import json
import os
import sys
from pathlib import Path

STALE = 3
VOLUME = Path(os.environ["VOLUME"])
STATE = VOLUME / f"{os.environ.get('STATE', 'shop')}.tfstate.json"


def state() -> dict[str, object]:
    return json.loads(STATE.read_text()) if STATE.exists() else {"serial": 0, "resources": {}}


def wanted(version: str) -> dict[str, str]:
    resources = {"plan": version, "database": "basic", "password": f"of-{version}"}
    if version.endswith("-drops"):
        del resources["database"]
    return resources


def plan(version: str, saved: Path) -> int:
    if version.endswith("-badplan"):
        print("Error: Unsupported argument")
        return 1
    now = state()
    there: dict[str, str] = now["resources"]  # type: ignore[assignment]
    after = wanted(version)
    added, gone = after.keys() - there.keys(), there.keys() - after.keys()
    changed = {name for name in after.keys() & there.keys() if after[name] != there[name]}
    for sign, names in (("+", added), ("~", changed), ("-", gone)):
        for name in sorted(names):
            print(f"  {sign} {name} = {after.get(name, there.get(name))}")
    saved.write_text(json.dumps({"serial": now["serial"], "resources": after}))
    if not version.endswith("-silent"):
        print(json.dumps({"add": len(added), "change": len(changed), "destroy": len(gone)}))
    return 0


def apply(version: str, saved: Path) -> int:
    now = state()
    if not saved.exists() or json.loads(saved.read_text())["serial"] != now["serial"]:
        print("Error: Saved plan is stale")
        return STALE
    after: dict[str, str] = json.loads(saved.read_text())["resources"]
    fails = version.endswith("-badapply")
    if fails:
        after = {**now["resources"], "plan": after["plan"]}  # type: ignore[dict-item]
    STATE.write_text(json.dumps({"serial": int(str(now["serial"])) + 1, "resources": after}))
    print("Error: creating database: quota exceeded (elsewhere: Saved plan is stale)" if fails else "Apply complete!")
    return 1 if fails else 0


def main() -> int:
    version, saved = os.environ["SLIPWAY_VERSION"], VOLUME / f"{os.environ['SLIPWAY_PLAN']}.tfplan.json"
    return {"plan": plan, "apply": apply}[os.environ["SLIPWAY_STEP"]](version, saved)


if __name__ == "__main__":
    sys.exit(main())
