"""Mappings that people keep: written by hand, saved by name, and overruled by what is typed."""

from pathlib import Path

import pytest

from tickettape.imports import MappingError, SavedMapping, load_mapping, save_mapping

TEXT = """# of my scraper
kind = "ranges"
time_formats = "%m/%d/%y %H:%M"  # month first
time_zone = "America/Chicago"
every = 10

[columns]
time = ["date", "time"]
lowest_price = "min price"

[defaults]
event = 7
event_date = 2027-06-01T19:00:00Z
market = "primary"
"""
READ = SavedMapping(
    kind="ranges",
    columns={"time": "date+time", "lowest_price": "min price"},
    defaults={"event": "7", "event_date": "2027-06-01T19:00:00+00:00", "market": "primary"},
    time_formats=("%m/%d/%y %H:%M",),
    time_zone="America/Chicago",
    every=10,
)


def test_a_mapping_is_text_that_people_write(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(TEXT)
    assert load_mapping(str(tmp_path / "mine.toml"), tmp_path) == READ


def test_what_was_saved_is_loaded_by_its_name_with_its_comments(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(TEXT)
    path = save_mapping(READ, "mine", tmp_path, like=str(file))
    assert load_mapping("mine", tmp_path) == READ
    assert "# of my scraper" in path.read_text()
    later = READ.overruled(SavedMapping(columns={"tickets": 'n "left"'}, every=0))
    save_mapping(later, "mine", tmp_path, like="mine")
    assert load_mapping("mine", tmp_path) == later
    assert "# month first" in path.read_text()


def test_what_is_typed_wins_column_by_column() -> None:
    typed = SavedMapping(columns={"time": "seen"}, defaults={"market": "resale"}, time_formats=("ISO",), partial=True)
    both = READ.overruled(typed)
    assert both.columns == {"time": "seen", "lowest_price": "min price"}
    assert both.defaults == READ.defaults | {"market": "resale"}
    assert (both.time_formats, both.time_zone, both.every, both.partial) == (("ISO",), "America/Chicago", 10, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colums = {}", "colums: not a known setting. A mapping can have columns, defaults"),
        ('kind = "tickets"', "must be listings or ranges"),
        ('[columns]\nlowest_price = "x"', "lowest_price: not one of our columns for listings"),
        ('time_formats = ["%Q"]', "This is not a time format"),
        ("every = 90", "every must be a number of minutes"),
        ("columns = 3", "columns must be a table"),
        ("partial = 1", "partial must be true or false"),
        ("a = ", "is not valid TOML"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused_with_its_file(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(MappingError, match=said) as refused:
        load_mapping(str(tmp_path / "mine.toml"), tmp_path)
    assert "mine.toml" in str(refused.value)


def test_a_name_that_nobody_saved_says_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="saved: none yet"):
        load_mapping("mine", tmp_path)
    save_mapping(READ, "other", tmp_path)
    with pytest.raises(MappingError, match="saved: other"):
        load_mapping("mine", tmp_path)
    for name in ("../mine", "", "a.b"):
        with pytest.raises(MappingError):
            save_mapping(READ, name, tmp_path)
