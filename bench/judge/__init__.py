"""`python -m bench.judge`: the judge on simulated ramps, against its targets and next to others' rules."""
