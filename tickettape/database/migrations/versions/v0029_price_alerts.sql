-- Price alerts. Only `destinations` holds personal data: its addresses, encrypted by PRICE_ALERTS_KEY. Who may see which
-- row: tickettape/api_schema/sql/85_price_alerts.sql.
create schema price_alerts;
comment on schema price_alerts is 'Rules about prices, what they told, and to whom it was delivered';

create table price_alerts.destinations (
    destination_id uuid primary key default gen_random_uuid(),
    tenant_id uuid not null references access.tenants (tenant_id) on delete cascade,
    name text not null check (btrim(name) != '' and length(name) <= 100),
    kind text not null check (kind in ('mail', 'discord', 'slack', 'telegram', 'ntfy', 'webhook')),
    address bytea not null,
    secret bytea,
    code_sha256 bytea,
    code_expires_at timestamptz,
    wrong_codes integer not null default 0,
    verified_at timestamptz,
    created_at timestamptz not null default now(),
    unique (tenant_id, name)
);
comment on table price_alerts.destinations is 'Where a tenant is told: one row per destination, with its encrypted address';
comment on column price_alerts.destinations.secret is 'What signs the messages to a webhook, encrypted';
comment on column price_alerts.destinations.code_sha256 is
    'The hash of the code that was sent to it; nothing else is sent before somebody has typed the code';

create table price_alerts.codes_sent (
    tenant_id uuid not null references access.tenants (tenant_id) on delete cascade,
    sent_at timestamptz not null
);
create index on price_alerts.codes_sent (tenant_id, sent_at);
comment on table price_alerts.codes_sent is
    'When a tenant had a code sent, to whomever: what keeps it from writing to strangers. Kept for a day';

create table price_alerts.rules (
    rule_id uuid primary key default gen_random_uuid(),
    tenant_id uuid not null references access.tenants (tenant_id) on delete cascade,
    destination_id uuid references price_alerts.destinations (destination_id) on delete set null,
    name text not null check (btrim(name) != '' and length(name) <= 200),
    scope text not null check (scope in ('event', 'performer', 'venue', 'search')),
    event_id uuid references market.events (id) on delete cascade,
    about text check (length(about) <= 200),
    zones text[] not null default '{}' check (cardinality(zones) <= 200),
    sections text[] not null default '{}' check (cardinality(sections) <= 500),
    excluded text[] not null default '{obstructed,"limited view",parking}' check (cardinality(excluded) <= 50),
    tickets integer default 2 check (tickets between 1 and 50),
    at_least boolean not null default false,
    basis text not null default 'all_in' check (basis in ('all_in', 'before_fees')),
    condition text not null
        check (condition in ('below', 'below_median', 'cheapest', 'fell', 'rose', 'back', 'few')),
    price numeric(10, 2) check (price > 0),
    percent numeric(5, 2) check (percent > 0 and percent < 1000),
    days integer check (days between 1 and 30),
    few integer check (few between 1 and 100000),
    captures smallint not null default 2 check (captures in (1, 2)),
    step_percent numeric(5, 2) not null default 10 check (step_percent >= 1 and step_percent <= 100),
    valid_until timestamptz,
    quiet_from time,
    quiet_until time,
    time_zone text not null default 'UTC' check (now() at time zone time_zone is not null),
    most_per_day integer not null default 5 check (most_per_day between 1 and 100),
    tell_withdrawn boolean not null default false,
    paused boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint a_rule_is_about_something check ((scope = 'event') = (event_id is not null)
        and (scope = 'event') = (about is null or btrim(about) = '')),
    constraint a_condition_has_what_it_needs check (case condition
        when 'below' then price is not null
        when 'below_median' then percent is not null and percent < 100
        when 'fell' then percent is not null and percent < 100
        when 'rose' then percent is not null
        when 'cheapest' then days is not null
        when 'few' then few is not null
        else true end),
    constraint quiet_hours_have_two_ends check (num_nonnulls(quiet_from, quiet_until) != 1)
);
create index on price_alerts.rules (tenant_id);
create index on price_alerts.rules (event_id);
create index on price_alerts.rules (destination_id);
comment on table price_alerts.rules is 'What people ask to be told: one row per rule';
comment on column price_alerts.rules.about is 'The performer (id or name), the venue, or the words in the event''s name';
comment on column price_alerts.rules.captures is 'At how many ok captures in a row a price must stand. 1: at once';
comment on column price_alerts.rules.destination_id is 'Null: the rule tells only in its history and its feed';

create function price_alerts.touch() returns trigger language plpgsql as $$
begin
    new.updated_at := clock_timestamp();
    -- a rule that says something else has told nothing yet
    if (old.scope, old.event_id, old.about, old.zones, old.sections, old.excluded, old.tickets, old.at_least, old.basis,
            old.condition, old.price, old.percent, old.days, old.few)
        is distinct from (new.scope, new.event_id, new.about, new.zones, new.sections, new.excluded, new.tickets,
            new.at_least, new.basis, new.condition, new.price, new.percent, new.days, new.few) then
        delete from price_alerts.rule_events where rule_events.rule_id = new.rule_id;
    end if;
    return new;
end $$;
alter function price_alerts.touch() security definer set search_path = '';
create trigger touch before update on price_alerts.rules for each row execute function price_alerts.touch();

-- A tenant's rules are evaluated in each tick, so there is a limit to them, whoever writes them.
create function price_alerts.check_number_of_rules() returns trigger language plpgsql security definer
set search_path = '' as $$
begin
    perform from access.tenants where tenants.tenant_id = new.tenant_id for no key update;
    if (select count(*) from price_alerts.rules where rules.tenant_id = new.tenant_id) >= 1000 then
        raise sqlstate 'PT422' using message = 'A tenant can have at most 1000 rules.', hint = 'Delete one first.';
    end if;
    -- a foreign key does not see row-level security: without this, a rule could name another tenant's destination
    if new.destination_id is not null and not exists (
        select from price_alerts.destinations as own
        where own.destination_id = new.destination_id and own.tenant_id = new.tenant_id
    ) then
        raise sqlstate 'PT422' using message = 'There is no such destination.',
            hint = 'GET /api/alerts/destinations lists them.';
    end if;
    if new.event_id is not null and not exists (
        select from access.tenants
        inner join market.events on events.id = new.event_id
        left join access.tenant_events as watched
            on watched.tenant_id = tenants.tenant_id and watched.event_id = new.event_id
        where tenants.tenant_id = new.tenant_id and (tenants.sees_all or watched.event_id is not null)
    ) then
        raise sqlstate 'PT422' using message = 'There is no such event.', hint = 'GET /api/events lists the events.';
    end if;
    return new;
end $$;
create trigger check_number_of_rules before insert on price_alerts.rules
for each row execute function price_alerts.check_number_of_rules();
create trigger check_what_it_names before update of tenant_id, destination_id, event_id on price_alerts.rules
for each row when ((old.tenant_id, old.destination_id, old.event_id)
    is distinct from (new.tenant_id, new.destination_id, new.event_id))
execute function price_alerts.check_number_of_rules();

create table price_alerts.rule_events (
    rule_id uuid not null references price_alerts.rules (rule_id) on delete cascade,
    event_key integer not null references market.events (event_key) on delete cascade,
    state jsonb not null default '{}',
    first_hour timestamptz,
    lowest_cents integer[],
    priced_hour timestamptz,
    reference_hour timestamptz,
    reference_cents integer,
    limit_cents integer,
    holder_id text,
    holder_number integer,
    primary key (rule_id, event_key)
) with (fillfactor = 80);
comment on table price_alerts.rule_events is 'What a rule remembers of an event: one row per rule and event';
comment on column price_alerts.rule_events.lowest_cents is
    'The lowest price that counted for the rule, by hour from first_hour; null: none. Only for conditions on history';

comment on column price_alerts.rule_events.priced_hour is 'The newest hour that has a price in lowest_cents';
comment on column price_alerts.rule_events.reference_cents is
    'What prices are compared with in reference_hour, and limit_cents the limit that follows: no tick computes them';
comment on column price_alerts.rule_events.holder_id is
    'A listing (and its number in the history) that keeps a rule that has told from telling again, while it does not change';

create function price_alerts.with_price(first_hour timestamptz, lowest_cents integer[], hour timestamptz, cents integer)
returns integer[] language plpgsql immutable as $$
declare
    place constant integer := 1 + extract(epoch from hour - first_hour)::integer / 3600;
begin
    if place >= 1 then
        lowest_cents[place] := least(lowest_cents[place], cents);
    end if;
    return lowest_cents;
end $$;

-- How far the evaluation has come. It is written in the transaction that decides.
create table price_alerts.watermarks (
    event_key integer primary key references market.events (event_key) on delete cascade,
    tick timestamptz not null,
    ticks timestamptz[] not null
) with (fillfactor = 80);
comment on table price_alerts.watermarks is 'The newest evaluated tick of an event, and those of the last hours';

create table price_alerts.occasions (
    occasion_id bigint generated always as identity primary key,
    rule_id uuid not null references price_alerts.rules (rule_id) on delete cascade,
    tenant_id uuid not null references access.tenants (tenant_id) on delete cascade,
    event_id uuid not null references market.events (id) on delete cascade,
    occasion text not null,
    outcome text not null
        check (outcome in ('tell', 'quiet', 'capped', 'missed', 'left_out', 'withdrawn', 'test')),
    tick timestamptz not null,
    listing_id text,
    zone text,
    section text,
    seat_row text,
    quantity integer,
    price numeric(10, 2),
    all_in_price numeric(10, 2),
    compared_with numeric(10, 2),
    tickets_left integer,
    cheaper_share real check (cheaper_share between 0 and 1),
    about_occasion bigint references price_alerts.occasions (occasion_id) on delete cascade,
    decided_at timestamptz not null default clock_timestamp(),
    -- what decides once: whoever evaluates the same capture again comes to the same occasion
    unique (rule_id, occasion)
);
create index on price_alerts.occasions (tenant_id, decided_at);
create index on price_alerts.occasions (about_occasion);
create index on price_alerts.occasions (rule_id, tick);
comment on table price_alerts.occasions is 'What rules came to, told or not: one row per occasion, decided once';
comment on column price_alerts.occasions.compared_with is
    'What the price is compared with: the median, the former price, or the next cheapest of an outlier';
comment on column price_alerts.occasions.cheaper_share is
    'The share of the hours of the event''s history in which its get-in price was lower';

create table price_alerts.deliveries (
    occasion_id bigint primary key references price_alerts.occasions (occasion_id) on delete cascade,
    destination_id uuid not null references price_alerts.destinations (destination_id) on delete cascade,
    attempts integer not null default 0,
    unknown_outcomes integer not null default 0,
    next_attempt_at timestamptz not null default '-infinity',  -- at once
    claimed_at timestamptz,
    delivered_at timestamptz,
    dead_at timestamptz,
    error text
);
create index on price_alerts.deliveries (next_attempt_at) where delivered_at is null and dead_at is null;
create index on price_alerts.deliveries (destination_id);
comment on table price_alerts.deliveries is 'The message about an occasion: one row per occasion that is told';
comment on column price_alerts.deliveries.unknown_outcomes is
    'Attempts of which nobody knows whether they arrived, because the program ended in between: possible repeats';
comment on column price_alerts.deliveries.dead_at is 'When it was given up: the dead-letter list';

-- Which rules are about which events, among those that their tenants may see. Events first: most rules name one.
create view price_alerts.rules_of_events as
with active as (
    select rules.*, tenants.sees_all
    from price_alerts.rules
    inner join access.tenants on tenants.tenant_id = rules.tenant_id
    where not rules.paused and (rules.valid_until is null or rules.valid_until > now())
),

matched as (
    select active.rule_id, active.tenant_id, active.sees_all, events.event_key, events.id as event_id
    from active inner join market.events on events.id = active.event_id
    where active.scope = 'event'
    union all
    select active.rule_id, active.tenant_id, active.sees_all, events.event_key, events.id
    from active
    inner join market.events on case active.scope
        when 'performer' then events.performer_id = active.about or lower(events.performer_name) = lower(active.about)
        when 'venue' then lower(events.venue) = lower(active.about)
        else position(lower(active.about) in lower(events.name)) > 0
    end
    where active.scope != 'event' and events.active
)

select matched.rule_id, matched.tenant_id, matched.event_key, matched.event_id
from matched
where matched.sees_all or exists (
    select from access.tenant_events as watched
    where watched.tenant_id = matched.tenant_id and watched.event_id = matched.event_id
);
comment on view price_alerts.rules_of_events is 'One row per rule and event that it is about now, as its tenant sees it';
