-- One row per audit and test of the data: proof that the rollups were exact, or of what was not.
create table market.audits (
    audit_id bigint generated always as identity primary key,
    run_id text not null,
    started_at timestamptz not null,
    about text not null,
    test text not null,
    severity text not null check (severity in ('error', 'warn')),
    status text not null check (status in ('pass', 'warn', 'fail', 'error')),
    failures integer,
    sample jsonb,
    message text,
    seconds real not null,
    unique (run_id, test)
);
create index on market.audits (started_at);

-- Facts are written once, so a tick's tests look only at what a tick may have written; an audit at all of them.
create function market.newest_tests_since() returns timestamptz language sql stable as $$
    select case when isfinite(market.tests_since()) then greatest(market.tests_since(), now() - interval '1 hour')
                else market.tests_since() end
$$;

-- A tick looks for anomalies in the running hour, so that it does not repeat a warning for days; an audit in a day.
create function market.anomalies_since() returns timestamptz language sql stable as $$
    select greatest(market.newest_tests_since(), now() - interval '1 day')
$$;

-- A rollup that exists already gets by hand what its contract now says: it is never made anew (full_refresh: false).
do $$
declare
    contract record;
    never_null text;
begin
    for contract in
        select * from (values
            ('aggregated_analytics', '{event_id,zone,hour,min_price,avg_price,max_price,total_tickets,total_listings,peak_tickets,min_tickets,avg_tickets,capture_count,snapshot_count,last_price,last_priced_at,price_sum_cents,listings_seen,tickets_seen,created_at}'::text[]),
            ('daily_analytics', '{event_id,zone,date,daily_min_price,daily_avg_price,daily_max_price,peak_tickets,avg_tickets,min_tickets,last_price,last_priced_at,created_at}'),
            ('event_hours', '{event_id,hour,ok_captures,partial_captures,missed_captures,failed_captures,created_at}'),
            ('event_days', '{event_id,date,observed_hours,ok_captures,partial_captures,missed_captures,failed_captures,created_at}'),
            ('latest_prices', '{event_id,zone,available,total_tickets,total_listings,timestamp,last_price,last_priced_at,created_at}')
        ) as contracts (rollup, columns)
        where to_regclass('analytics.' || rollup) is not null
    loop
        execute format('alter table analytics.%I add foreign key (event_id) references market.events (id)',
                       contract.rollup);
        foreach never_null in array contract.columns loop
            execute format('alter table analytics.%I alter column %I set not null', contract.rollup, never_null);
        end loop;
    end loop;
end $$;
