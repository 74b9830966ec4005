"""Ramps without a service: traffic, harm, our judge and its peers, and the bound none can beat. `docs/judge.md`."""
