-- Schema `api`: what people and programs ask, with stable names; and who may see which row.
--
-- The files of this folder are applied after dbt, in the order of their names, whole, in one transaction, whenever one
-- of them or what they stand on has changed (apply.py). Nothing else may be kept in schema api: it is made anew each
-- time. api_parts holds what only its own functions call: PostgREST does not show it.
-- A function raises sqlstate PTnnn for an answer with HTTP status nnn, as PostgREST reads it.

drop schema if exists api, api_parts cascade;
create schema api;
create schema api_parts;
