-- Let the reader call everything in schema api, and let PostgREST reload.
revoke all on all functions in schema api, api_parts from public;
grant select on all tables in schema api to tickettape_reader;
grant execute on all functions in schema api, api_parts to tickettape_reader;
notify pgrst, 'reload schema';
notify pgrst, 'reload config'; -- the settings of the callers' roles
