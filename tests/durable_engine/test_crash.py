"""Killed at any moment and started again, everything goes on, and no recorded answer is asked for twice."""

import asyncio
import json
import os
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from slipway.local.functions.durable.engine import DurableEngine
from tests.durable_engine.crashing_app import CHILDREN, EXPECTED_TOTAL, STEPS, crashing_app
from tests.durable_engine.harness import START, AppFunctions, World

ROOT = Path(__file__).parents[2]


class Doomed(AppFunctions):
    """Calls for the end of the world in the middle of the `after`th call of a function."""

    def doom(self, after: int) -> asyncio.Event:
        self.left, self.over = after, asyncio.Event()
        self.loop = asyncio.get_running_loop()
        return self.over

    def _tick(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.loop.call_soon_threadsafe(self.over.set)

    def orchestrate(self, name: str, body: str) -> str:
        self._tick()
        return super().orchestrate(name, body)

    def run_entity(self, name: str, body: str) -> str:
        self._tick()
        return super().run_entity(name, body)

    async def run_activity(self, name: str, instance_id: str, input_json: str) -> str:
        answer = await super().run_activity(name, instance_id, input_json)
        self._tick()
        return answer


def doomed_world(state: Path, runs: Counter[str], at) -> World:
    def count_run(step: str) -> int:
        runs[step] += 1
        return runs[step]

    world = World(crashing_app(count_run, timedelta(minutes=5)), start=at)
    world.functions = Doomed(crashing_app(count_run, timedelta(minutes=5)))
    world.engine = DurableEngine(world.functions, state, world.clock)
    return world


@pytest.mark.parametrize("seed", range(20))
async def test_crashes_at_any_moment_change_nothing_in_the_end(tmp_path, seed):
    chance = random.Random(seed)
    runs: Counter[str] = Counter()
    state, now, crashes = tmp_path / "state.sqlite", START, 0
    while True:
        world = doomed_world(state, runs, now)
        await world.engine.start()
        if not await world.status():
            await world.start("parent")
        over = world.functions.doom(chance.randint(1, 30))
        running, crash = asyncio.create_task(world.run()), asyncio.create_task(over.wait())
        await asyncio.wait((running, crash), return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            crashes += 1
            for _ in range(chance.randint(0, 3)):
                await asyncio.sleep(0)
        running.cancel()
        crash.cancel()
        await asyncio.gather(running, crash, return_exceptions=True)
        now = world.clock.now()
        status = await world.status()
        await world.crash()
        if status["runtimeStatus"] == "Completed":
            break
    assert crashes >= 2
    assert_as_without_crashes(status["output"], runs)


def assert_as_without_crashes(output: dict, runs: Counter[str]) -> None:
    assert output["total"] == EXPECTED_TOTAL
    assert len(output["answers"]) == CHILDREN * STEPS * 2
    assert output["answers"] == runs, "an activity ran again although its answer had been recorded"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="SIGKILL")
def test_a_process_that_is_killed_goes_on_after_the_next_start(tmp_path):
    state, runs, chance = tmp_path / "state.sqlite", tmp_path / "runs", random.Random(7)
    command = [sys.executable, "-m", "tests.durable_engine.crashing_app", str(state), str(runs)]
    kills = 0
    for _ in range(5):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        lines, wanted = count_lines(runs), chance.randint(1, 7)
        while process.poll() is None and count_lines(runs) < lines + wanted:
            try:
                process.wait(0.002)
            except subprocess.TimeoutExpired:
                continue
        kills += process.poll() is None
        process.kill()
        process.communicate()
    last = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    status = json.loads(last.stdout)
    assert kills >= 3
    assert status["runtimeStatus"] == "Completed", status
    assert_as_without_crashes(status["output"], Counter(runs.read_text().split()))


def count_lines(runs: Path) -> int:
    return len(runs.read_text().split()) if runs.exists() else 0


async def test_nothing_of_ended_generations_stays_in_the_state_file(tmp_path):
    state = tmp_path / "state.sqlite"
    runs: Counter[str] = Counter()
    world = doomed_world(state, runs, START)
    world.functions.doom(10**9)
    async with world:
        await world.start("parent")
        await world.run()
        await world.output()
    file = sqlite3.connect(state)
    left = {
        table: file.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("inbox", "activities", "timers")
    }
    assert left == {"inbox": 0, "activities": 0, "timers": 0}
    episodes = dict(file.execute("SELECT instance, count(*) FROM history GROUP BY instance"))
    assert max(episodes.values()) <= 6, "only the last generation's history is kept"
    file.close()


async def test_a_state_file_of_another_version_is_refused(tmp_path):
    state = tmp_path / "state.sqlite"
    file = sqlite3.connect(state)
    file.execute("PRAGMA user_version = 99")
    file.close()
    with pytest.raises(ValueError, match="another version"):
        World(crashing_app(lambda _: 1, timedelta(0)), state)
