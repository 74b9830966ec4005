"""Who is behind an author's name: one person, or nobody."""

from pathlib import Path

import pytest

from slipway.adapters.people import person_of_author
from slipway.promotion.errors import SlipwayError
from slipway.settings import Settings

ALICE, BOB = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


def test_the_example_people_are_found_by_any_of_their_names_whatever_the_case() -> None:
    example = Settings(people=Path(__file__).parents[2] / "examples" / "people.yaml")
    assert person_of_author("Alice@Shop.Example", example) == ALICE
    assert person_of_author(" alice ", example) == ALICE
    assert person_of_author("bob", example) == BOB
    assert person_of_author("mallory", example) is None
    assert person_of_author("", example) is None


def test_a_name_that_two_people_share_is_nobodys(tmp_path: Path) -> None:
    path = tmp_path / "people.yaml"
    path.write_text("people: [{oid: a, authors: [ci, ann]}, {oid: b, authors: [CI]}]")
    assert person_of_author("ci", Settings(people=path)) is None
    assert person_of_author("ann", Settings(people=path)) == "a"


def test_without_a_file_nobody_is_known() -> None:
    assert person_of_author("alice", Settings()) is None


@pytest.mark.parametrize("text", ["people: {a: b}", "[", "people: [{name: x}]"])
def test_a_file_that_is_no_list_of_people_is_an_error_in_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "people.yaml"
    path.write_text(text)
    with pytest.raises(SlipwayError, match=r"people\.yaml") as invalid:
        person_of_author("alice", Settings(people=path))
    assert invalid.value.code == "PEOPLE_INVALID"


def test_a_missing_file_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(SlipwayError, match="cannot be read"):
        person_of_author("alice", Settings(people=tmp_path / "nowhere.yaml"))
