"""What the readers of several marketplaces share: refuse an answer, read a list of listings or of events. Pure.

What a field means belongs in the marketplace's own folder.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, NoReturn, TypeVar

import msgspec

from tickettape.marketplaces.one_by_one import UNREADABLE, decode_entries, decode_json, most_are
from tickettape.marketplaces.protocol import MarketplaceEvent, Refused
from tickettape.marketplaces.storable import LONGEST_NAME

Wire = TypeVar("Wire")
ANYTHING = msgspec.json.Decoder()
SHOWN = 80  # bytes of an entry that cannot be read


def refuse(finding: str) -> NoReturn:
    """Refuse an answer."""
    raise Refused(f"{finding}. The answer was refused; look at it in the quarantine.")


def decode_answer(decoder: msgspec.json.Decoder[Wire], body: bytes, what: str, module: str) -> Wire:
    """Decode an answer. Raises Refused, naming the `module` to update if the format has changed."""
    try:
        return decode_json(decoder, body)
    except UNREADABLE as error:
        raise Refused(
            f"{what} are not in the expected format: {error}. If the marketplace has changed the format, update "
            f"{module}, then replay the quarantine.",
            payload=body,
        ) from error


@dataclass
class Entries(Generic[Wire]):
    """The entries of a list that could be read, and a sentence for each other one. `places` are where these were."""

    read: list[Wire]
    left_out: list[str] = field(default_factory=list)
    places: list[tuple[str, str]] = field(default_factory=list)

    def leave_out(self, why: str, place: tuple[str, str] | None) -> None:
        """Leave out an entry. Its place counts as sold out if nothing else is there, so it is kept."""
        self.left_out.append(why)
        if place is not None:
            self.places.append(place)

    def leave_out_told_twice(
        self, id_of: Callable[[Wire], Hashable], place_of: Callable[[Wire], tuple[str, str]]
    ) -> None:
        """Leave out each entry that is told again with different values, and keep one of each that is told alike."""
        by_id = {id_of(one): one for one in self.read}
        if len(by_id) == len(self.read):
            return
        twice = dict.fromkeys(id_of(one) for one in self.read if by_id[id_of(one)] != one)
        self.left_out += [f"Listing {key} appears twice, with different values." for key in twice]
        self.places += dict.fromkeys(place_of(one) for one in self.read if id_of(one) in twice)
        self.read = [one for key, one in by_id.items() if key not in twice]

    def refuse_if_most(self, what: str, entries: int) -> None:
        """Refuse the answer if most of its entries were left out: then the format has changed."""
        if most_are(len(self.left_out), entries):
            refuse(f"{what} cannot be read, most of them: {self.left_out[0]}")


def read_entries(
    decoder: msgspec.json.Decoder[Wire],
    raw: Iterable[msgspec.Raw],
    id_of: Callable[[Wire], Hashable],
    place_of: Callable[[Wire], tuple[str, str]],
    place_in: Callable[[bytes], tuple[str, str] | None],
) -> Entries[Wire]:
    """Decode listings one by one. One that is told twice with different values is left out, both times.

    `place_of` says where a listing is, `place_in` where one is that cannot be read, if it says so.
    """
    decoded, unreadable = decode_entries(decoder, raw)
    found = Entries(decoded)
    for entry, error in unreadable:
        shown = entry[:SHOWN].decode(errors="replace")
        found.leave_out(f"A listing is not in the expected format ({error}): {shown}…", place_in(entry))
    found.leave_out_told_twice(id_of, place_of)
    return found


def read_page_entries(
    decoder: msgspec.json.Decoder[Wire], raw: Sequence[msgspec.Raw], what: str, name_of: Callable[[bytes], str]
) -> tuple[list[Wire], list[Refused]]:
    """Decode the entries of a page of the catalogue, with a Refused for each that cannot be read.

    `name_of` names an entry of which nothing else may be readable. Raises Refused if most cannot be read.
    """
    entries, unreadable = decode_entries(decoder, raw)
    refused = [
        Refused(f"{_named(one, name_of)} is not in the expected format ({error}): it was left out.", payload=one)
        for one, error in unreadable
    ]
    if most_are(len(refused), len(raw)):
        raise Refused(f"{what} cannot be read, {len(refused)} of {len(raw)}: {refused[0]}", refused[0].payload)
    return entries, refused


def _named(entry: bytes, name_of: Callable[[bytes], str]) -> str:
    try:
        return name_of(entry)
    except UNREADABLE:
        return f"An entry ({entry[:40].decode(errors='replace')}…)"


def new_events(
    entries: Iterable[Wire],
    refused: Iterable[Refused],
    is_hidden: Callable[[Wire], bool],
    event_of: Callable[[Wire], MarketplaceEvent],
    seen: set[str],
) -> Iterator[MarketplaceEvent | Refused]:
    """The events of a page's entries, and what was refused of it, without hidden ones and what earlier pages had.

    `seen` holds what earlier pages had. What is new is added to it.
    """
    for one in (*refused, *(_event_or_refused(entry, event_of) for entry in entries if not is_hidden(entry))):
        key = one.reason if isinstance(one, Refused) else one.external_id
        if key not in seen:
            seen.add(key)
            yield one


def _event_or_refused(entry: Wire, event_of: Callable[[Wire], MarketplaceEvent]) -> MarketplaceEvent | Refused:
    try:
        return event_of(entry)
    except Refused as reason:
        return reason


def field_names(body: bytes, nameless: Iterable[str] = ()) -> set[str]:
    """The names of all fields of an answer, such as "listings.price.total"; none if it is not JSON.

    Entries of a list have the name of the list. `nameless` are objects whose keys are ids and no names.
    """
    try:
        answer = decode_json(ANYTHING, body)
    except UNREADABLE:
        return set()
    found: set[str] = set()
    _collect(answer, "", frozenset(nameless), found)
    return {name for name in found if len(name) <= LONGEST_NAME and name.isprintable()}


def _collect(value: object, path: str, nameless: frozenset[str], found: set[str]) -> None:
    if isinstance(value, list) or (isinstance(value, dict) and path in nameless):
        for one in value.values() if isinstance(value, dict) else value:
            _collect(one, path, nameless - {path}, found)
    elif isinstance(value, dict):
        for name, one in value.items():
            below = f"{path}.{name}" if path else str(name)
            found.add(below)
            _collect(one, below, nameless, found)
