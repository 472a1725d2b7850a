"""Which currency the prices of a file's events are in: what it says, else the event's own, else US dollars.

For a marketplace's event US dollars are not assumed: if its answers are in another currency, all would be refused.
"""

from collections.abc import Collection, Mapping

from tickettape.database import Connection
from tickettape.imports.request import ImportRefused, ImportRequest

UNSAID = "USD"


def currencies_of(
    connection: Connection, request: ImportRequest, events: Mapping[int, str], stated: Mapping[int, Collection[str]]
) -> dict[int, str]:
    """The currency (ISO 4217) of each of `events` (number -> external id); `stated`: those that the file has of it.

    Raises ImportRefused where an event has two, in the file or with what is known of it, and where nobody says the
    currency of a marketplace's event.
    """
    rows = connection.execute(
        "select external_id, currency from market.events where source = %s and currency is not null", [request.source]
    ).fetchall()
    known = {str(event): str(currency) for event, currency in rows}
    found = {}
    for number, event in events.items():
        codes = sorted(stated.get(number, ()))
        if len(codes) > 1:
            raise ImportRefused(
                f"Event {event} has prices in {' and in '.join(codes)}, but an event has one currency. Import them "
                "as separate events."
            )
        if codes and known.get(event, codes[0]) != codes[0]:
            raise ImportRefused(
                f"Event {event} is stored in {known[event]}, and the file has it in {codes[0]}, but an event has one "
                "currency. Import it under another --source, or in its own currency."
            )
        found[number] = codes[0] if codes else known.get(event, UNSAID)
    unsaid = [event for number, event in events.items() if not stated.get(number) and event not in known]
    if unsaid and request.into_marketplace:
        some = ", ".join(unsaid[:5]) + (" …" if len(unsaid) > 5 else "")
        raise ImportRefused(
            f"{len(unsaid):,} events have no currency yet: {some}. The file would fix it for {request.source}'s own "
            "answers too, so say it: in a column (--map currency=COLUMN), or for all of them (--default currency=USD)."
        )
    return found
