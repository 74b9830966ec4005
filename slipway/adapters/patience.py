"""How long we wait for Azure. In one place, since fences rely on it: a write that was sent is over after
`CONNECT_S + READ_S`, one way or another, and whoever takes over waits twice that (`fences.OPEN_FOR`)."""

CONNECT_S = 10.0
READ_S = 20.0
BLOB_PAUSE_S = 1  # between tries of the audit's requests; the SDK's own is 15 s
VAULT_S = 5.0
