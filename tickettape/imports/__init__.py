"""Other people's histories: a file, judged row by row, becomes captures with snapshots, or price ranges.

`mapping` says which column means what, `files` reads CSV and Parquet in batches. Each row is judged, by `judge_rows` or
`judge_ranges`, and the good ones go into tables of the session (`staging`, `range_staging`). Then `writer` writes whole
captures, or `range_import` price ranges.
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
