-- Which events of two sources are one, and why: for whoever may see both.

-- who decided is for operators
revoke select on market.event_links from tickettape_reader;
grant select (
    link_id, source, external_id, other_source, other_external_id, state, rule, evidence, confidence, decided_at
) on market.event_links to tickettape_reader;

create type api.event_link as (
    link_id integer, state text, rule text, confidence double precision, decided_at timestamptz, day date,
    km_apart double precision, source text, external_id text, event_id uuid, name text, venue text, city text,
    start_time text, other_source text, other_external_id text, other_event_id uuid, other_name text, other_venue text,
    other_city text, other_start_time text);

create function api.links(state text default null, after_id integer default null, max_rows integer default null)
returns setof api.event_link language plpgsql stable as $$
#variable_conflict use_variable
begin
    if state not in ('proposed', 'automatic', 'confirmed', 'refused', 'ended') then
        raise sqlstate 'PT422' using message = format('state is %L.', state),
            hint = 'It is proposed, automatic, confirmed, refused or ended.';
    end if;
    perform api_parts.check_max_rows(max_rows);
    return query
    select
        pairs.link_id, pairs.state, pairs.rule, round(pairs.confidence::numeric, 2)::double precision,
        pairs.decided_at, (pairs.evidence ->> 'day')::date, (pairs.evidence ->> 'km apart')::double precision,
        pairs.source, pairs.external_id::text, one.id, coalesce(one.name, pairs.evidence #>> '{names,0}')::text,
        coalesce(one.venue, pairs.evidence #>> '{venues,0}')::text, one.city::text, pairs.evidence #>> '{starts,0}',
        pairs.other_source, pairs.other_external_id::text, other.id,
        coalesce(other.name, pairs.evidence #>> '{names,1}')::text,
        coalesce(other.venue, pairs.evidence #>> '{venues,1}')::text, other.city::text,
        pairs.evidence #>> '{starts,1}'
    from market.event_links as pairs
    left join market.events as one on one.source = pairs.source and one.external_id = pairs.external_id
    left join market.events as other
        on other.source = pairs.other_source and other.external_id = pairs.other_external_id
    where (state is null or pairs.state = state) and (after_id is null or pairs.link_id < after_id)
    order by pairs.link_id desc
    limit coalesce(max_rows, api_parts.row_cap());
end $$;
comment on function api.links is
    'Which events of two sources are one event, or are not: with the rule, its evidence and its confidence, the newest first';
