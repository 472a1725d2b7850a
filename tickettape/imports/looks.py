"""Find the rows of an event that were seen together, in one look, if times are rounded (`--every`).

Rows that follow each other within a minute are one look, which becomes one observation. If a look crosses the grid, it
must not become two halves, each with zones sold out. If two looks fall into the same minutes, only one counts.
Otherwise their tickets would be added up.
"""

from tickettape.database import Connection
from tickettape.imports.columns import Change
from tickettape.imports.request import ImportRefused
from tickettape.imports.staging import StagedListings

PAUSE_SECONDS = 60  # nobody observes a whole event twice within a minute
_LOOK = "staged.event_no = looks.event_no and staged.observed / 1000000 between looks.first and looks.last"


def gather_looks(connection: Connection, staged: StagedListings) -> list[Change]:
    """Give each look one tick, and each tick one look; returns the changes.

    A look that crosses the grid gets the tick of its last row. Of several looks at one tick, the last counts. It is
    partial if it may be the rest of a slow look and not another one: if the two have less than half of the listings of
    the smaller one in common. Looks without a common section are parts of one, and stay together.
    Raises ImportRefused if a look is as long as the grid's interval, or longer.
    """
    width = staged.request.bin_seconds or 1
    if width == 1 or not staged.request.whole_inventory:
        return []
    connection.execute(
        f"""drop table if exists pg_temp.staged_looks;
           create temp table staged_looks as
               with seen as (
                   select event_no, observed / 1000000 as second from staged_listings
                   union
                   select event_no, observed / 1000000 from staged_refused
                   where event_no is not null and observed is not null
               ), begun as (
                   select *, second - lag(second) over by_time < {PAUSE_SECONDS} is not true as begins from seen
                   window by_time as (partition by event_no order by second)
               ), numbered as (
                   select event_no, second, count(*) filter (where begins) over by_time as look from begun
                   window by_time as (partition by event_no order by second)
               )
               select event_no, min(second) as first, max(second) as last, max(second) / {width} * {width} as second
               from numbered group by event_no, look"""  # noqa: S608
    )
    connection.execute("analyze staged_looks")
    _refuse_longer(connection, staged, width)
    return [*_moved(connection, width), *_superseded(connection, width)]


def _refuse_longer(connection: Connection, staged: StagedListings, width: int) -> None:
    longest = connection.execute(
        """select event_no, to_char(to_timestamp(first) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS'), last - first
           from staged_looks where last - first >= %s order by last - first desc limit 1""",
        [width],
    ).fetchone()
    if longest is None:
        return
    event_no, first, lasts = longest
    event = next(event for event, number in staged.events.items() if number == event_no)
    raise ImportRefused(
        f"Event {event} has rows without a pause of a minute for {lasts / 60:,.0f} minutes from {first} UTC on, and "
        f"--every {width // 60} takes {width // 60} minutes together. It is not clear where one observation ends and "
        "the next begins. Give a larger --every, --every 0 if each second is an observation, or --partial."
    )


def _moved(connection: Connection, width: int) -> list[Change]:
    """Move the looks that cross the grid, with their refused rows."""
    moved = [
        connection.execute(
            f"""with moved as (
                    update {table} as staged set second = looks.second from staged_looks as looks
                    where {_LOOK} and looks.first / {width} != looks.last / {width} and staged.second != looks.second
                    returning line
                )
                select count(*), min(line) from moved"""  # noqa: S608
        ).fetchone()
        for table in ("staged_listings", "staged_refused")
    ]
    rows, line = moved[0] or (0, None)
    if not rows:
        return []
    return [Change("rows belong to a look that ends in the next minutes: they count there", rows, line)]


def _superseded(connection: Connection, width: int) -> list[Change]:
    """Leave out the looks that a later one at the same tick replaces. If that is not certain, the later is partial."""
    connection.execute(
        f"""drop table if exists pg_temp.crowded;
            create temp table crowded as
                select looks.event_no, looks.second, looks.last as look, section_no,
                    coalesce('=' || listing, section_no || ' ' || price || ' ' || quantity) as offer
                from staged_looks as looks
                inner join (
                    select event_no, second from staged_looks group by event_no, second having count(*) > 1
                ) as several using (event_no, second)
                inner join staged_listings as staged on {_LOOK} and staged.second = looks.second
                group by 1, 2, 3, 4, 5;
            create index on crowded (event_no, second, look, offer);
            analyze crowded"""  # noqa: S608
    )
    row = connection.execute(
        f"""with repeated as (
                select distinct event_no, second from (
                    select event_no, second from crowded
                    group by event_no, second, section_no having count(distinct look) > 1
                ) as by_section
            ), sizes as (
                select event_no, second, look, count(distinct offer) as size,
                    max(look) over (partition by event_no, second) as latest
                from repeated inner join crowded using (event_no, second) group by event_no, second, look
            ), replaced as (
                select earlier.event_no, earlier.second, earlier.look, 2 * (
                    select count(distinct offer) from crowded as one
                    where (event_no, second, look) = (earlier.event_no, earlier.second, earlier.look)
                        and exists (
                            select from crowded as other
                            where other.event_no = one.event_no and other.second = one.second
                                and other.look = earlier.latest and other.offer = one.offer)
                ) < least(earlier.size, later.size) as unsure
                from sizes as earlier
                inner join sizes as later on (later.event_no, later.second, later.look)
                    = (earlier.event_no, earlier.second, earlier.latest)
                where earlier.look != earlier.latest
            ), unsure as (
                insert into staged_unsure (event_no, second)
                select distinct event_no, second from replaced where unsure
                returning 1
            ), gone as (
                delete from staged_listings as staged using replaced, staged_looks as looks
                where looks.event_no = replaced.event_no and looks.last = replaced.look
                    and {_LOOK} and staged.second = replaced.second
                returning line
            )
            select count(*), min(line), (select count(*) from replaced), (select count(*) from unsure) from gone"""  # noqa: S608
    ).fetchone()
    assert row is not None  # noqa: S101  an aggregate has a row
    rows, line, looks, unsure = row
    if not rows:
        return []
    minutes = f"the same {width // 60} minutes"
    told = [Change(f"rows are of {looks:,} looks that a later one in {minutes} replaces: left out", rows, line)]
    if unsure:
        what = "observations may lack rows that were left out so, as another look or a part of theirs: they are partial"
        told.append(Change(what, unsure, line))
    return told
