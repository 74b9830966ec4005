"""The judge of a canary: proves harm, or bounds it, at any number of looks. Pure; `docs/judge.md` is its page."""
