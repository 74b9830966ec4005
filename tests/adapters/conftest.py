import time
from collections.abc import Callable

import pytest

from slipway.promotion.outcomes import Answer
from tests.adapters.cluster_release import ClusterRelease, Follow
from tests.laptop import AzureStandin
from tests.patience import AZURES, wait_a_little


@pytest.fixture
def until_ended() -> Callable[[Callable[[Answer], Answer], Answer], Answer]:
    def follow(poll: Callable[[Answer], Answer], answer: Answer, within_s: float = 60.0) -> Answer:
        deadline = time.monotonic() + AZURES * within_s
        while answer.running:
            assert time.monotonic() < deadline, answer
            wait_a_little(answer, 0.25)
            answer = poll(answer)
        return answer

    return follow


@pytest.fixture
def faulty(azure: AzureStandin, until_ended: Follow) -> ClusterRelease:
    """For tests that change nothing of what is live: 1.0.0 on the blue side."""
    return ClusterRelease(azure, "faulty", until_ended)
