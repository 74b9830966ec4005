"""Results of tests: JUnit XML as the many tools write it.

There is no one JUnit format. Suites are nested or not, stand in a `testsuites` or alone; their counts are missing, or
take in those of the suites within them. So cases are counted one by one, and a suite without suites in it is believed
where it counts more failures than its cases show.
"""

from dataclasses import dataclass, field
from typing import BinaryIO

from slipway.promotion.gates.answer import Breach, GateAnswer, counted, cut, judged, listed
from slipway.promotion.gates.naming import check_commit
from slipway.promotion.gates.reading import Asked, Incomplete, Unreadable
from slipway.promotion.gates.xml_reading import count, walk

NAMED = 3  # failed tests that are named
_COMMIT = {"commit", "git.commit", "git.commit.id", "git_commit", "github_sha", "build_sourceversion"}


def judge(asked: Asked, read: BinaryIO) -> GateAnswer:
    """Raises Unreadable, TooLarge, Incomplete, OfAnotherBuild."""
    results = _Results(asked)
    walk(read, results)
    if not results.suites:
        raise Incomplete("no suite of tests in it")
    most_failed, most_skipped = asked.setting("failed", 0), asked.setting("skipped")
    least = asked.setting("at_least", 1)
    failed, ran = results.all_failed, results.ran
    breaches = []
    if failed > most_failed:
        words = f"{counted(failed, 'test')} failed, allowed {most_failed:,}{listed(results.names, failed)}"
        breaches.append(Breach("GATE_TESTS_FAILED", words))
    if most_skipped is not None and results.skipped > most_skipped:
        words = f"{counted(results.skipped, 'test was', 'tests were')} skipped, allowed {most_skipped:,}"
        breaches.append(Breach("GATE_TESTS_SKIPPED", words))
    if ran < least:
        breaches.append(Breach("GATE_TESTS_TOO_FEW", f"{counted(ran, 'test')} ran, at least {least:,} must"))
    words = f"{counted(ran, 'test')} ran, {failed:,} failed, {results.skipped:,} skipped"
    facts = {"ran": ran, "failed": failed, "skipped": results.skipped, "flaky": results.flaky}
    return judged(breaches, words, {**facts, **({"first_failed": results.names} if results.names else {})})


@dataclass
class _Suite:
    tests: int
    failed: int
    skipped: int
    cases: int = 0
    cases_failed: int = 0
    cases_skipped: int = 0
    parent: bool = False


@dataclass
class _Results:
    """`suites` have begun. A case is `failed` with a failure or an error, whatever else it has: a repeated one that
    passed in the end has only a `flakyFailure`."""

    asked: Asked
    suites: int = 0
    ran: int = 0
    all_failed: int = 0
    skipped: int = 0
    flaky: int = 0
    names: list[str] = field(default_factory=list)
    _open: list[_Suite] = field(default_factory=list)
    _case: str = ""
    _marks: set[str] = field(default_factory=set)

    def begins(self, path: list[str], attributes: dict[str, str]) -> None:
        name = path[-1]
        if len(path) == 1 and name not in ("testsuites", "testsuite"):
            raise Unreadable(f"<{cut(name)}> is no JUnit report; that begins with <testsuites> or <testsuite>")
        if name == "testsuite":
            self._suite_begins(attributes)
        elif name == "testcase":
            if not self._open:
                raise Unreadable("a <testcase> outside of any <testsuite>")
            where = attributes.get("classname") or attributes.get("file", "")
            self._case = ".".join(part for part in (where, attributes.get("name", "")) if part)
            self._marks = {"skipped"} if attributes.get("status", "").lower() in ("notrun", "skipped") else set()
        elif len(path) > 1 and path[-2] == "testcase":
            self._marks.add(name)
        elif name == "property" and attributes.get("name", "").lower() in _COMMIT:
            check_commit(attributes.get("value", ""), self.asked.build, f"its property {cut(attributes['name'])}")

    def ends(self, path: list[str], text: str) -> None:
        if path[-1] == "testcase":
            self._case_ends()
        elif path[-1] == "testsuite":
            self._suite_ends()

    def _suite_begins(self, attributes: dict[str, str]) -> None:
        self.suites += 1
        if self._open:
            self._open[-1].parent = True
        failed = count(attributes, "failures") + count(attributes, "errors")
        skipped = count(attributes, "skipped") + count(attributes, "disabled")
        self._open.append(_Suite(count(attributes, "tests"), failed, skipped))

    def _case_ends(self) -> None:
        suite = self._open[-1]
        suite.cases += 1
        if self._marks & {"failure", "error"}:
            suite.cases_failed += 1
            if len(self.names) < NAMED:
                self.names.append(cut(self._case, 100))
        elif "skipped" in self._marks:
            suite.cases_skipped += 1
        elif self._marks & {"flakyFailure", "flakyError"}:
            self.flaky += 1

    def _suite_ends(self) -> None:
        suite = self._open.pop()
        alone = not suite.parent
        failed = max(suite.cases_failed, suite.failed if alone else 0)
        skipped = suite.cases_skipped if suite.cases or not alone else suite.skipped
        tests = suite.cases if suite.cases or not alone else suite.tests
        self.all_failed += failed
        self.skipped += skipped
        self.ran += max(tests - skipped, 0)
