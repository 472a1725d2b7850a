"""Erasing a person: the orders and their money stay, and nothing of the person comes back."""

from pathlib import Path

import pytest

from tests.support.box_office import BoxOffice
from tickettape.box_office.orders import purchase
from tickettape.box_office.payments import refund
from tickettape.box_office.refusals import RefusedError
from tickettape.box_office.sales import sales
from tickettape.box_office.users import add_user, erase_again, erase_user, forget_old
from tickettape.file_storage import Storage


def test_b20_an_erased_users_orders_and_money_still_add_up(office: BoxOffice, tmp_path: Path) -> None:
    event = office.event()
    tier = office.tier(event, 10)
    user = add_user(office.connection, f"ada{event}@example.com", "Ada Lovelace", "a password")
    order = purchase(office.connection, user, event, {tier: 3})
    office.do("insert into waitlist (event_id, user_id) values (%s, %s)", event, user)
    before = sales(office.connection, event)
    erase_user(office.connection, Storage(str(tmp_path)), user)
    assert sales(office.connection, event) == before
    assert office.faults() == []
    assert refund(office.connection, order_id=order) == 30
    person = office.all("select * from users where id = %s", user)
    assert "Ada" not in str(person)
    assert "example.com" not in str(person)
    assert office.one("select count(*) from waitlist where user_id = %s", user) == 0
    everything = office.all("select changed from audit_log where relation = 'users' and row_id = %s", user)
    assert "Ada" not in str(everything)


def test_who_was_erased_stays_erased_after_an_older_state_is_restored(office: BoxOffice, tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    user, other = office.user(), office.user()
    person = office.all("select email, full_name from users where id = %s", user)[0]
    erase_user(office.connection, storage, user)
    office.do("update users set email = %s, full_name = %s, erased_at = null where id = %s", *person, user)  # a restore
    assert erase_again(office.connection, storage) == 1
    assert erase_again(office.connection, storage) == 0
    assert office.one("select email from users where id = %s", user) == f"erased-{user}@invalid"
    assert office.one("select erased_at from users where id = %s", other) is None
    with pytest.raises(RefusedError, match="There is no user"):
        erase_user(office.connection, storage, -1)


def test_a_backup_from_before_the_box_office_has_nobody_to_erase(office: BoxOffice, tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    erase_user(office.connection, storage, office.user())
    with office.connection.transaction(force_rollback=True):
        office.connection.execute("drop schema box_office cascade")
        assert erase_again(office.connection, storage) == 0


def test_what_is_old_is_forgotten(office: BoxOffice) -> None:
    event = office.event()
    gone, buyer, recent = office.user(), office.user(), office.user()
    purchase(office.connection, buyer, event, {office.tier(event, 5): 1})
    office.do("update users set deleted_at = now() - interval '91 days' where id = any(%s)", [gone, buyer])
    office.do("update users set deleted_at = now() - interval '89 days' where id = %s", recent)
    office.do(
        "insert into notifications (user_id, kind, created_at) values (%s, 'old', now() - interval '367 days')", recent
    )
    office.do(
        "insert into notifications (user_id, kind, created_at) values (%s, 'new', now() - interval '363 days')", recent
    )
    forget_old(office.connection)
    left = "select id, erased_at is not null from users where id = any(%s) order by id"
    assert office.all(left, [gone, buyer, recent]) == [(buyer, True), (recent, False)]
    assert office.all("select kind from notifications where user_id = %s", recent) == [("new",)]
