"""The currency of an event: its first answer or file decides it, and it never changes."""

from collections.abc import Mapping, Sequence

from tickettape.database import Connection


class OtherCurrencyError(ValueError):
    """Prices in another currency than their event's. None of them may be stored."""


def event_currencies(connection: Connection, event_keys: Sequence[int]) -> dict[int, str]:
    """The currencies (ISO 4217) of these events, as far as they are known."""
    rows = connection.execute(
        "select event_key, currency from market.events where event_key = any(%s) and currency is not null",
        [list(event_keys)],
    ).fetchall()
    return {int(event_key): str(currency) for event_key, currency in rows}


def fix_currencies(connection: Connection, currencies: Mapping[int, str]) -> None:
    """Give events their currency, in the caller's transaction.

    Raises OtherCurrencyError if one has got another currency meanwhile. Then its prices must not be stored.
    """
    if not currencies:
        return
    keys = sorted(currencies)
    arguments = [keys, [currencies[key] for key in keys]]
    connection.execute(
        """update market.events set currency = said.currency
           from unnest(%s::integer[], %s::text[]) as said (event_key, currency)
           where events.event_key = said.event_key and events.currency is null""",
        arguments,
    )
    other = connection.execute(
        """select events.name, events.currency, said.currency
           from market.events inner join unnest(%s::integer[], %s::text[]) as said (event_key, currency)
               using (event_key)
           where events.currency is distinct from said.currency limit 1""",
        arguments,
    ).fetchone()
    if other is not None:
        raise OtherCurrencyError(other_currency(*map(str, other)))


def other_currency(event: str, known: str, said: str) -> str:
    """Why prices of an event are refused, for a person."""
    return (
        f"{event} has prices in {known}, and these are in {said}. An event has one currency, and nothing is "
        "converted. Ask the marketplace in that currency, or store these prices under another source"
    )
