"""Cold start: importing the app against importing the two Functions SDKs alone, each in a new process.

In milliseconds of CPU, user and system: an import waits for nothing, and whatever else the machine does stays out.
"""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterable

from bench.figure import Figure, at_most

RUNS = 15
SDKS = "import azure.functions, azure.durable_functions"
APP = "import function_app"


def figures() -> Iterable[Figure]:
    """Both sides have their bytecode, as the peer's always comes with its installation."""
    with tempfile.TemporaryDirectory() as kept:
        known = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment = {**known, "PYTHONPYCACHEPREFIX": kept}

        def once(code: str) -> float:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, "-c", code], check=True, env=environment)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return 1000 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)

        once(SDKS), once(APP)
        pairs = [(once(APP), once(SDKS)) for _ in range(RUNS)]
    ours, peer = zip(*pairs, strict=True)
    yield at_most("import function_app; peer: the two Functions SDKs (ms of CPU)", ours, peer, 1.2)
