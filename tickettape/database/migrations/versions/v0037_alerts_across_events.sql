-- Whether a rule about a performer, a venue or words is about an event. A rule that is not stored yet asks the same.
create function price_alerts.is_about(
    scope text, about text, performer_id text, performer_name text, venue text, name text
) returns boolean language sql immutable parallel safe as $$
    select case $1
        when 'performer' then $3 = $2 or lower($4) = lower($2)
        when 'venue' then lower($5) = lower($2)
        when 'search' then position(lower($2) in lower($6)) > 0
        else false
    end
$$;

create or replace view price_alerts.rules_of_events as
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
    inner join market.events
        on price_alerts.is_about(
            active.scope, active.about, events.performer_id, events.performer_name, events.venue, events.name)
    where active.scope != 'event' and events.active
)

select matched.rule_id, matched.tenant_id, matched.event_key, matched.event_id
from matched
where matched.sees_all or exists (
    select from access.tenant_events as watched
    where watched.tenant_id = matched.tenant_id and watched.event_id = matched.event_id
);

-- Only what the marketplace states: no address is made up of ids. It becomes a link, so it must be one of the web.
alter table market.events add column page_url text check (page_url ~ '^https?://[^[:space:]]+$');
comment on column market.events.page_url is 'Where people see the event at the marketplace, as it states it; null: not stated';
