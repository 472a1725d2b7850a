"""Imports: the rows of a file are judged one by one, and become captures with snapshots, or price ranges.

`mapping` finds the column for each meaning, and `files` reads CSV and Parquet in batches. `judge_rows` or
`judge_ranges` judges each row, and the good rows go into temporary tables (`staging`, `range_staging`). Then `writer`
writes whole captures, or `range_import` writes price ranges.
"""

from tickettape.imports.file_import import import_file
from tickettape.imports.mapping import MappingError, known_columns, parse_pairs
from tickettape.imports.request import ImportOutcome, ImportRefused, ImportRequest
from tickettape.imports.saved_mappings import SavedMapping, check_name, load_mapping, save_mapping
from tickettape.imports.text_files import FileError

__all__ = [
    "FileError",
    "ImportOutcome",
    "ImportRefused",
    "ImportRequest",
    "MappingError",
    "SavedMapping",
    "check_name",
    "import_file",
    "known_columns",
    "load_mapping",
    "parse_pairs",
    "save_mapping",
]
