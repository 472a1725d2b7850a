"""Names of events and venues: what makes them differ, and what does not."""

import pytest

from tickettape.catalogue.match_names import city_key, names_agree, venue_key


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Anaheim Ducks at Calgary Flames", "Calgary Flames vs. Anaheim Ducks"),
        ("Anaheim Ducks at Calgary Flames ", "Ducks at Flames"),
        ("LA Lakers at Utah Jazz", "Los Angeles Lakers at Utah Jazz"),
        ("Glass Harbor", "Glass Harbor: World Tour 2027"),
        ("Glass Harbor - Paper Moon Tour", "An Evening with Glass Harbor"),
        ("Glass Harbor", "Glass Harbor (Rescheduled from 2026-03-04)"),
        ("Beyoncé", "BEYONCE"),
        ("U2", "U2"),
        ("The Who", "The Who"),
        ("Six", "SIX the Musical"),
        ("Chicago - The Musical", "Chicago The Musical"),
        ("US Open Tennis - Session 21", "US Open Tennis: Session 21"),
        ("Glass Harbor - Night Two", "Glass Harbor (Night 2)"),
        ("NLDS: Cubs at Giants - Home Game 1", "NLDS: Chicago Cubs at San Francisco Giants - Home Game 1"),
    ],
)
def test_names_of_one_event_agree_whichever_comes_first(left: str, right: str) -> None:
    assert names_agree(left, right)
    assert names_agree(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("US Open Tennis - Session 21", "US Open Tennis - Session 22"),
        ("Ducks at Flames - Home Game 1", "Ducks at Flames - Home Game 2"),
        ("Ducks at Flames", "Ducks at Flames (Game 2)"),
        ("Glass Harbor - Night One", "Glass Harbor - Night Two"),
        ("Anaheim Ducks at Calgary Flames", "Boston Bruins at Calgary Flames"),
        ("Boston Bruins at Chicago Bulls", "Chicago Bulls at Boston Bruins"),
        ("Chicago Cubs at Boston Red Sox", "Chicago White Sox at Boston Red Sox"),
        ("Glass Harbor", "Glass Harbor at Northbound Choir"),
        ("Velvet Meridian", "Marrow Lane"),
        ("The Whos", "The Who"),
        ("", "Glass Harbor"),
    ],
)
def test_names_of_two_events_differ_whichever_comes_first(left: str, right: str) -> None:
    assert not names_agree(left, right)
    assert not names_agree(right, left)


def test_a_venue_loses_its_article_and_no_word() -> None:
    assert venue_key("The Ryman Auditorium") == venue_key("Ryman Auditorium")
    assert venue_key("T-Mobile Arena") == venue_key("T Mobile Arena")
    assert venue_key("Madison Square Garden") != venue_key("The Theater at Madison Square Garden")
    assert venue_key("Kia Forum") != venue_key("The Forum")
    assert city_key("Las Vegas, NV") == city_key("Las Vegas") != city_key("North Las Vegas")
