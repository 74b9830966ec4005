"""The audit report: every change that reached an environment, from the records of a verified trail."""
