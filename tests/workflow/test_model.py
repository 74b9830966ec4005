"""Whatever the order of builds, clicks, faults and crashes: nothing is stuck, no lock is left, nothing is live that was
not allowed, no effect comes twice.

Each story is drawn from its seed and comes to the same end each time. `MODEL_EXAMPLES=500` tells so many more, from
`MODEL_SEED` on. One that goes wrong is printed at its shortest, as the body of a test.
"""

import os

import pytest

from tests.workflow.lives import a_story, as_code, outcome_of, shortest

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "12"))
FIRST = int(os.environ.get("MODEL_SEED", "1"))

pytestmark = [pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("seed", range(FIRST, FIRST + EXAMPLES))
async def test_a_life_of_promotions_comes_to_a_good_end(seed: int) -> None:
    problem = await outcome_of(a_story(seed))
    if problem is not None:
        story = await shortest(a_story(seed), problem)
        raise AssertionError(f"{problem}\n\n{as_code(story)}\n\n{await outcome_of(story)}") from problem
