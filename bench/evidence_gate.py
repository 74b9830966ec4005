"""A gate over 50 MB of SARIF: the whole of it, from the file to what is kept, against json.loads of the same file.

Each in a process of its own, so that its peak of memory is its own. The peer only parses; it counts nothing.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from bench.figure import Figure

MB, RUNS, FINDINGS_OF = 1024 * 1024, 5, 50
MOST_S, MOST_MB = 3.0, 300.0

_MEASURED = """
import json, resource, sys, time
began = time.perf_counter()
{work}
took = time.perf_counter() - began
print(json.dumps([took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""
_OURS = """
from datetime import UTC, datetime
from slipway.promotion.build import Build
from slipway.promotion.gates.kinds import judge
from slipway.promotion.gates.plan import GatePlan
now = datetime.now(UTC)
gate = GatePlan("scan", "sarif", {"max": {"error": 10**6}, "new": 10**6}, "sarif")
build = Build("checkout", "1.1.0", "", "main", "", now)
with open(sys.argv[1], "rb") as file:
    said = judge(gate, file, build, {"findings": ""}, now)
assert said.passed and sum(said.facts["new"].values()) > 1000, said
"""
_PEER = """
with open(sys.argv[1], "rb") as file:
    json.loads(file.read())
"""


def figures() -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scan.sarif"
        results = _write(path, FINDINGS_OF * MB)
        pairs = [(_once(_OURS, path), _once(_PEER, path)) for _ in range(RUNS)]
    sides = zip(*pairs, strict=True)
    (ours_s, ours_mb), (peer_s, peer_mb) = (
        [statistics.median(each) for each in zip(*side, strict=True)] for side in sides
    )
    what = f"a gate over {FINDINGS_OF} MB of SARIF, {results:,} results; peer: json.loads"
    yield Figure(f"{what} (ms)", 1000 * ours_s, 1000 * peer_s, f"< {MOST_S:g} s", ours_s < MOST_S)
    yield Figure(
        "its peak of memory, beside json.loads' (MB)", ours_mb, peer_mb, f"< {MOST_MB:g} MB", ours_mb < MOST_MB
    )


def _once(work: str, path: Path) -> list[float]:
    """Seconds, and MB at the peak, imports included."""
    code = _MEASURED.format(work=work)
    said = subprocess.run([sys.executable, "-c", code, path], check=True, capture_output=True, text=True)
    measured: list[float] = json.loads(said.stdout)
    return measured


def _write(path: Path, size: int) -> int:
    """Results as CodeQL writes them, a tenth with a flow of code; how many there are."""
    head = '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "CodeQL", "rules": [%s]}}, "results": ['
    rules = ", ".join(f'{{"id": "py/rule-{n}", "defaultConfiguration": {{"level": "warning"}}}}' for n in range(300))
    count = written = 0
    with path.open("w") as file:
        file.write(head % rules)
        while written < size:
            written += file.write(("," if count else "") + json.dumps(_result(count)))
            count += 1
        file.write("]}]}")
    return count


def _result(n: int) -> dict[str, object]:
    place = {
        "artifactLocation": {"uri": f"shop/module_{n % 900}/orders.py", "uriBaseId": "%SRCROOT%", "index": n % 900},
        "region": {"startLine": n % 2000, "startColumn": 20, "endColumn": 57},
    }
    step = {"location": {"physicalLocation": place, "message": {"text": "a value from outside"}}}
    return {
        "ruleId": f"py/rule-{n % 300}",
        "ruleIndex": n % 300,
        "rule": {"id": f"py/rule-{n % 300}", "index": n % 300},
        "message": {"text": f"This query depends on a [value from outside](1). {'x' * (n % 60)}"},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"primaryLocationLineHash": f"{n * 2654435761 % 2**64:016x}:1"},
        **({} if n % 10 else {"codeFlows": [{"threadFlows": [{"locations": [step] * 12}]}]}),
    }
