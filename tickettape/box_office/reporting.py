"""What is reported of sales, as people decide it: which place of a house is which zone, and who may see the sales."""

from dataclasses import dataclass

from psycopg.rows import class_row

from tickettape.box_office.refusals import RefusedError
from tickettape.database import Connection


@dataclass(frozen=True)
class PlaceZone:
    """A tier or a section of an event, and the zone of the resale market that it is; None: of none.

    `decided_by` is None if nobody decided it: then it is the zone of the same name, if there is one.
    """

    event_id: int
    place: str
    zone: str | None
    decided_by: str | None


@dataclass(frozen=True)
class Promoter:
    """A promoter, and the tenant that may see what their events sell."""

    promoter_id: int
    company: str
    tenant: str | None


_ZONES = """
    select distinct zones.name from market.event_sides as own
    inner join market.event_sides as sides on sides.catalogue_event_id = own.catalogue_event_id
    inner join market.zones on zones.event_key = sides.event_key
    where own.source = 'box_office' and own.external_id = %(event)s::text and zones.name <> ''"""


def place_zones(connection: Connection, event_id: int) -> list[PlaceZone]:
    """The tiers and sections of an event with their zones. Raises RefusedError if there is no such event."""
    _check_event(connection, event_id)
    with connection.cursor(row_factory=class_row(PlaceZone)) as cursor:
        return cursor.execute(
            f"""select offered.event_id, coalesce(offered.section, offered.tier) as place,
                   case when links.event_id is null then known.name else links.zone end as zone, links.decided_by
                from box_office.reported_places as offered
                left join box_office.zone_links as links
                    on links.event_id = offered.event_id and links.place = coalesce(offered.section, offered.tier)
                left join ({_ZONES}) as known on lower(known.name) = lower(coalesce(offered.section, offered.tier))
                where offered.event_id = %(event)s order by 2""",  # noqa: S608
            {"event": event_id},
        ).fetchall()


def link_zone(connection: Connection, event_id: int, place: str, zone: str | None, by: str) -> None:
    """Say which zone a tier or section is, whatever their names; None: it is none. Raises RefusedError.

    As long as the event is linked to none of a marketplace, its zones are not known, and any name is taken.
    """
    places = [one.place for one in place_zones(connection, event_id)]
    if place not in places:
        has = f"It has {', '.join(places)}." if places else "It has none yet."
        raise RefusedError("unknown", f"Event {event_id} has no tier and no section {place!r}. {has}")
    zones = [str(name) for (name,) in connection.execute(f"{_ZONES} order by 1", {"event": event_id})]
    named = next((name for name in zones if zone is not None and name.lower() == zone.lower()), None)
    if zone is not None and zones and named is None:
        raise RefusedError(
            "unknown", f"Event {event_id} has no zone {zone!r} on the resale market. It has {', '.join(zones)}."
        )
    connection.execute(
        """insert into box_office.zone_links (event_id, place, zone, decided_by) values (%s, %s, %s, %s)
           on conflict (event_id, place) do update set
               zone = excluded.zone, decided_by = excluded.decided_by, decided_at = now()""",
        [event_id, place, named or zone, by],
    )


def unlink_zone(connection: Connection, event_id: int, place: str) -> None:
    """Take back what was said of a tier or section: the zone of its name counts again. Raises RefusedError."""
    taken = connection.execute(
        "delete from box_office.zone_links where event_id = %s and place = %s", [event_id, place]
    )
    if not taken.rowcount:
        raise RefusedError("unknown", f"Nobody has said which zone {place!r} of event {event_id} is.")


def promoters(connection: Connection) -> list[Promoter]:
    """The promoters, by number."""
    with connection.cursor(row_factory=class_row(Promoter)) as cursor:
        return cursor.execute(
            """select promoters.id as promoter_id, promoters.company, tenants.name as tenant
               from box_office.promoters left join access.tenants using (tenant_id) order by promoters.id"""
        ).fetchall()


def set_sales_tenant(connection: Connection, promoter_id: int, tenant: str | None) -> None:
    """Let a tenant see what a promoter's events sell, in place of another; None: no tenant. Raises RefusedError."""
    row = connection.execute("select tenant_id from access.tenants where name = %s", [tenant]).fetchone()
    if tenant is not None and row is None:
        raise RefusedError(
            "unknown", f"There is no tenant {tenant}. Create it with `tickettape tenants create {tenant}`."
        )
    changed = connection.execute(
        "update box_office.promoters set tenant_id = %s where id = %s", [row[0] if row else None, promoter_id]
    )
    if not changed.rowcount:
        raise RefusedError(
            "unknown", f"There is no promoter {promoter_id}. `tickettape box-office promoters` lists them."
        )


def set_sales_public(connection: Connection, event_id: int, public: bool) -> None:
    """Show what an event sells to every tenant, or no longer. Raises RefusedError if there is no such event."""
    changed = connection.execute(
        "update box_office.stored_events set sales_are_public = %s where id = %s", [public, event_id]
    )
    if not changed.rowcount:
        raise _no_event(event_id)


def _check_event(connection: Connection, event_id: int) -> None:
    if connection.execute("select from box_office.stored_events where id = %s", [event_id]).fetchone() is None:
        raise _no_event(event_id)


def _no_event(event_id: int) -> RefusedError:
    return RefusedError("unknown", f"There is no event {event_id}. `tickettape box-office sales` lists them.")
