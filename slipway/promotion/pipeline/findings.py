"""What is wrong with a pipeline: where, which kind, in words, and the nearest valid word."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from slipway.promotion.errors import SlipwayError


@dataclass(frozen=True, order=True)
class Finding:
    """One error at `line`:`column` (both from 1) of `file`. `code` is stable; `suggestion` is the nearest
    word of the language, or empty."""

    file: str
    line: int
    column: int
    code: str
    words: str
    suggestion: str = ""

    def __str__(self) -> str:
        meant = f"; did you mean {quoted(self.suggestion)}?" if self.suggestion else ""
        return f"{self.file}:{self.line}:{self.column}: {self.code} {self.words}{meant}"


class PipelineInvalid(SlipwayError):
    """A text that is no pipeline this version can run; `findings` say why, in the order of the text."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("PIPELINE_INVALID", "\n".join(str(finding) for finding in self.findings))


def quoted(value: object) -> str:
    """`value` as it can be shown in a sentence: in double quotes, on one line, at most 60 characters."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    shown = text if len(text) <= 60 else f"{text[:57]}..."
    escaped = json.dumps(shown, ensure_ascii=False) if isinstance(value, str) else shown
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in escaped)


def nearest(word: str, valid: Iterable[str]) -> str:
    """The valid word most like `word`, or an empty string when none is like it."""
    spelled = {candidate.lower(): candidate for candidate in valid}
    close = get_close_matches(word.lower(), spelled, n=1, cutoff=0.6) if len(word) <= 60 else []
    return spelled[close[0]] if close else ""


def no_text(file: str, error: UnicodeDecodeError) -> Finding:
    """The finding for a file that is no text at all."""
    return Finding(file, 1, 1, "NOT_TEXT", f"is not UTF-8 text from byte {error.start + 1} on")
