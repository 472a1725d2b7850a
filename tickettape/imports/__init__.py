"""A person's own history of listings, from a file to section metrics in the warehouse.

`mapping` says which column means what, `files` reads CSV and Parquet in batches, `rows` judges each row, and
`load` brings them in. No Dagster here; SQL belongs in `warehouse.imports`.
"""
