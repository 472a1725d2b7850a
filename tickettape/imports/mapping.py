"""Which column of a file means what: our names for columns, and a person's words for their own."""

from collections.abc import Iterable, Mapping, Sequence

REQUIRED_COLUMNS = ("event", "time", "zone", "section", "price", "quantity")
LISTING_COLUMNS = (*REQUIRED_COLUMNS, "listing", "all_in_price", "buyable", "currency", "zone_id", "section_id")
EVENT_COLUMNS = (
    "event_name", "venue", "event_date", "city", "state", "country", "venue_time_zone", "category", "performer",
)  # fmt: skip
KNOWN_COLUMNS = (*LISTING_COLUMNS, *EVENT_COLUMNS)


class MappingError(Exception):
    """A mapping that cannot be. The message says what is known and what to type."""


def parse_pairs(texts: Iterable[str], *, several_in_one: bool) -> dict[str, str]:
    """`name=value` pairs as a person types them; with `several_in_one`, commas part them.

    Raises MappingError for a name that is not KNOWN.
    """
    found = {}
    for text in texts:
        for pair in text.split(",") if several_in_one else [text]:
            name, equals, value = (part.strip() for part in pair.partition("="))
            if not equals or not value or name not in KNOWN_COLUMNS:
                raise MappingError(
                    f"{pair.strip()!r} is not one of our columns = something: {', '.join(KNOWN_COLUMNS)}."
                )
            found[name] = value
    return found


def resolve_columns(
    columns: Sequence[str], mapped: Mapping[str, str], defaults: Mapping[str, str], *, required: Iterable[str]
) -> dict[str, str]:
    """Our column names with the file's: those that were mapped, else those of the same name in any case.

    Raises MappingError where a required one has neither column nor default, or a mapped one is not in the file.
    """
    doubled = sorted({column for column in columns if list(columns).count(column) > 1})
    if doubled:
        raise MappingError(f"The file has more than one column {', '.join(doubled)}.")
    absent = sorted(set(mapped.values()) - set(columns))
    if absent:
        raise MappingError(f"The file has no column {', '.join(absent)}. It has: {', '.join(columns)}.")
    same_name = {column.strip().lower(): column for column in reversed(columns)}
    found = {name: same_name[name] for name in KNOWN_COLUMNS if name in same_name} | dict(mapped)
    missing = [name for name in required if name not in found and name not in defaults]
    if missing:
        raise MappingError(
            f"No column is the {', '.join(missing)}. The file has: {', '.join(columns)}. "
            f"Say which it is with --map {missing[0]}=COLUMN, or what holds for all rows with "
            f"--default {missing[0]}=VALUE."
        )
    return found
