"""Feature flags in App Configuration."""
