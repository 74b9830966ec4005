"""What the tables of states are made of."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Transition(NamedTuple):
    """In `state`, `event` leads to `to`. `answer` tells apart what the same event may come to."""

    state: str
    event: str
    to: str
    answer: str = ""


@dataclass(frozen=True)
class Machine:
    """`states` in the order of a life; `elsewhere` says, by event, why it has no row in the other states."""

    name: str
    states: tuple[str, ...]
    transitions: frozenset[Transition]
    elsewhere: dict[str, str]

    def answer(self, state: str, event: str) -> list[Transition] | str:
        """What `event` may come to in `state`: transitions, or the reason why there is none. Raises KeyError."""
        found = sorted(each for each in self.transitions if (each.state, each.event) == (state, event))
        return found or self.elsewhere[event]


def rows(states: str | Iterable[str], event: str, *ways: tuple[str, str]) -> list[Transition]:
    """One event in one or several states; `ways` are (answer, next state), where "=" is the same state."""
    among = (states,) if isinstance(states, str) else states
    return [Transition(state, event, state if to == "=" else to, answer) for state in among for answer, to in ways]
