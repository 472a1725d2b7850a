-- Price alerts: a tenant reads and writes its own rules, and reads what they told. The policies are the only place that
-- says so: the service and PostgREST go through the same views. A login of access.readers may only read.

create or replace function access.may_write() returns boolean
language sql stable security definer set search_path = '' as $$
    select access.tenant() is not null
        and not exists (select from access.readers where readers.login = session_user)
$$;
revoke all on function access.may_write() from public;
grant execute on function access.may_write() to tickettape_reader;

revoke all on schema price_alerts from public;
revoke all on all tables in schema price_alerts from public, tickettape_reader;
revoke all on all functions in schema price_alerts from public, tickettape_reader;
grant usage on schema price_alerts to tickettape_reader;
grant execute on function price_alerts.is_about(text, text, text, text, text, text) to tickettape_reader;
alter table price_alerts.rules alter column tenant_id set default access.tenant();

do $$
declare
    policy record;
begin
    for policy in
        select * from (values
            ('rules', 'select', 'access.is_read() and tenant_id = (select access.tenant())'),
            ('rules', 'insert', 'tenant_id = (select access.tenant()) and (select access.may_write())'),
            ('rules', 'update', 'tenant_id = (select access.tenant()) and (select access.may_write())'),
            ('rules', 'delete', 'tenant_id = (select access.tenant()) and (select access.may_write())'),
            ('destinations', 'select', 'access.is_read() and tenant_id = (select access.tenant())'),
            ('destinations', 'delete', 'tenant_id = (select access.tenant()) and (select access.may_write())'),
            ('occasions', 'select', 'access.is_read() and tenant_id = (select access.tenant())'),
            ('deliveries', 'select', 'occasion_id in (select own.occasion_id from price_alerts.occasions as own '
                'where own.tenant_id = (select access.tenant()))')
        ) as policies (relation, command, rule)
    loop
        execute format('alter table price_alerts.%I enable row level security', policy.relation);
        execute format('drop policy if exists %I on price_alerts.%I', policy.command || '_of_the_tenant', policy.relation);
        execute format(
            'create policy %I on price_alerts.%I for %s to tickettape_reader %s (%s)',
            policy.command || '_of_the_tenant', policy.relation, policy.command,
            case policy.command when 'insert' then 'with check' else 'using' end, policy.rule);
    end loop;
end $$;

create view api.alert_rules with (security_invoker = true) as
select
    rules.rule_id, rules.name, rules.destination_id, rules.scope, rules.event_id, rules.about, rules.zones,
    rules.sections, rules.excluded, rules.tickets, rules.at_least, rules.basis, rules.condition, rules.price,
    rules.percent, rules.days, rules.few, rules.captures, rules.step_percent, rules.valid_until, rules.quiet_from,
    rules.quiet_until, rules.time_zone, rules.most_per_day, rules.tell_withdrawn, rules.paused, rules.created_at,
    rules.updated_at
from price_alerts.rules;
comment on view api.alert_rules is 'The rules of price alerts of the tenant that asks; they can be written too';

create view api.alert_destinations with (security_invoker = true) as
select
    destinations.destination_id, destinations.name, destinations.kind, destinations.verified_at, destinations.created_at
from price_alerts.destinations;
comment on view api.alert_destinations is 'Where the tenant that asks is told; without addresses, which nobody reads again';

create view api.alert_history with (security_invoker = true) as
select
    told.occasion_id, told.rule_id, rules.name as rule, told.event_id, events.name as event, events.venue,
    events.date as event_date, told.outcome, told.tick as "timestamp", told.decided_at, told.listing_id, told.zone,
    told.section, told.seat_row, told.quantity, told.price, told.all_in_price, told.compared_with, told.tickets_left,
    told.cheaper_share, events.currency, events.page_url, destinations.name as destination,
    case
        when sent.delivered_at is not null then 'delivered'
        when sent.dead_at is not null then 'given up'
        when sent.occasion_id is not null then 'waiting'
    end as delivery,
    sent.delivered_at, coalesce(sent.attempts, 0) as attempts, coalesce(sent.unknown_outcomes, 0) as possible_repeats,
    sent.error
from price_alerts.occasions as told
inner join price_alerts.rules on rules.rule_id = told.rule_id
left join market.events on events.id = told.event_id
left join price_alerts.deliveries as sent on sent.occasion_id = told.occasion_id
left join price_alerts.destinations on destinations.destination_id = sent.destination_id;
comment on view api.alert_history is
    'What the rules of the tenant that asks came to: when, on what price, told or why not, delivered or not';

grant select on price_alerts.rules, price_alerts.occasions, price_alerts.deliveries to tickettape_reader;
grant select (destination_id, tenant_id, name, kind, verified_at, created_at) on price_alerts.destinations
to tickettape_reader;
grant insert, update, delete on price_alerts.rules to tickettape_reader;
grant delete on price_alerts.destinations to tickettape_reader;
grant insert, update, delete on api.alert_rules to tickettape_reader;
grant delete on api.alert_destinations to tickettape_reader;
