"""Credentials that somebody wrote into a pipeline for a job: known by their name, or by what they look like."""

import re
from collections.abc import Iterator, Sequence

_CARRIES_A_CREDENTIAL = re.compile(
    r"token|secret|pass(?:word|wd|phrase)|pwd|credential|connection_?string|(?:^|_)(?:pass|dsn)(?:_|\Z)|pw\Z"
    r"|(?:^|_|api)key\Z",
    re.IGNORECASE,
)
# A flag's own words end with what it takes: --token-url and --max-tokens take none.
_TAKES_A_CREDENTIAL = re.compile(
    r"(?:token|secret|pass(?:word|wd|phrase)|pwd|pw|credentials?|connection_?string|authorization"
    r"|(?:api|access|account|private|shared|signing)_?key)\Z",
    re.IGNORECASE,
)
# As connection strings, addresses, shared access signatures, headers and JSON have them; `$` begins what the container
# fills in.
_IS_A_CREDENTIAL = re.compile(
    r"(?:password|pwd|accountkey|sharedaccesskey)\s*=\s*[^\s;$]|://[^/\s:@]*:[^/\s@$][^/\s@]*@|[?&]sig=[^&$]"
    r"|\bbearer\s+[^\s$]{8}|\bauthorization\s*[:=]\s*(?:basic|bearer)\s+[^\s$]"
    r"|[\"']\w*(?:password|passwd|pwd|secret|token|api_?key)[\"']\s*:\s*[\"'][^\"'$]",
    re.IGNORECASE,
)
_GIVEN = re.compile(r"-{0,2}(?P<name>[A-Za-z][\w.-]*)=(?P<value>.*)", re.DOTALL)
_FLAG = re.compile(r"--?(?P<name>[A-Za-z][\w.-]*)\Z")


def carries_a_credential(variable: str) -> bool:
    """Whether a value written down for it would be one."""
    return _CARRIES_A_CREDENTIAL.search(variable) is not None


def is_a_credential(text: str) -> bool:
    """Whether what is written has one in it, whatever it is called."""
    return _IS_A_CREDENTIAL.search(text) is not None


def among(arguments: Sequence[str]) -> Iterator[int]:
    """Which arguments are credentials, or have one in them: by their look, or by the flag before or in them. What
    stands right behind a flag of one letter (`-phunter2`) is not told from other letters."""
    flag = ""
    for index, text in enumerate(arguments):
        given = _GIVEN.match(text)
        if is_a_credential(text) or _is_given(flag, text) or (given and _is_given(given["name"], given["value"])):
            yield index
        alone = _FLAG.match(text)
        flag = alone["name"] if alone else ""


def _is_given(flag: str, value: str) -> bool:
    """Whether the flag takes a credential, and is given one: no other flag, and nothing that the container fills in."""
    takes_one = _TAKES_A_CREDENTIAL.search(flag.replace("-", "_"))
    return bool(takes_one and value and not value.startswith(("$", "-")))
