"""Before azd packs the app: build the package that is deployed everywhere else too, into the folder that azd packs.

In this folder, because azd installs the nearest requirements for a hook, and one beside package.py gets all the app's.
"""

import runpy
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "package.py"

if __name__ == "__main__":
    runpy.run_path(str(PACKAGE), run_name="__main__")
