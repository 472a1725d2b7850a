"""One entry that cannot be read costs itself alone."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickettape.marketplaces import Listing
from tickettape.marketplaces.one_by_one import UNREADABLE, decode_entries, decode_json, emptied_by_leaving_out, most_are

ANYTHING = msgspec.json.Decoder()
NUMBER = msgspec.json.Decoder(int)
RAW = msgspec.json.Decoder(list[msgspec.Raw])


def test_what_can_be_read_is_read_and_the_rest_is_given_back_with_what_is_wrong() -> None:
    read, unreadable = decode_entries(NUMBER, RAW.decode(b'[1, "two", 3, null, "\xff"]'))
    assert read == [1, 3]
    assert [raw for raw, _ in unreadable] == [b'"two"', b"null", b'"\xff"']
    assert all(isinstance(error, UNREADABLE) for _, error in unreadable)


@given(st.text(st.characters(codec=None, exclude_characters="\0"), max_size=8))
def test_any_text_that_json_can_escape_is_read_with_halves_of_characters_replaced(text: str) -> None:
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    found = decode_json(ANYTHING, json.dumps({"note": text, "price": 1}).encode())
    assert found["price"] == 1
    assert len(found["note"]) == len(whole)
    assert not any("\ud800" <= one <= "\udfff" for one in found["note"])
    if whole == text:
        assert found["note"] == text


@pytest.mark.parametrize("body", [b"", b"{", b'"\\ud83d', b"[" * 100_000, b"\xff"])
def test_what_is_no_json_stays_unreadable(body: bytes) -> None:
    with pytest.raises(UNREADABLE):
        decode_json(ANYTHING, body)


@pytest.mark.parametrize(
    ("unreadable", "entries", "most"),
    [(0, 0, False), (1, 1, False), (1, 2, False), (2, 2, True), (2, 3, True), (400, 800, False), (401, 800, True)],
)
def test_most_are_more_than_one_and_than_half(unreadable: int, entries: int, most: bool) -> None:
    assert most_are(unreadable, entries) is most


def test_a_part_of_the_venue_is_named_where_nothing_is_left_of_it() -> None:
    kept = [Listing("1", "A", "101", "", 2, 100, None, (2,), None)]
    assert emptied_by_leaving_out(kept, [("A", "101"), ("A", "102"), ("B", "201")]) == [
        "Section 102 has no listing but those left out.",
        "Zone B has no listing but those left out.",
    ]
