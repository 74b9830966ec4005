"""What the judge says of two releases, as words about users with a flag and without it."""

import re

_OF_USERS = (
    (r"\bthe canary\b", "the flag"),
    (r"\bcanary\b", "with the flag"),
    (r"\b(the )?baseline\b", "without it"),
    (r"\brequests\b", "users"),
    (r"\brequest\b", "user"),
    (r"\bthe release\b", "the flag"),
    (r"\btraffic\b", "users"),
)


def of_users(words: str) -> str:
    """The judge counts what it is given: of a flag these are users, and the two sides are of one release."""
    for release, users in _OF_USERS:
        words = re.sub(release, users, words)
    return words
