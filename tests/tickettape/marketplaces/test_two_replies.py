"""Two replies in one body."""

import msgspec

from tickettape.marketplaces.two_replies import join_replies


def test_replies_are_kept_byte_for_byte_and_one_that_did_not_come_is_null() -> None:
    listings = b'{ "price": 273.650 }'
    body = join_replies({"listings": listings, "stats": None}, price_basis="retail_price")
    assert listings in body  # as it came: 273.650 through a float would be 273.65
    assert msgspec.json.decode(body) == {"price_basis": "retail_price", "listings": {"price": 273.65}, "stats": None}
