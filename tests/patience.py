"""What a test waits for whoever is told to come again later: a moment, after which that time counts as over."""

import os
import time

from slipway.adapters.arm_policy import BUCKETS
from slipway.adapters.data_policy import GATES
from slipway.promotion.outcomes import Answer

# How many times as long as the stand-in Azure itself may take.
AZURES = 60.0 if os.environ.get("SLIPWAY_TEST_AZURE") else 1.0


def wait_a_little(answer: Answer, at_most_s: float) -> None:
    """As long as the answer says, but not longer than that. Azure's Retry-After is over then, too."""
    time.sleep(min(answer.after_s, AZURES * at_most_s))
    if answer.after_s > at_most_s and AZURES == 1.0:
        BUCKETS.forget()
        GATES.forget()
