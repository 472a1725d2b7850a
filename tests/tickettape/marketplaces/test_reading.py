"""What the readers of several marketplaces share."""

import msgspec
import pytest

from tickettape.marketplaces.protocol import Refused
from tickettape.marketplaces.reading import Entries, decode_answer, field_names, read_entries


class Row(msgspec.Struct):
    id: int
    place: str
    price: int


ROW = msgspec.json.Decoder(Row)


def rows(*texts: str) -> Entries[Row]:
    raw = [msgspec.Raw(text.encode()) for text in texts]
    return read_entries(ROW, raw, lambda one: one.id, lambda one: ("all", one.place), lambda _: ("all", "somewhere"))


def test_a_bad_row_and_a_row_told_twice_are_left_out_and_the_others_are_read() -> None:
    good, same = '{"id": 1, "place": "a", "price": 5}', '{"id": 2, "place": "b", "price": 5}'
    found = rows(good, good, same, '{"id": 2, "place": "b", "price": 6}', '{"id": "3"}')
    assert [one.id for one in found.read] == [1]
    assert [why.split(" (")[0] for why in found.left_out] == [
        "A listing is not in the expected format",
        "Listing 2 appears twice, with different values.",
    ]
    assert found.places == [("all", "somewhere"), ("all", "b")]


def test_every_place_of_a_listing_told_twice_counts_as_emptied_in_the_order_of_the_answer() -> None:
    found = rows(
        '{"id": 9, "place": "a", "price": 5}',
        '{"id": 4, "place": "b", "price": 5}',
        '{"id": 9, "place": "c", "price": 5}',
        '{"id": 4, "place": "b", "price": 6}',
    )
    assert [why.split()[1] for why in found.left_out] == ["9", "4"]
    assert found.places == [("all", "a"), ("all", "b"), ("all", "c")]


def test_an_answer_of_which_most_cannot_be_read_is_refused() -> None:
    rows("{}", '{"id": 1, "place": "a", "price": 5}').refuse_if_most("It", 2)
    with pytest.raises(Refused, match="It cannot be read, most of them"):
        rows("{}", "{}", '{"id": 1, "place": "a", "price": 5}').refuse_if_most("It", 3)


def test_another_format_is_refused_and_names_the_module_to_update() -> None:
    with pytest.raises(Refused, match=r"update shop/wire_format\.py") as refused:
        decode_answer(ROW, b"[]", "The rows", "shop/wire_format.py")
    assert refused.value.payload == b"[]"


def test_the_fields_of_an_answer_have_their_paths_and_ids_are_no_names() -> None:
    body = (
        b'{"rows": [{"id": 1, "price": {"total": 2}}, {"mood": "calm"}], "by_id": {"a1": {"id": 1}, "b2": {"id": 2}}}'
    )
    assert field_names(body, nameless=("by_id",)) == {
        "rows", "rows.id", "rows.price", "rows.price.total", "rows.mood", "by_id", "by_id.id",
    }  # fmt: skip
    assert field_names(b"<html>") == set()
