"""Feature flags of App Configuration: their documents, what Slipway notes on them, and when they are stale. Pure."""
