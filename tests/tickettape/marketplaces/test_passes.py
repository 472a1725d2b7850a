"""What a catalogue lists beside events: passes for parking and shuttles."""

import pytest

from tickettape.marketplaces.passes import is_pass


@pytest.mark.parametrize(
    ("name", "venue"),
    [
        ("Bulls at Pacers", "Gainbridge Fieldhouse Parking Lots"),
        ("Bulls at Pacers", "Parking Lots - Gainbridge Fieldhouse"),
        ("Bulls at Pacers", "United Center Parking Lot A"),
        ("Bulls at Pacers", "Madison Square Garden Parking"),
        ("Bulls at Pacers", "Parking Lots at Soldier Field"),
        ("VIP Parking - Bulls at Pacers", "The Hall"),
        ("PARKING: Bulls at Pacers", None),
        ("Parking Passes Only Bulls at Pacers", None),
        ("Parking Passes Only: Bulls at Pacers", None),
        ("Blue Lot Parking: Bulls at Pacers", None),
        ("Bulls at Pacers - Parking", None),
        ("Bulls at Pacers (Parking Only)", None),
        ("Shuttle Pass: Rolling Loud", None),
        ("Shuttle Bus Passes Rolling Loud", None),
        ("Shuttle: Rolling Loud", None),
        ("Camping Pass: Bonnaroo", None),
        ("RV Pass - Daytona 500", None),
        ("Valet Parking | Daytona 500", None),
        ("Park & Ride - Daytona 500", None),
        ("Parking", None),
    ],
)
def test_a_pass_for_parking_or_a_shuttle_is_no_event(name: str, venue: str | None) -> None:
    assert is_pass(name, venue)


@pytest.mark.parametrize(
    ("name", "venue"),
    [
        ("Bulls at Pacers", "Gainbridge Fieldhouse"),
        ("Bulls at Pacers", None),
        ("Bulls at Pacers (Includes Parking)", "The Hall"),
        ("Gala - Dinner with Parking", "The Hall"),
        ("Texas Tailgaters at Oilers", "The Hall"),
        ("No Parking on the Dance Floor Tour", "Parkinson Arena"),
        ("Parking Lot Party", "The Hall"),
        ("Parking Lot Social: Drive-in", "The Hall"),
        ("Linkin Park", "Park West"),
        ("Space Shuttle - Live", "Shuttle Hall"),
        ("Camping World Bowl", "Camping World Stadium"),
        ("Weird Al - with Parking Lot Pirates", "The Hall"),
    ],
)
def test_a_show_with_such_a_word_in_its_name_is_an_event(name: str, venue: str | None) -> None:
    assert not is_pass(name, venue)
