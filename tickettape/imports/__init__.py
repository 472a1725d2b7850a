"""Other people's histories: a file of listings, judged row by row, becomes captures and section snapshots.

`mapping` says which column means what, `files` reads CSV and Parquet in batches, `judge_rows` judges each row,
`staging` puts the good ones into tables of the session, `writer` writes whole captures.
"""

from tickettape.imports.file_import import import_file
from tickettape.imports.files import FileError
from tickettape.imports.mapping import MappingError, parse_pairs
from tickettape.imports.request import ImportRefused, ImportRequest

__all__ = ["FileError", "ImportRefused", "ImportRequest", "MappingError", "import_file", "parse_pairs"]
