-- What the reader may call, and a word to PostgREST.
revoke all on all functions in schema api, api_parts from public;
grant select on all tables in schema api to tickettape_reader;
grant execute on all functions in schema api, api_parts to tickettape_reader;
notify pgrst, 'reload schema';
notify pgrst, 'reload config'; -- the settings of the roles that ask
