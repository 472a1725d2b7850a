"""Read everything that a message says about an occasion."""

from typing import LiteralString

from tickettape.database import Connection
from tickettape.price_alerts.messages import Alert
from tickettape.price_alerts.sealing import AlertError, Sealing
from tickettape.settings import Settings

_ALERT: LiteralString = """
    select told.occasion_id, told.rule_id, told.outcome, rules.name as rule, rules.condition, told.event_id,
        events.name as event, events.venue, events.date as event_date, events.venue_time_zone as event_time_zone,
        told.tick, told.listing_id, told.zone, told.section, told.seat_row as row, told.quantity, told.all_in_price,
        events.page_url, told.price, told.compared_with, told.tickets_left, told.cheaper_share, earlier.tick as told_at,
        coalesce(events.currency, '') as currency
    from price_alerts.occasions as told
    inner join price_alerts.rules on rules.rule_id = told.rule_id
    inner join market.events on events.id = told.event_id
    left join price_alerts.occasions as earlier on earlier.occasion_id = told.about_occasion
    where told.occasion_id = %s"""

_PRICES = ("all_in_price", "price", "compared_with")


def read_alert(connection: Connection, settings: Settings, sealing: Sealing, occasion_id: int) -> Alert:
    """An occasion with its rule, its event and its links. Raises AlertError if the rule was removed."""
    cursor = connection.execute(_ALERT, [occasion_id])
    row = cursor.fetchone()
    if row is None:
        raise AlertError("The rule was removed.")
    assert cursor.description is not None  # noqa: S101  a query that returned a row
    said = dict(zip([column.name for column in cursor.description], row, strict=True))
    currency = said.pop("currency")
    for name in _PRICES:
        said[name] = None if said[name] is None else f"{currency} {said[name]:,.2f}".strip()
    at = f"?at={said['tick']:%Y-%m-%dT%H:%M:%SZ}" if said["listing_id"] else ""
    stop = f"{settings.public_url}/alerts/stop?rule={said['rule_id']}&signature={sealing.signature(said['rule_id'])}"
    return Alert(**said, page=f"{settings.public_url}/events/{said['event_id']}{at}", stop=stop)


def note_cheaper_share(connection: Connection, occasion_id: int) -> None:
    """Note in how many hours of the event's history its get-in price was lower: for one, two or four tickets, by the
    rule. It is read when the message is written, not in the tick."""
    if connection.execute("select to_regclass('analytics.get_in_hours')").fetchone() == (None,):
        return
    connection.execute(
        """update price_alerts.occasions as told
           set cheaper_share = (
               select avg((lowest.price < asked.price)::integer)
               from analytics.get_in_hours as hours
               cross join lateral (select case
                   when rules.basis = 'all_in' and asked.tickets = 1 then hours.min_all_in_price_1ticket
                   when rules.basis = 'all_in' and asked.tickets = 2 then hours.min_all_in_price_2tickets
                   when rules.basis = 'all_in' then hours.min_all_in_price_4tickets
                   when asked.tickets = 1 then hours.min_price_1ticket
                   when asked.tickets = 2 then hours.min_price_2tickets
                   else hours.min_price_4tickets end as price) as lowest
               where hours.event_id = told.event_id and hours.hour < told.tick and lowest.price is not null
           )
           from price_alerts.rules
           cross join lateral (select
               case when rules.tickets is null or rules.tickets <= 1 then 1 when rules.tickets <= 3 then 2 else 4 end
                   as tickets) as size
           cross join lateral (select size.tickets,
               (select case rules.basis when 'all_in' then own.all_in_price else own.price end
                from price_alerts.occasions as own where own.occasion_id = %(occasion)s) as price) as asked
           where told.occasion_id = %(occasion)s and rules.rule_id = told.rule_id and told.cheaper_share is null
               and asked.price is not null""",
        {"occasion": occasion_id},
    )
