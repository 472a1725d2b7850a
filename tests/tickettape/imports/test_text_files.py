"""How people's text files are laid out: every encoding, line end and delimiter says the same rows."""

from pathlib import Path

import pytest

from tests.support.file_rows import rows
from tickettape.imports.files import open_file, read_batches
from tickettape.imports.text_files import FileError

TEXT = "event,price,team\n1,9.5,Bayern München\n2,,Real\n"


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        "\ufeff" + TEXT,
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("\n", "\r"),
        TEXT.replace("\n", "\r\n", 2),
        TEXT.replace(",", ";"),
        TEXT.replace(",", "\t"),
        TEXT.replace(",", "|"),
        TEXT.encode("cp1252"),
        TEXT.encode("utf-16"),
        TEXT.rstrip("\n"),
        '"event" "price" "team"\n1 9.5 "Bayern München"\n2 "" "Real"\n',
        '"event","price","team"\n"r1",1,9.5,"Bayern"\n"r2",2,"","Real"\n',  # R's row names
        "event,price,team\n1,9.5,Bayern,\n2,,Real,\n",  # a comma at the end of each row
        "event,price,first team of the day\n1,9.5,FC Bayern of Munich\n2,,Real\n",
    ],
)
def test_a_file_says_the_same_however_it_is_laid_out(tmp_path: Path, content: bytes | str) -> None:
    found = rows(tmp_path / "mine.csv", content)
    assert [(line, event, price or None) for line, event, price in found] == [(2, "1", "9.5"), (3, "2", None)]


def test_what_is_not_utf_8_says_how_it_was_read_and_can_be_read_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    mapping = {"team": ("team",)}
    assert rows(path, TEXT.encode("latin-1"), **mapping)[0] == (2, "Bayern München")
    note = open_file(path).note
    assert note is not None
    assert "not UTF-8 (see its line 2). It is read as Windows-1252" in note
    path.write_bytes("team\nŁódź,\n".encode("cp1250"))
    (batch,) = read_batches(open_file(path, "cp1250"), mapping)
    assert batch.columns["team"].to_pylist() == ["Łódź"]
    assert rows(path, b"team,x\n\x81,\n", **mapping) == [(2, "\x81")]  # no character of Windows-1252


@pytest.mark.parametrize("content", [b"", b"\r\n\r\n", b"\xef\xbb\xbf"])
def test_a_file_without_a_header_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.csv").write_bytes(content)
    with pytest.raises(FileError, match="no header"):
        open_file(tmp_path / "mine.csv")
