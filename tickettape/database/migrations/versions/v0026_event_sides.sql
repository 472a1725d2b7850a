-- The links, resolved: each event of several sources, with its sides. Rewritten whenever a link changes.
create table market.event_sides (
    source text not null,
    external_id varchar(255) not null,
    event_key integer unique references market.events (event_key) on delete set null,
    catalogue_event_id uuid not null,
    primary key (source, external_id),
    unique (catalogue_event_id, source)
);
comment on table market.event_sides is
    'The sides of the events that several sources have: one row per source and event. Events of one source have no row';
comment on column market.event_sides.event_key is 'Null for a side that is not in market.events';
comment on column market.event_sides.catalogue_event_id is
    'The event that all sides are: the id of the side that has been known for longest';

alter table access.api_keys add column operator boolean not null default false;
comment on column access.api_keys.operator is 'Whether the key may decide what is true, such as which events are one';

alter table market.tracked_rules
    add column because_of integer references market.tracked_rules (rule_id) on delete cascade;
comment on column market.tracked_rules.because_of is
    'The rule of another source that found this event there. Null for rules that somebody made';
create index on market.tracked_rules (because_of) where because_of is not null;


-- Sections of two sources at one venue. Zones are never compared, because each source defines its own.

create function market.plain_section(section text) returns text language sql immutable parallel safe as $$
    select trim(regexp_replace(
        regexp_replace(upper(section), '^\s*(SECTION|SEC)\M\.?\s*', ''), '\m(ROW|SEATS?)\M.*$', ''))
$$;

-- "exact": written alike, but for case, blanks and punctuation. "last number": the last token with a digit is the same,
-- unless a word outranks it ("Loge Suites 106" is not 106). A rule pairs only what is alone on each side.
create function market.match_sections(lefts text[], rights text[])
returns table (section text, other_section text, rule text) language sql immutable parallel safe as $$
    with names as (
        select 1 as side, name from unnest(lefts) as named (name)
        union
        select 2 as side, name from unnest(rights) as named (name)
    ),

    keys as (
        select
            names.side,
            names.name,
            nullif(regexp_replace(plain.name, '[^A-Z0-9]', '', 'g'), '') as written,
            case
                when plain.name !~ '\m(SUITES?|LOGE|COURTSIDE|BOX(ES)?|FLOOR|PIT|PARKING|LOT|STANDING|SRO|GA)\M'
                    then substring(plain.name from '([A-Z0-9]*[0-9][A-Z0-9]*)[^0-9]*$')
            end as last_number
        from names
        cross join lateral (select market.plain_section(names.name) as name) as plain
    ),

    exact as (
        select min(name) filter (where side = 1) as section, min(name) filter (where side = 2) as other_section
        from keys
        where written is not null
        group by written
        having count(*) filter (where side = 1) = 1 and count(*) filter (where side = 2) = 1
    ),

    numbered as (
        select min(name) filter (where side = 1) as section, min(name) filter (where side = 2) as other_section
        from keys
        where last_number is not null
            and not exists (
                select from exact where case keys.side when 1 then exact.section else exact.other_section end = keys.name)
        group by last_number
        having count(*) filter (where side = 1) = 1 and count(*) filter (where side = 2) = 1
    )

    select exact.section, exact.other_section, 'exact' from exact
    union all
    select numbered.section, numbered.other_section, 'last number' from numbered
$$;
comment on function market.match_sections is
    'Which sections of two sources at one venue are one, by which rule; what has no partner is left out';
