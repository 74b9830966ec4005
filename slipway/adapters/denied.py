"""A refusal for want of a right, in words that say how to end it: which action, on what, and who prints the role."""

import re

from slipway.promotion.rights.role import Role

PRINTS = "`slipway roles` with the pipeline's file prints the role and where it is given"
LATER = "what was given just now takes some minutes"
LONGEST = 600
# Resource Manager's words, those for what is asked for on a linked resource, and Key Vault's.
_LACKS = (
    re.compile(r"permission to perform action\(s\) '(?P<action>[^']+)' on the linked scope\(s\) '(?P<scope>[^']+)'"),
    re.compile(r"perform action '(?P<action>[^']+)'(?: over scope '(?P<scope>[^']+)')?"),
    re.compile(r"Action: '(?P<action>[^']+)'\s+Resource: '(?P<scope>[^']+)'"),
)


def denied_words(code: str, message: str, role: str | Role = "", host: str = "") -> str:
    """`role` is what the request takes, where Azure names no action: a `Role` that pipelines need, or the name of
    one that the deployment of Slipway gives. `host` is whom it was asked of."""
    return f"Azure refused: {_lacks(message, role, host)} ({code}: {said(message)})"


def _lacks(message: str, role: str | Role, host: str) -> str:
    found = next((found for each in _LACKS if (found := each.search(message))), None)
    if found:
        where = f" on {found['scope']}" if found["scope"] else ""
        return f"our identity lacks the action {found['action']}{where}; {PRINTS}; {LATER}"
    if isinstance(role, Role):
        where = f" on {host}" if host else ""
        actions = " or ".join((*role.actions, *role.data_actions))
        return f"our identity lacks {actions}{where} (role {role.name}); {PRINTS}; {LATER}"
    return "our identity may not do this" + (f", it needs the role {role}" if role else "")


def said(message: str) -> str:
    """What Azure said, in one line, and addresses without their query: a package's may carry a signature."""
    text = re.sub(r"(https?://[^\s?'\"]+)\?[^\s'\"]+", r"\1?…", " ".join(message.split()))
    return text[:LONGEST]
