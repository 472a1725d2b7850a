"""Map the columns of a file to our column names: by their names, or as the person who imports them says."""

from collections.abc import Collection, Iterable, Mapping, Sequence

REQUIRED_COLUMNS = ("event", "time", "zone", "section", "price", "quantity")
LISTING_COLUMNS = (
    *REQUIRED_COLUMNS, "listing", "all_in_price", "buyable", "currency", "zone_id", "section_id", "for_sale",
    "sold_out",
)  # fmt: skip
RANGE_PRICES = ("lowest_price", "average_price", "highest_price")
RANGE_VALUES = (*RANGE_PRICES, "listings", "tickets")
RANGE_COLUMNS = ("event", "time", *RANGE_VALUES, "currency", "market", "price_basis", "for_sale", "sold_out")
EVENT_COLUMNS = (
    "event_name", "venue", "event_date", "city", "state", "country", "venue_time_zone", "category", "performer",
)  # fmt: skip
OTHER_NAMES = {"soldout": "sold_out", "sold out": "sold_out", "is_sold_out": "sold_out", "issoldout": "sold_out"}
"""Other names that are found without a mapping. If one were overlooked, sold tickets would count as for sale."""
KNOWN_COLUMNS = (*LISTING_COLUMNS, *EVENT_COLUMNS)
KNOWN_RANGE_COLUMNS = (*RANGE_COLUMNS, *EVENT_COLUMNS)


class MappingError(Exception):
    """A mapping that is not valid. The message says why, and what to type."""


def known_columns(*, ranges: bool) -> tuple[str, ...]:
    """Our names of the columns that a file of price ranges, or of listings, may have."""
    return KNOWN_RANGE_COLUMNS if ranges else KNOWN_COLUMNS


def parse_pairs(
    texts: Iterable[str], *, several_in_one: bool, known: Collection[str] = KNOWN_COLUMNS
) -> dict[str, str]:
    """`name=value` pairs as a person types them; with `several_in_one`, separated by commas.

    Raises MappingError for a name that is not known.
    """
    found = {}
    for text in texts:
        for pair in text.split(",") if several_in_one else [text]:
            name, equals, value = (part.strip() for part in pair.partition("="))
            if not equals or not value or name not in known:
                raise MappingError(
                    f"{pair.strip()!r} does not have the form COLUMN=…, where COLUMN is one of ours: "
                    f"{', '.join(known)}."
                )
            found[name] = value
    return found


def resolve_columns(
    columns: Sequence[str],
    mapped: Mapping[str, str],
    defaults: Mapping[str, str],
    *,
    required: Iterable[str],
    known: Iterable[str] = KNOWN_COLUMNS,
    any_of: Sequence[str] = (),
) -> dict[str, tuple[str, ...]]:
    """Our column names with the file's: the mapped ones, else those of the same name in upper or lower case.

    `date+time` means two columns. `any_of`: at least one of these must be there. Raises MappingError if a required
    column is not in the file and has no default, if a mapped one is not in the file, or if one that is mapped or known
    is there twice. Columns that are not read may be there twice, and so may those that describe events.
    """
    called = [OTHER_NAMES.get(text, text) for text in (column.strip().lower() for column in columns)]
    same_name: dict[str, tuple[str, ...]] = {
        name: (column,) for name, column in zip(called, columns, strict=True) if called.count(name) == 1
    }
    found = {name: same_name[name] for name in known if name in same_name}
    found |= {name: _parts(text, columns) for name, text in mapped.items()}
    used = [part for parts in found.values() for part in parts]
    has = f"It has: {', '.join(columns)}."
    if absent := sorted({part for part in used if part not in columns}):
        raise MappingError(f"The file has no column {', '.join(absent)}. {has}")
    missing = [name for name in required if name not in found and name not in defaults]
    # a description of the event may be there twice; of any other column, one of the two would be lost
    matters = {*missing, *known} - {*EVENT_COLUMNS, *found} | {name for name in missing if name not in found}
    unclear = sorted(
        {part for part in used if columns.count(part) > 1}
        | {column for column, name in zip(columns, called, strict=True) if called.count(name) > 1 and name in matters}
    )
    if unclear:
        raise MappingError(
            f"The file has more than one column {', '.join(unclear)}, so it is not clear which one is meant. Rename "
            "one in the header."
        )
    if missing:
        raise MappingError(
            f"The file has no column {', '.join(missing)}. It has: {', '.join(columns)}. Name the right column with "
            f"--map {missing[0]}=COLUMN, or give a value for all rows with --default {missing[0]}=VALUE."
            + (_NO_TIME if "time" in missing else "")
        )
    if any_of and not any(name in found for name in any_of):
        raise MappingError(
            f"The file has no column with a price or a count ({', '.join(any_of)}). It has: {', '.join(columns)}. "
            f"Name the right column with --map {any_of[0]}=COLUMN."
        )
    return found


_NO_TIME = (
    " The time is when the prices were seen, not when the event begins. Use --map time=DATE+TIME to join two columns."
)


def _parts(text: str, columns: Sequence[str]) -> tuple[str, ...]:
    """The columns that a person named: one, or several with + between them."""
    return (text,) if text in columns else tuple(part.strip() for part in text.split("+"))
