"""What `make chaos` does, small enough for every run of the tests; CI has more of it at every push."""

from pathlib import Path

import pytest

from tests.chaos.report import table, way_to
from tests.chaos.run import Plan, run

SEED, KILLS = 20, 10


@pytest.mark.timeout(600)
def test_some_kills_faults_and_full_disks_break_no_promise(tmp_path: Path) -> None:
    plan = Plan(SEED, kills=KILLS, pace_s=0.55, letter_every_s=1.2, most_builds=7, instances=1)
    result = run(plan, tmp_path, print)
    print("\n".join(table(result)))
    assert not result.broken, "\n".join(way_to(result))
    assert result.chronicle.count("kill") >= KILLS
