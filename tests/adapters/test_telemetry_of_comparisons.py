"""Users of a comparison and who of them succeeded, by the production KQL on real rows."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from slipway.adapters.telemetry.logs import AzureMonitorLogs
from slipway.local.azure.logs.served import Served
from slipway.promotion.telemetry import Cohort, Cohorts, CohortsQuestion, Flagged, Source
from tests.adapters.telemetry_rows import WORKSPACE, Telemetry
from tests.laptop import AzureStandin

FLAG = Flagged("new-checkout", "2.0.0")
HOUR = timedelta(hours=1)


@pytest.fixture
def telemetry(azure: AzureStandin) -> Iterator[Telemetry]:
    telemetry = Telemetry.of(azure)
    yield telemetry
    telemetry.no_mishap()


def met(telemetry: Telemetry, second: float, user: str, on: bool | str = True, why: str = "", **more: Any) -> Served:
    """A request of a user, at which the flag was asked for; `on` may name a variant, `why` how it was assigned."""
    decided = on if isinstance(on, str) else ""
    feature = f"new-checkout;{decided};{bool(on)}" + (f";{why}" if why else "")
    told: dict[str, Any] = {"version": "2.0.0", "features": [feature]} | more
    return telemetry.request(second, user=user, **told)


def told(telemetry: Telemetry, second: float, user: str, *events: str, **more: Any) -> Served:
    """A request at which the application told events of a user, and no flag was asked for."""
    return telemetry.request(second, user=user, **({"version": "2.0.0", "events": events or ("OrderPlaced",)} | more))


def cohorts(telemetry: Telemetry, rows: Iterable[Served] = (), flag: Flagged = FLAG, **asked: Any) -> Cohorts:
    telemetry.log(rows)
    success: dict[str, Any] = {"event": "OrderPlaced"} | asked
    question = CohortsQuestion(
        Source(WORKSPACE, telemetry.role), flag, telemetry.begins, telemetry.begins + HOUR, **success
    )
    return AzureMonitorLogs(replace(telemetry.azure.settings, logs_endpoint=telemetry.azure.url)).cohorts(question)


def test_a_user_counts_once_however_often_they_come_and_order(telemetry: Telemetry) -> None:
    rows = [met(telemetry, second, "ada") for second in range(5)]
    rows += [told(telemetry, second, "ada") for second in (6, 7)]
    rows += [met(telemetry, 1, "bob"), met(telemetry, 2, "cyd", on=False), told(telemetry, 9, "cyd")]
    assert cohorts(telemetry, rows) == Cohorts(control=Cohort(1, 1, 0), treatment=Cohort(2, 1, 0))


def test_a_success_before_the_first_exposure_is_none_of_the_variants(telemetry: Telemetry) -> None:
    rows = [told(telemetry, 1, "ada"), met(telemetry, 2, "ada"), met(telemetry, 2, "bob"), told(telemetry, 3, "bob")]
    assert cohorts(telemetry, rows).treatment == Cohort(2, 1, 0)


def test_who_met_both_counts_where_they_were_first(telemetry: Telemetry) -> None:
    rows = [met(telemetry, 1, "ada", on=False), met(telemetry, 60, "ada"), told(telemetry, 90, "ada")]
    assert cohorts(telemetry, rows) == Cohorts(control=Cohort(1, 1, 0), treatment=Cohort())


def test_testers_have_it_by_name_and_count_nowhere(telemetry: Telemetry) -> None:
    rows = [met(telemetry, 1, "tess"), met(telemetry, 2, "ada"), met(telemetry, 3, "insider", "fast", "Group")]
    assert cohorts(telemetry, rows, testers=("tess",)).treatment == Cohort(1, 0, 0)
    rows = [met(telemetry, 4, "bob", "fast", "Percentile"), met(telemetry, 5, "cyd", "classic", "DefaultWhenEnabled")]
    found = cohorts(telemetry, rows, replace(FLAG, variant="fast"), testers=("tess",))
    assert found.treatment.users == 1


def test_a_request_that_was_answered_well_may_be_the_success(telemetry: Telemetry) -> None:
    rows = [met(telemetry, 1, user, on=user != "cyd") for user in ("ada", "bob", "cyd")]
    rows += [telemetry.request(5, "2.0.0", user="ada", path="/paid")]
    rows += [telemetry.request(5, "2.0.0", user="bob", path="/paid", status=500)]
    found = cohorts(telemetry, rows, event="", request="GET /paid")
    assert found == Cohorts(control=Cohort(1, 0, 0), treatment=Cohort(2, 1, 1))


def test_users_who_met_a_failure_or_waited_too_long_are_told(telemetry: Telemetry) -> None:
    rows = [met(telemetry, 1, "ada", status=500), met(telemetry, 1, "bob", on=False, duration_ms=2500.0)]
    rows += [met(telemetry, 1, "cyd", on=False, status=499), met(telemetry, 1, "dan", version="1.0.0", status=500)]
    found = cohorts(telemetry, rows, replace(FLAG, slow_ms=2000))
    assert found == Cohorts(control=Cohort(2, 0, 1), treatment=Cohort(1, 0, 1))


def test_a_row_that_comes_late_is_in_the_next_look(telemetry: Telemetry) -> None:
    assert cohorts(telemetry, [met(telemetry, 1, "ada")]).treatment == Cohort(1, 0, 0)
    late = [told(telemetry, 2, "ada"), met(telemetry, 3, "bob")]
    assert cohorts(telemetry, late).treatment == Cohort(2, 1, 0)


def test_an_event_of_another_service_or_from_the_browser_counts(telemetry: Telemetry) -> None:
    rows = [met(telemetry, 1, "ada"), replace(told(telemetry, 5, "ada", version=""), role="web")]
    assert cohorts(telemetry, rows).treatment.converted == 1


def test_what_cannot_be_told_is_a_fault_and_no_numbers(telemetry: Telemetry) -> None:
    telemetry.mishap(partial=1)
    assert "in part only" in cohorts(telemetry).fault
