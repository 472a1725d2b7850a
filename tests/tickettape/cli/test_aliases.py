"""`tickettape aliases`, as it is typed."""

from tests.support.commands import run
from tests.support.markets import add_event
from tests.tickettape.catalogue.test_place_aliases import NEW, OLD, take, zones
from tickettape.database import Connection
from tickettape.rollups import pending_buckets


def test_aliases_are_listed_and_one_is_undone_with_the_rollups_refreshed(connection: Connection) -> None:
    add_event(connection)
    take(connection, 0, OLD)
    take(connection, 6, NEW)
    code, output = run("aliases")
    assert code == 0
    assert "On simulator: 5 aliases, 0 names that are borne by several places." in output
    assert "1  zone 501 is Lower Bowl, since 2026-11-20 13:00 UTC: the name of 1, never in one answer" in output

    assert run("aliases", "--undo", "Lower Bowl")[0] == 1
    assert run("aliases", "--event", "7", "--undo", "Lower Bowl")[0] == 1
    assert run("aliases", "--event", "1", "--undo", "Middle Bowl")[0] == 1
    assert zones(connection) == {"Lower Bowl", "Upper Bowl"}

    code, output = run("aliases", "--event", "1", "--undo", "Lower Bowl")
    assert (code, "Kept apart from now on: Lower Bowl of event 1." in output) == (0, True)
    assert pending_buckets(connection) == {}
    rows = connection.execute("select zone, hour from analytics.aggregated_analytics order by hour, zone").fetchall()
    assert [zone for zone, _ in rows] == ["Lower Bowl", "Upper Bowl", "Lower Bowl (501)", "Upper Bowl"]
    assert "by hand: kept apart by" in run("aliases")[1]
