"""The phases of a stage, and the states in which people see them."""

NEEDS, APPROVAL, LOCK = "needs", "approval", "lock"
GATES, GATES_AT_LOCK = "gates", "gates at the lock"
SWITCH_GATES, GATES_AT_SWITCH = "switch gates", "gates at the switch"
DEPLOY, VERIFY, ROLL_OUT, VERIFY_LIVE, BAKE = "deploy", "verify", "roll out", "verify live", "bake"
SWITCH_APPROVAL, VERIFY_AGAIN = "switch approval", "verify again"
MIGRATE = "migrate"
RAMP, REGION, TAKE_BACK = "ramp", "region", "take back"
SETTLE, UNDO, REPORT, RETRY, OVER = "settle", "undo", "report", "retry", "over"
GO_BACK, SHUT, SWEEP = "go back", "shut", "sweep"
READY_OLD_SIDE = "ready old side"
ROLLED_BACK = "rolled back"
RETRYABLE_CANCELLATIONS = (
    *("APPROVAL_EXPIRED", "APPROVAL_VOID", "LOCK_WAIT_OVER"),
    *("VERSION_REJECTED", "SCHEMA_OUT_OF_RANGE", "KEPT_TOO_LONG", "FROZEN", "OUT_OF_HOURS"),
    *("POLICY_UNMET", "POLICIES_INVALID"),
)

SHOWN_ASIDE = (
    VERIFY,
    SWITCH_GATES,
    SWITCH_APPROVAL,
    GATES_AT_SWITCH,
    VERIFY_AGAIN,
    REGION,
)  # the release stands on its idle side, and nowhere else
BEFORE_CHANGES = (MIGRATE, DEPLOY, RAMP, ROLL_OUT)  # before each of these is asked what people and calendars say

STATE_OF_PHASE = {
    NEEDS: "pending",
    GATES: "checking gates",
    APPROVAL: "waiting for approval",
    LOCK: "waiting for the lock",
    GATES_AT_LOCK: "checking gates",
    MIGRATE: "migrating",
    DEPLOY: "deploying",
    VERIFY: "verifying",
    SWITCH_GATES: "checking gates",
    SWITCH_APPROVAL: "waiting for approval",
    GATES_AT_SWITCH: "checking gates",
    VERIFY_AGAIN: "verifying",
    REGION: "waiting for the region",
    RAMP: "ramping",
    ROLL_OUT: "rolling out",
    VERIFY_LIVE: "verifying live",
    BAKE: "baking",
    SETTLE: "baking",
    UNDO: "rolling back",
    TAKE_BACK: "rolling back",
    GO_BACK: "rolling back",
    READY_OLD_SIDE: "rolling back",
    SHUT: "rolling back",
    SWEEP: "rolling back",
}
