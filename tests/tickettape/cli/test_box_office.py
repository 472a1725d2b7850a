"""`tickettape box-office`."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from tests.support.commands import run
from tickettape.box_office import add_tier
from tickettape.box_office.bookings import confirm, hold
from tickettape.box_office.orders import purchase
from tickettape.cli.backups import restore_backup_command
from tickettape.database import Connection, with_database
from tickettape.settings import settings

SEATS = "section,row_number,seat_number,price\n" + "".join(f"A,1,{number},25\n" for number in range(1, 6))


def box_office(*arguments: str) -> tuple[int, str]:
    return run("box-office", *arguments)


def test_an_event_is_sold_and_refunded_by_hand(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "backup_url", str(tmp_path / "backups"))
    start = f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d}"
    (tmp_path / "seats.csv").write_text(SEATS)
    assert box_office("create", "A concert", "--venue", "A hall", "--start", start, "--capacity", "25") == (
        0, "Created event 1: A concert.\n",
    )  # fmt: skip
    assert box_office("add-tier", "1", "Standing", "--price", "10", "--quantity", "20")[0] == 0
    for no_price in ("ten", "-1", "nan"):
        code, output = box_office("add-tier", "1", "More", "--price", no_price, "--quantity", "20")
        assert (code, "is not a price" in output) == (2, True)
    assert "Added 5 seats" in box_office("import-seats", "1", str(tmp_path / "seats.csv"))[1]
    assert box_office("add-tier", "1", "Too many", "--price", "10", "--quantity", "1")[0] == 1
    user = connection.execute(
        "insert into box_office.users (email, full_name, password_hash) values ('a@b', 'A B', 'x') returning id"
    ).fetchone()
    assert user is not None
    assert box_office("on-sale", "1") == (0, "Event 1 is on sale.\n")
    order = purchase(connection, user[0], 1, {1: 3})
    booking = hold(connection, user[0], 1, [1, 2])
    confirm(connection, booking)
    code, output = box_office("sales")
    assert code == 0
    assert "A concert (on sale): 5 sold, 20 left, 80.00 USD\n" in output
    assert box_office("refund", "--order", str(order)) == (0, "Refunded 30.00.\n")
    assert box_office("refund", "--booking", str(booking)) == (0, "Refunded 50.00.\n")
    assert box_office("refund", "--order", str(order))[0] == 1
    assert box_office("refund")[0] == 2
    assert "0 sold, 25 left, 0.00 USD after 80.00 refunded" in box_office("sales", "1")[1]
    assert box_office("off-sale", "1") == (0, "Event 1 is off sale.\n")
    assert box_office("on-sale", "7")[0] == 1
    assert box_office("tidy") == (0, "Ended 0 orders and 0 bookings. Payments: nothing to do. Waitlist: 0 offers.\n")
    assert box_office("erase-user", str(user[0])) == (0, f"Erased user {user[0]}.\n")
    assert list((tmp_path / "backups" / "erased-users").iterdir())


def test_contradictions_in_the_books_are_shown_with_exit_code_1(connection: Connection) -> None:
    box_office("create", "A concert", "--venue", "A hall", "--start", "2126-11-21")
    add_tier(connection, 1, "Standing", Decimal(10), 5)
    connection.execute("update box_office.tier_stock set free = free - 1")
    code, output = box_office("sales")
    assert code == 1
    assert "a tier's free, reserved and sold are not its quantity: 1 (4 instead of 5)" in output


def test_rights_are_granted_and_compared(connection: Connection) -> None:
    code, output = box_office("check-permissions")
    assert code == 1
    assert "- table events: SELECT to tickettape_buyer" in output
    assert box_office("grant") == (0, "The roles exist and have their permissions.\n")
    assert box_office("check-permissions") == (0, "All permissions are as expected.\n")


def test_the_sample_has_two_events(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tickettape.box_office.sample_data.STADIUM_SEATS", 1_000)
    assert box_office("sample") == (0, "Added event 1.\nAdded event 2.\n")


def test_a_backup_holds_the_box_office_and_whom_it_still_knows_is_erased_again(
    connection: Connection, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "backup_url", str(tmp_path / "backups"))
    box_office("create", "A concert", "--venue", "A hall", "--start", "2126-11-21")
    add_tier(connection, 1, "Standing", Decimal(10), 5)
    box_office("on-sale", "1")
    connection.execute("insert into box_office.users (email, full_name, password_hash) values ('a@b', 'Ada B', 'x')")
    purchase(connection, 1, 1, {1: 3})
    connection.execute(
        """insert into box_office.users (email, full_name, password_hash, deleted_at)
           values ('c@d', 'Charles D', 'x', now() - interval '91 days')"""
    )
    into = f"restored_{connection.info.dbname}"
    assert run("backup")[0] == 0
    assert box_office("erase-user", "1")[0] == 0
    with monkeypatch.context() as patch:  # killed before the erased are erased again: no database has the name yet
        patch.setattr("tickettape.cli.backups.erase_again", _killed)
        with pytest.raises(KeyboardInterrupt):
            restore_backup_command(into=into)
    named = "select datname from pg_database where starts_with(datname, %s)"
    assert connection.execute(named, [into]).fetchall() == []
    try:
        code, output = run("restore-backup", "--into", into)
        assert code == 0, output
        assert "Erased 1 users again" in output
        with psycopg.connect(with_database(database_url, into)) as restored:
            found = restored.execute("select email, full_name from box_office.users").fetchall()
            assert found == [("erased-1@invalid", "")]
            assert restored.execute("select sold from box_office.ticket_tiers").fetchall() == [(3,)]
            assert restored.execute("select * from box_office.discrepancies()").fetchall() == []
    finally:
        connection.execute(f'drop database if exists "{into}"'.encode())


def _killed(*_: object) -> int:
    raise KeyboardInterrupt


def test_an_event_goes_to_cold_storage_and_comes_back(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "backup_url", str(tmp_path / "backups"))
    monkeypatch.setattr(settings(), "cold_storage_url", str(tmp_path / "cold"))
    (tmp_path / "seats.csv").write_text(SEATS)
    box_office("create", "A concert", "--venue", "A hall", "--start", "2025-01-31")
    box_office("import-seats", "1", str(tmp_path / "seats.csv"))
    assert "Event 1 stays: its sales are not rolled up yet." in box_office("archive")[1]
    connection.execute("delete from box_office.sales_marks")
    code, output = box_office("archive")
    assert (code, "1 events are archived in" in output) == (0, True), output
    assert box_office("archive", "1")[0] == 1
    assert "0 sold, 5 left" in box_office("sales")[1]
    code, output = box_office("restore", "1", "--until", "2126-01-31")
    assert (code, output.splitlines()[-1]) == (0, "Event 1 is restored: 5 rows. It stays through 2126-01-31.")
    assert connection.execute("select count(*) from box_office.stored_seats").fetchone() == (5,)
    assert "Event 1 stays: restored, until 2126-01-31." in box_office("archive")[1]
    assert box_office("restore", "1")[0] == 1


def test_the_operator_says_which_place_is_which_zone_and_who_sees_sales(connection: Connection) -> None:
    start = f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d}"
    box_office("create", "A concert", "--venue", "A hall", "--start", start)
    box_office("add-tier", "1", "Standing", "--price", "10", "--quantity", "20")
    assert box_office("zones", "1")[1].endswith("  Standing: no zone (no zone of its name)\n")
    assert box_office("link-zone", "1", "Standing", "Floor") == (0, "Standing of event 1 is the zone Floor.\n")
    assert "  Standing: Floor (by " in box_office("zones", "1")[1]
    assert box_office("link-zone", "1", "Standing", "--none") == (0, "Standing of event 1 is no zone.\n")
    assert box_office("unlink-zone", "1", "Standing")[0] == 0
    assert box_office("unlink-zone", "1", "Standing")[0] == 1
    assert box_office("publish-sales", "1") == (0, "Every tenant sees what event 1 sells.\n")
    assert box_office("hide-sales", "1")[0] == 0
    connection.execute(
        """insert into box_office.users (email, full_name, password_hash) values ('a@b', 'A B', 'x');
           insert into access.tenants (name) values ('My team')"""
    )
    assert box_office("promoter", "a@b", "A hall")[0] == 0
    assert box_office("sales-tenant", "1", "My team") == (
        0,
        "Tenant My team sees what the events of promoter 1 sell.\n",
    )
    assert box_office("promoters") == (0, "1 promoter.\n  1  A hall: tenant My team\n")
    assert box_office("sales-tenant", "1", "--none")[0] == 0
    assert box_office("promoters")[1].endswith("  1  A hall: no tenant\n")
    for command in (
        ["link-zone", "1", "Standing"],
        ["link-zone", "1", "Standing", "Floor", "--none"],
        ["sales-tenant", "1"],
    ):
        assert (box_office(*command)[0], "Give either" in box_office(*command)[1]) == (2, True)
