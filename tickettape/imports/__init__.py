"""Other people's histories: a file of listings, or of price ranges, judged row by row and written as observations.

`text_files` says how a file is laid out and `files` reads CSV and Parquet in batches; `mapping` says which column means
what, `saved_mappings` keeps that by name. `judge_rows` judges listings and `judge_ranges` price ranges, with `columns`,
`times` and `judged` for what they share. `staging` and `range_staging` put the good rows into tables of the session;
`writer` writes whole captures, `range_import` price ranges.
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
