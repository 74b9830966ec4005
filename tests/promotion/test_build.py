from tests.promotion.builders import a_build

DIGEST, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def test_equal_digests_are_the_same_build_and_different_ones_are_not() -> None:
    assert a_build(digest=DIGEST).is_same(DIGEST, "another commit")
    assert not a_build(digest=DIGEST).is_same(OTHER, "c0ffee")


def test_a_ci_that_begins_to_send_digests_still_speaks_of_the_same_build() -> None:
    assert a_build(digest=DIGEST).is_same("", "c0ffee")
    assert a_build().is_same(DIGEST, "c0ffee")
    assert not a_build(digest=DIGEST).is_same("", "bad")
