"""A stage's ways through its gates, for the table of `transitions`: state, event, next state, answer."""

from slipway.promotion import stage_phases as phase

AGAIN, AT_SWITCH, PEOPLE = "its gates once more", "people are asked before the switch", "people are asked"
ANEW, GIVEN_BACK = "its gates are asked anew", "given back"
NOT_PASSED = ("failed", "not enough evidence")

# Which answer tells a way on apart.
ON = {
    (phase.NEEDS, phase.GATES): "gates are asked",
    (phase.GATES, phase.APPROVAL): PEOPLE,
    (phase.GATES, phase.LOCK): "nobody is asked",
    (phase.LOCK, phase.GATES_AT_LOCK): AGAIN,
    (phase.GATES_AT_LOCK, phase.MIGRATE): "to migrate",
    (phase.GATES_AT_LOCK, phase.DEPLOY): "",
    (phase.VERIFY, phase.SWITCH_GATES): AGAIN,
    (phase.SWITCH_GATES, phase.SWITCH_APPROVAL): AT_SWITCH,
    (phase.SWITCH_GATES, phase.RAMP): "",
    (phase.SWITCH_GATES, phase.ROLL_OUT): "without a ramp",
    (phase.SWITCH_GATES, phase.REGION): "by region",
    (phase.SWITCH_APPROVAL, phase.GATES_AT_SWITCH): AGAIN,
    (phase.GATES_AT_SWITCH, phase.VERIFY_AGAIN): "",
}
VOID = (
    (phase.LOCK, phase.APPROVAL),
    (phase.GATES_AT_LOCK, phase.APPROVAL),
    (phase.VERIFY_AGAIN, phase.SWITCH_APPROVAL),
)
WAYS = (
    *((state, "passed", to, answer) for (state, to), answer in ON.items()),
    *((state, "revoked", phase.GATES, "") for state in (phase.APPROVAL, phase.GATES_AT_LOCK)),
    *((state, "void", to, "people are asked anew") for state, to in VOID),
    *((state, event, phase.REPORT, "") for state in (phase.GATES, phase.GATES_AT_LOCK) for event in NOT_PASSED),
    *((state, event, phase.UNDO, "") for state in (phase.SWITCH_GATES, phase.GATES_AT_SWITCH) for event in NOT_PASSED),
    *((phase.GATES_AT_LOCK, event, phase.REPORT, GIVEN_BACK) for event in ("broken", "aborted")),
    (phase.GATES, "broken", phase.REPORT, ""),
    (phase.RETRY, "retry", phase.GATES, ANEW),
)
