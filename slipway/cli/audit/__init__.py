"""`slipway audit`: take the audit trail away, verify it without any server, report from it."""
