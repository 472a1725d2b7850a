from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from tests.support.box_office import BoxOffice
from tickettape.box_office.events import Seat, add_seats, read_seats, set_status
from tickettape.box_office.refusals import RefusedError


def test_seats_are_read_from_a_file(office: BoxOffice, tmp_path: Path) -> None:
    path = tmp_path / "seats.csv"
    path.write_text("section,row_number,seat_number,price\nVIP,A,1,99.50\nVIP,A,2,99.50\n", encoding="utf-8-sig")
    event = office.event()
    assert add_seats(office.connection, event, read_seats(path)) == 2
    assert office.all("select section, row_rank, seat_rank, price from stored_seats where event_id = %s", event) == [
        ("VIP", 1, 1, Decimal("99.50")),
        ("VIP", 1, 2, Decimal("99.50")),
    ]
    with pytest.raises(psycopg.errors.UniqueViolation):
        add_seats(office.connection, event, read_seats(path))
    assert office.one("select available_seats from events where id = %s", event) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("section,row_number,price\n", "no column seat_number"),
        ("section,row_number,seat_number,price\nA,1,1,5\nA,1,2,free\n", "line 3: 'free' is not a price"),
        ("section,row_number,seat_number,price\nA,,1,5\n", "line 2: a seat needs a section, a row"),
        ("section,row_number,seat_number,price\nA,1,1,-5\n", "line 2: '-5' is not a price"),
        ("section,row_number,seat_number,price\nA,1,1,5\nA,1,1,6\n", "line 3: the seat of line 2 again"),
        ("section,row_number,seat_number,price\nA,1,12345678901,5\n", "line 2: the name of a seat has at most 10"),
        ("section,row_number,seat_number,price\n" + 200 * "A,,1,5\n", "line 2: .* 100 lines or more are wrong"),
        ("section,row_number,seat_number,price\nA,1,1,nan\n", "line 2: 'nan' is not a price"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "seats.csv"
    path.write_text(text)
    with pytest.raises(RefusedError, match=words):
        read_seats(path)


def test_seats_stay_within_the_events_capacity(office: BoxOffice) -> None:
    event = office.event(capacity=2)
    with pytest.raises(RefusedError, match="add up to 3, and its capacity is 2"):
        add_seats(office.connection, event, [Seat("A", "1", str(number), Decimal(1)) for number in range(3)])
    assert office.one("select count(*) from stored_seats where event_id = %s", event) == 0


def test_an_event_that_is_not_there_is_named(office: BoxOffice) -> None:
    with pytest.raises(RefusedError, match="There is no event -1"):
        set_status(office.connection, -1, "on_sale")
