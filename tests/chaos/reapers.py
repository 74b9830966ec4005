"""Who kills: at seeded moments, and at chosen points between an effect and its record."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from slipway.cli.laptop.supervisor import AZURE, FUNCTIONS, SERVICEBUS
from tests.chaos.moments import MOMENTS, MOMENTS_OF_RAMPS, Moment
from tests.chaos.world import PARTS, World

MOMENT_COMES_WITHIN_S, HELD_FOR_S = 3.0, 4.0
AT_A_TIME = 4
TOGETHER: tuple[tuple[str, ...], ...] = (
    (FUNCTIONS,),
    (SERVICEBUS,),
    (AZURE,),
    (FUNCTIONS, SERVICEBUS),
    (SERVICEBUS, AZURE),
    PARTS,
)
HOW_OFTEN = (28, 36, 20, 6, 7, 3)
DOWN_S = (0.0, 0.0, 0.3, 1.0)
PATIENT = 0.8
GETS_ON, GETS_ON_WITHIN_S = 3, 30.0  # audit records


@dataclass(frozen=True)
class Kill:
    """After `pause_s`: SIGKILL to `parts`, which stay away for `down_s`. One that is `patient` lets the system get
    on before, so that there is something to destroy; the others meet it as it is, also in its start."""

    pause_s: float
    parts: tuple[str, ...]
    down_s: float
    patient: bool


def seeded_kills(random: Random, count: int, pause_s: float) -> list[Kill]:
    """So many deaths at random moments; several parts may die at once."""
    kills: list[Kill] = []
    deaths = 0
    while deaths < count:
        parts = random.choices(TOGETHER, HOW_OFTEN)[0][: count - deaths]
        pause = random.uniform(0.3, 1.7) * pause_s * len(parts)
        kills.append(Kill(pause, parts, random.choice(DOWN_S), patient=random.random() < PATIENT))
        deaths += len(parts)
    return kills


class Reaper(threading.Thread):
    """Carries out seeded kills."""

    def __init__(self, world: World, kills: Sequence[Kill]) -> None:
        super().__init__(name="reaper", daemon=True)
        self._world, self._kills = world, kills

    def run(self) -> None:
        for kill in self._kills:
            if kill.patient and kill.parts != (SERVICEBUS,):
                self._world.gets_on(GETS_ON, GETS_ON_WITHIN_S)
            if self._world.stopped.wait(kill.pause_s):
                return
            for part in kill.parts:
                self._world.up(part, within_s=20)
            killed = self._world.kill(kill.parts, kill.down_s, "at a seeded moment")
            for late in set(kill.parts) - set(killed):
                while not self._world.kill((late,), kill.down_s, "at a seeded moment, late"):
                    if self._world.stopped.wait(0.2):
                        return


class Sniper(threading.Thread):
    """Waits for a few chosen moments at a time, and kills at the first that comes. The others are left to pass.

    It lets the system get on before, and leaves it alone for `pause_s` on the average. Of its deaths the first
    `of_ramps` come in mid ramp, or as a share goes back.
    """

    def __init__(self, world: World, random: Random, deaths: int, pause_s: float, of_ramps: int) -> None:
        super().__init__(name="sniper", daemon=True)
        self._of_ramps = of_ramps
        self._world, self._random, self._left, self._pause_s = world, random, deaths, pause_s
        self._order: list[Moment] = []

    def run(self) -> None:
        while self._left > 0 and not self._world.stopped.wait(self._random.uniform(0.3, 1.7) * self._pause_s):
            self._world.gets_on(GETS_ON, GETS_ON_WITHIN_S)
            if len(self._order) < AT_A_TIME:
                self._order = self._random.sample(MOMENTS, len(MOMENTS))
            in_a_ramp = self._of_ramps > 0
            aims = (
                [self._random.choice(MOMENTS_OF_RAMPS)] if in_a_ramp else [self._order.pop() for _ in range(AT_A_TIME)]
            )
            if self._world.all_up(20) and (moment := self._first_of(aims)):
                killed = self._world.kill(moment.parts, 0.0, moment.words)
                self._left -= len(killed)
                self._of_ramps -= in_a_ramp and bool(killed)
                for part in killed:
                    self._world.chronicle.note("moment", f"{part}: {moment.words}", moment.words)
            self._world.ask("DELETE", "/standin/held")

    def _first_of(self, aims: list[Moment]) -> Moment | None:
        for moment in aims:
            self._world.ask("POST", "/standin/faults", json=moment.fault(hold_s=HELD_FOR_S))
        deadline = time.monotonic() + MOMENT_COMES_WITHIN_S
        while time.monotonic() < deadline:
            for held in self._held():
                for moment in aims:
                    if held["method"] == moment.method and moment.path in held["path"]:
                        return moment
            time.sleep(0.02)
        return None

    def _held(self) -> list[dict[str, str]]:
        answer = self._world.ask("GET", "/standin/held")
        held: list[dict[str, str]] = answer.json() if answer is not None and answer.status_code == 200 else []
        return held
