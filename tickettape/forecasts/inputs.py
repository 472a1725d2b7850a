"""What a forecast is made of: the value at each origin, its volatility and its deviation, as known at the origin.

The tables here are temporary, of one transaction. They are made from `get_in_days`: the mart, or, in a backtest, a
temporary table of that name.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import LiteralString

from tickettape.database import Connection
from tickettape.forecasts.method import HORIZONS, Measure, days_bin, phase

LOOKBACK_DAYS: dict[Measure, int] = {"get_in": 14, "listings": 14, "sales": 7, "zones": 14}
"""How far an origin looks back: for the volatility, or for six days of sales."""

_CHOSEN: LiteralString = """
    (%(events)s::int[] is null or days.event_key = any (%(events)s))
    and days.origin >= coalesce(%(since)s::date, '-infinity')::timestamp at time zone 'UTC'
    and days.origin <= coalesce(%(until)s::date, 'infinity')::timestamp at time zone 'UTC'
"""

_BY_EVENT: LiteralString = f"""
    select
        days.event_key, 0 as zone_key, days.origin, days.observed_at, days.begins_at,
        {{value}}::float8 as value, {{value}}::float8 as outcome
    from get_in_days as days
    where {{value}} > 0 and {_CHOSEN}
"""  # noqa: S608

_BY_ZONE: LiteralString = f"""
    select
        days.event_key, days.zone_key, days.origin, days.observed_at, days.begins_at,
        days.price::float8 as value, days.price::float8 as outcome
    from zone_days as days
    where {_CHOSEN}
"""  # noqa: S608

# Six days that ended a day before the origin: by then a verdict is final. The half keeps 0 within a logarithm.
_SALES: LiteralString = f"""
    select
        event_key, 0 as zone_key, origin, observed_at, begins_at,
        case when count(*) over six_days >= 3 then avg(tickets) over six_days + 0.5 end as value,
        tickets + 0.5 as outcome
    from (
        select days.*, coalesce(sold.tickets, 0)::float8 as tickets
        from get_in_days as days
        left join (
            select
                event_id, date_bin('1 day', hour, timestamptz '2000-01-01 00:00Z') + interval '1 day' as origin,
                sum(sold_tickets) as tickets
            from estimated_sales
            where hour >= coalesce(%(since)s::date - 1, '-infinity')::timestamp at time zone 'UTC'
                and (%(events)s::int[] is null or event_id in (
                    select events.id from events where events.event_key = any (%(events)s)
                ))
            group by 1, 2
        ) as sold on days.event_id = sold.event_id and days.origin = sold.origin
        -- one look for each event with listings, not one for each of its days
        where days.event_id in (
            select events.id from events
            where (select true from get_in_hours as hours where hours.event_id = events.id limit 1)
        ) and {_CHOSEN}
    ) as days
    window six_days as (
        partition by event_key order by origin range between interval '6 days' preceding and interval '1 day' preceding
    )
"""  # noqa: S608

_OBSERVED: dict[Measure, LiteralString] = {
    "get_in": _BY_EVENT.replace("{value}", "days.price"),
    "listings": _BY_EVENT.replace("{value}", "days.listings"),
    "sales": _SALES,
    "zones": _BY_ZONE,
}

# The windows reach back from their own row only: a value that comes later changes no earlier origin.
_INPUTS: LiteralString = """
    create temporary table forecast_inputs on commit drop as
    with observed as (
        select *, (origin at time zone 'UTC')::date as day from ({observed}) as days
    ),
    moves as (
        select
            *,
            floor(extract(epoch from begins_at - origin) / 86400)::int as days_to_event,
            case when day - lag(day) over in_order <= 3
                then abs(ln(value / lag(value) over in_order)) / sqrt(day - lag(day) over in_order)
            end as move
        from observed
        window in_order as (partition by event_key, zone_key order by day)
    )
    select
        event_key, zone_key, origin, day, observed_at, begins_at, days_to_event, value, outcome,
        case when %(by_moves)s and count(*) over week >= 3 then ln(value / avg(value) over week) end as deviation,
        case when %(by_moves)s and count(move) over fortnight >= 3 then avg(move) over fortnight end as volatility
    from moves
    window
        week as (
            partition by event_key, zone_key order by origin range between interval '6 days' preceding and current row
        ),
        fortnight as (
            partition by event_key, zone_key order by origin range between interval '13 days' preceding and current row
        )
"""

_PAIRS: LiteralString = f"""
    create temporary table forecast_pairs on commit drop as
    select
        origins.event_key,
        origins.day,
        horizons.days as horizon_days,
        origins.begins_at,
        origins.days_to_event,
        {days_bin("origins.days_to_event - horizons.days")} as days_bin,
        {phase("origins.days_to_event")} as phase,
        origins.volatility,
        origins.deviation,
        ln(targets.outcome / origins.value) as move
    from forecast_inputs as origins
    cross join unnest(%(horizons)s::smallint[]) as horizons (days)
    inner join forecast_inputs as targets
        on origins.event_key = targets.event_key and origins.zone_key = targets.zone_key
        and targets.day = origins.day + horizons.days
    where origins.days_to_event >= horizons.days and origins.value is not null
"""  # noqa: S608


@contextmanager
def days_read_once(
    connection: Connection, *, events: list[int] | None = None, since: date | None = None, until: date | None = None
) -> Iterator[None]:
    """A block in which `get_in_days` is a temporary table of the chosen days: three measures read them.

    The view looks every day of every event up among the hours, which is most of the work of a fit.
    """
    values = {"events": events, "since": since, "until": until}
    connection.execute(
        f"create temporary table get_in_days as select * from analytics.get_in_days as days where {_CHOSEN}",  # noqa: S608
        values,
    )
    try:
        connection.execute("analyze pg_temp.get_in_days")
        yield
    finally:
        connection.execute("drop table if exists pg_temp.get_in_days")


def make_inputs(
    connection: Connection,
    measure: Measure,
    *,
    events: list[int] | None = None,
    since: date | None = None,
    until: date | None = None,
) -> None:
    """Make the temporary table `forecast_inputs`: one row per event (and zone) and observed origin. In a transaction.

    `value` is what a forecast starts from, and `outcome` what it is compared with: they differ for sales alone, where a
    day is compared with the mean of six. `zone_key` is 0 for the event as a whole. `events`: their keys; None: all.
    `since`, `until`: the first and last origin. An observation more than a day before its origin, or none, leaves no
    row.
    """
    connection.execute("drop table if exists pg_temp.forecast_inputs")
    connection.execute(
        _INPUTS.replace("{observed}", _OBSERVED[measure]),
        # sales are told by the days to the event alone: their days are too noisy for more
        {"events": events, "since": since, "until": until, "by_moves": measure != "sales"},
    )
    connection.execute("analyze forecast_inputs")


def make_pairs(connection: Connection) -> int:
    """Make the temporary table `forecast_pairs`, of origins and targets that were both observed; how many there are."""
    connection.execute("drop table if exists pg_temp.forecast_pairs")
    made = connection.execute(_PAIRS, {"horizons": list(HORIZONS)}).rowcount
    connection.execute("analyze forecast_pairs")
    return made
