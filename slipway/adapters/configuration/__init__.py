"""A release's settings in App Configuration."""
