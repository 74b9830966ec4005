"""Evidence of builds, fetched for gates: from hosts that are allowed, within limits, hashed on the way."""
