"""Keys: what they seal only they open, and a signed link stops one rule."""

from uuid import UUID

import pytest

from tickettape.price_alerts.sealing import AlertError, Sealing, new_key
from tickettape.settings import Settings

ONE, OTHER = UUID(int=1), UUID(int=2)


def test_an_address_is_read_with_its_key_and_with_no_other() -> None:
    old, new = new_key(), new_key()
    sealed = Sealing(old).encrypt("ann@example.com")
    assert b"ann" not in sealed
    assert Sealing(f"{new} {old}").decrypt(sealed) == "ann@example.com"
    with pytest.raises(AlertError, match="no longer in PRICE_ALERTS_KEY"):
        Sealing(new).decrypt(sealed)


def test_a_link_stops_its_rule_and_no_other() -> None:
    old, new = new_key(), new_key()
    signature = Sealing(old).signature(ONE)
    both = Sealing(f"{new} {old}")  # links that were sent before a key was added still work
    assert both.is_signed(ONE, signature)
    assert not both.is_signed(OTHER, signature)
    assert not both.is_signed(ONE, "")
    assert not both.is_signed(ONE, "é")
    assert not Sealing(new).is_signed(ONE, signature)


def test_what_is_no_key_or_not_set_is_said() -> None:
    with pytest.raises(AlertError, match="is no key"):
        Sealing("secret")
    with pytest.raises(AlertError, match="is not set"):
        Sealing.of(Settings(price_alerts_key=None))
