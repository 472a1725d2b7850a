"""What a marketplace sent is stored in less room, and read as it came."""

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tickettape.observations import payloads
from tickettape.observations.payloads import compress_payload, decompress_payload


@given(st.binary(max_size=2_000))
def test_a_payload_is_read_byte_for_byte_as_it_came(payload: bytes) -> None:
    assert decompress_payload(compress_payload(payload)) == payload


@given(st.binary(max_size=2_000), st.binary(max_size=2_000))
def test_a_payload_that_is_compressed_against_another_is_read_as_it_came(payload: bytes, base: bytes) -> None:
    assert decompress_payload(compress_payload(payload, base), base) == payload


def test_a_payload_is_not_read_with_another_base_than_it_was_compressed_against() -> None:
    base = bytes(range(256)) * 4
    stored = compress_payload(base[100:] + b"new", base)
    for other in (None, base[::-1]):
        with pytest.raises(zstandard.ZstdError):
            decompress_payload(stored, other)


def test_json_takes_a_fraction_of_its_room() -> None:
    payload = b'{"listing": 1, "price": "105.00"}' * 1_000
    assert len(compress_payload(payload)) < len(payload) / 10


def test_what_was_not_packed_or_was_cut_is_an_error() -> None:
    for stored in (b"not packed", compress_payload(b"x" * 5_000)[:-3]):
        with pytest.raises(zstandard.ZstdError):
            decompress_payload(stored)


def test_a_payload_that_says_it_is_huge_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payloads, "MAX_BYTES", 1_000)
    endless = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(100_000))
    with pytest.raises(zstandard.ZstdError):
        decompress_payload(endless)
