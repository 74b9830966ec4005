"""Our judge as a rule: it sees windows and its own state, as in production, and nothing else."""

from slipway.promotion.judge.judge import tick
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.simulation.rule import PROMOTED, ROLLED_BACK, WITHDRAWN, Move
from slipway.promotion.judge.state import State
from slipway.promotion.judge.verdict import Action, Verdict
from slipway.promotion.judge.windows import Window

READ_AGAIN = 5  # windows handed in once more, as telemetry would


class Ours:
    """`state` is what `begin` learned from the history; many ramps may begin from the same."""

    def __init__(self, policy: Policy, state: State) -> None:
        self._policy, self.state = policy, state
        self._windows: list[Window] = []
        self.verdict: Verdict | None = None

    @property
    def weight(self) -> float:
        return self._policy.steps[self.state.step]

    def after(self, window: Window) -> Move:
        self._windows = [*self._windows, window][-READ_AGAIN - self._policy.delay_ticks :]
        self.state, verdict = tick(self.state, self._windows, window.tick, self._policy)
        self.verdict = verdict
        if verdict.action is Action.ROLLBACK:
            return Move(0.0, ROLLED_BACK, verdict.words)
        if verdict.action is Action.WITHDRAW:
            return Move(0.0, WITHDRAWN, verdict.words)
        if verdict.action is Action.ADVANCE and verdict.step == self._policy.last:
            return Move(1.0, PROMOTED, verdict.words)
        return Move(verdict.weight, "", verdict.words)
