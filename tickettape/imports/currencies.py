"""The currency of each event in a file: the one that the file states, else the known one, else US dollars.

US dollars are not assumed for a marketplace's event. If its answers are in another currency, all of them would be
refused.
"""

from collections.abc import Collection, Mapping

from tickettape.database import Connection
from tickettape.imports.request import ImportRefused, ImportRequest

UNSAID = "USD"


def currency_conflicts(
    connection: Connection, request: ImportRequest, events: Mapping[int, str], stated: Mapping[int, Collection[str]]
) -> dict[int, str]:
    """The numbers of the events that have two currencies, in the file or together with the known one; and why.

    `events`: number -> external id. `stated`: the currencies that the file states for each event.
    """
    known = _known_currencies(connection, request.source)
    found = {}
    for number, codes in stated.items():
        event, said = events[number], sorted(codes)
        if len(said) > 1:
            found[number] = (
                f"Event {event} has prices in {' and in '.join(said)}, but an event has one currency. "
                "Import them as separate events."
            )
        elif said and known.get(event, said[0]) != said[0]:
            found[number] = (
                f"Event {event} is stored in {known[event]}, and the file has it in {said[0]}, but an event has one "
                "currency. Import it under another --source, or in its own currency."
            )
    return found


def currencies_of(
    connection: Connection, request: ImportRequest, events: Mapping[int, str], stated: Mapping[int, Collection[str]]
) -> dict[int, str]:
    """The currency (ISO 4217) of each of `events` (number -> external id), none of which has two.

    Raises ImportRefused if the currency of a marketplace's event is neither stated nor known.
    """
    known = _known_currencies(connection, request.source)
    found = {number: next(iter(stated.get(number, ())), known.get(event, UNSAID)) for number, event in events.items()}
    unsaid = [event for number, event in events.items() if not stated.get(number) and event not in known]
    if unsaid and request.into_marketplace:
        some = ", ".join(unsaid[:5]) + (" …" if len(unsaid) > 5 else "")
        raise ImportRefused(
            f"{len(unsaid):,} events have no currency yet: {some}. The file would set it for {request.source}'s own "
            "answers too, so state it: in a column (--map currency=COLUMN), or for all of them (--default "
            "currency=USD)."
        )
    return found


def _known_currencies(connection: Connection, source: str) -> dict[str, str]:
    rows = connection.execute(
        "select external_id, currency from market.events where source = %s and currency is not null", [source]
    ).fetchall()
    return {str(event): str(currency) for event, currency in rows}
