from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from slipway.adapters.packages import KEY, PARTITION, is_behind, newest_package
from slipway.adapters.rows import Rows
from slipway.adapters.watched import TABLE

pytestmark = pytest.mark.usefixtures("configured")


@pytest.fixture(autouse=True)
def _as_if_none_had_worked_here(configured: None) -> Iterator[None]:
    Rows(TABLE).delete(PARTITION, KEY)
    yield
    Rows(TABLE).delete(PARTITION, KEY)


def test_the_newest_package_that_ever_worked_is_known_to_an_older_one() -> None:
    assert newest_package("0.9.0") == "0.9.0"
    assert newest_package("0.10.0") == "0.10.0"
    assert newest_package("0.9.0") == "0.10.0"
    assert (is_behind("0.9.0"), is_behind("0.10.0"), is_behind("0.10.1")) == (True, False, False)
    assert is_behind("0.10.0")


def test_of_packages_that_come_up_together_the_newest_is_kept() -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(newest_package, [f"1.{n}.0" for n in (3, 0, 5, 1, 4, 2)]))
    assert newest_package("0.1.0") == "1.5.0"
