"""Decode lists entry by entry, so that an entry that cannot be read does not affect the others.

Which lists an answer has, and what an entry means, belongs in the marketplace's own folder.
"""

import re
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from tickettape.marketplaces.protocol import Listing

Entry = TypeVar("Entry")
Decoded = TypeVar("Decoded")
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises if a text is not JSON, or not of the expected type."""

_ESCAPE = re.compile(rb"\\\\|(\\u[dD][89abAB]..\\u[dD][c-fC-F]..)|\\u[dD][89a-fA-F]..", re.DOTALL)


def decode_json(decoder: msgspec.json.Decoder[Decoded], body: bytes) -> Decoded:
    """Decode a document; half a character in it becomes U+FFFD. Raises one of UNREADABLE.

    Sellers' notes are cut after so many UTF-16 units. If that is within a character, the document would not be JSON.
    """
    try:
        return decoder.decode(body)
    except UNREADABLE:
        mended = _ESCAPE.sub(lambda found: found[0] if found[1] or found[0] == b"\\\\" else b"\\ufffd", body)
        if mended == body:
            raise
        return decoder.decode(mended)


def decode_entries(
    decoder: msgspec.json.Decoder[Entry], entries: Iterable[msgspec.Raw]
) -> tuple[list[Entry], list[tuple[bytes, Exception]]]:
    """The entries that could be read, and the others, each with its error."""
    read: list[Entry] = []
    unreadable: list[tuple[bytes, Exception]] = []
    for entry in entries:
        try:
            read.append(decode_json(decoder, bytes(memoryview(entry))))
        except UNREADABLE as error:
            unreadable.append((bytes(memoryview(entry)), error))
    return read, unreadable


def most_are(unreadable: int, entries: int) -> bool:
    """Whether so many entries cannot be read that the format must have changed: more than one, and more than half."""
    return unreadable > max(1, entries / 2)


def emptied_by_leaving_out(listings: Iterable[Listing], parts: Iterable[tuple[str, str]]) -> list[str]:
    """Why an inventory is partial if listings were left out of these parts, each (zone id, section id).

    A part of the venue that has no other listing would count as sold out.
    """
    listings = list(listings)
    zones = {listing.zone_id for listing in listings}
    sections = {(listing.zone_id, listing.section_id) for listing in listings}
    emptied = sorted({part for part in parts if part not in sections})
    return [
        f"Section {section} has no listing but those left out."
        if zone in zones
        else f"Zone {zone} has no listing but those left out."
        for zone, section in emptied
    ]
