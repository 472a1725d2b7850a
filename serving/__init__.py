"""The HTTP service: what the pipeline knows, for those who do not run it.

Requests in, answers out. What may be seen is decided in the database (tickettape/api_schema), never here;
nothing here knows Dagster.
"""
