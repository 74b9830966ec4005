"""Append blobs under an immutability policy: the audit trail's store."""

import uuid
from collections.abc import Iterator

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobClient, BlobServiceClient, ContainerClient

from tests.azure_standin.standin import StandinProcess


@pytest.fixture(scope="module")
def standin(untouched: StandinProcess) -> StandinProcess:
    return untouched


@pytest.fixture(scope="module")
def service(standin: StandinProcess) -> Iterator[BlobServiceClient]:
    with standin.blobs() as client:
        yield client


@pytest.fixture
def container(service: BlobServiceClient) -> ContainerClient:
    return service.create_container(f"audit-{uuid.uuid4()}")


@pytest.fixture
def blob(container: ContainerClient) -> BlobClient:
    client = container.get_blob_client("promotions/checkout--1.0.0.jsonl")
    client.create_append_blob(match_condition=MatchConditions.IfMissing)
    return client


def refusal(error: pytest.ExceptionInfo[HttpResponseError]) -> tuple[int | None, str]:
    return error.value.status_code, str(error.value.error_code)  # type: ignore[attr-defined]


def test_a_container_is_made_once(service: BlobServiceClient, container: ContainerClient) -> None:
    assert container.exists()
    assert not service.get_container_client("nobody-made-this").exists()
    with pytest.raises(ResourceExistsError):
        container.create_container()


def test_a_blob_grows_by_blocks_and_is_read_back(blob: BlobClient) -> None:
    first = blob.append_block(b'{"n":1}\n', appendpos_condition=0)
    second = blob.append_block(b'{"n":2}\n', appendpos_condition=8, validate_content=True)
    assert (first["blob_append_offset"], first["blob_committed_block_count"]) == ("0", 1)
    assert (second["blob_append_offset"], second["blob_committed_block_count"]) == ("8", 2)
    assert first["etag"] != second["etag"]
    assert blob.download_blob().readall() == b'{"n":1}\n{"n":2}\n'
    seen = blob.get_blob_properties()
    assert seen.size == 16 and seen.append_blob_committed_block_count == 2
    assert seen.etag == second["etag"] and str(seen.blob_type) == "BlobType.APPENDBLOB"


def test_an_empty_blob_reads_as_nothing(blob: BlobClient) -> None:
    assert blob.download_blob().readall() == b""
    assert blob.get_blob_properties().size == 0


def test_the_tail_is_read_by_range_across_blocks(blob: BlobClient) -> None:
    for block in (b"abc", b"defgh", b"ij"):
        blob.append_block(block)
    for start in range(10):
        for length in range(1, 11 - start):
            assert blob.download_blob(start, length).readall() == b"abcdefghij"[start : start + length]


def test_an_append_at_another_position_is_refused(blob: BlobClient) -> None:
    blob.append_block(b"first", appendpos_condition=0)
    with pytest.raises(HttpResponseError) as refused:
        blob.append_block(b"too late", appendpos_condition=0)
    assert refusal(refused) == (412, "StorageErrorCode.APPEND_POSITION_CONDITION_NOT_MET")
    with pytest.raises(ResourceModifiedError):
        blob.append_block(b"old etag", etag='"0x1"', match_condition=MatchConditions.IfNotModified)
    assert blob.download_blob().readall() == b"first"


def test_creating_it_twice_is_refused(blob: BlobClient) -> None:
    with pytest.raises(ResourceExistsError) as refused:
        blob.create_append_blob(match_condition=MatchConditions.IfMissing)
    assert refusal(refused) == (409, "BlobAlreadyExists")


def test_what_is_written_can_be_neither_overwritten_nor_deleted(blob: BlobClient) -> None:
    blob.append_block(b"for ever")
    attempts = [
        lambda: blob.create_append_blob(),
        lambda: blob.upload_blob(b"other", overwrite=True),
        lambda: blob.delete_blob(),
    ]
    for attempt in attempts:
        with pytest.raises(HttpResponseError) as refused:
            attempt()
        assert refusal(refused) == (409, "BlobImmutableDueToPolicy")
    assert blob.download_blob().readall() == b"for ever"


def test_blobs_are_listed_by_name_and_prefix_page_by_page(container: ContainerClient) -> None:
    names = sorted(f"promotions/checkout--{n}.jsonl" for n in range(7))
    for name in [*names, "rejected/2026-11-24.jsonl", "odd name/ü & <1>.jsonl"]:
        container.get_blob_client(name).create_append_blob()
    assert [blob.name for blob in container.list_blobs("promotions/", results_per_page=3)] == names
    assert "odd name/ü & <1>.jsonl" in [blob.name for blob in container.list_blobs()]
    sizes = {blob.size for blob in container.list_blobs()}
    assert sizes == {0} and len(list(container.list_blobs())) == 9


def test_metadata_and_content_type_stay_with_the_blob(container: ContainerClient) -> None:
    from azure.storage.blob import ContentSettings

    blob = container.get_blob_client("chain.jsonl")
    blob.create_append_blob(content_settings=ContentSettings("application/x-ndjson"), metadata={"chain": "a=b"})
    seen = blob.get_blob_properties()
    assert seen.content_settings.content_type == "application/x-ndjson" and seen.metadata == {"chain": "a=b"}


def test_what_is_not_there_is_not_found(service: BlobServiceClient, container: ContainerClient) -> None:
    missing = container.get_blob_client("missing")
    assert not missing.exists()
    for attempt in (missing.download_blob, missing.get_blob_properties, lambda: missing.append_block(b"x")):
        with pytest.raises(ResourceNotFoundError):
            attempt()
    with pytest.raises(ResourceNotFoundError):
        service.get_blob_client("no-such-container", "x").create_append_blob()


def test_what_is_no_append_blob_is_refused_by_name(container: ContainerClient) -> None:
    with pytest.raises(HttpResponseError) as refused:
        container.get_blob_client("new").upload_blob(b"block blob")
    assert refused.value.status_code == 501 and "BlockBlob" in str(refused.value)
