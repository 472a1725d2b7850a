-- What the box office sold. Its tables exist only where tickets are sold: elsewhere the functions return nothing.

do $$
declare
    relation text;
    rule constant text :=
        'access.is_read() and ((select access.sees_all()) or event_id in (select access.sold_event_ids()))';
begin
    foreach relation in array string_to_array(:sales_rollups, ' ') loop
        continue when to_regclass('analytics.' || relation) is null;
        execute format('alter table analytics.%I enable row level security', relation);
        execute format('drop policy if exists rows_of_the_promoter on analytics.%I', relation);
        execute format('create policy rows_of_the_promoter on analytics.%I for select to tickettape_reader using (%s)',
            relation, rule);
        execute format('grant select on analytics.%I to tickettape_reader', relation);
        execute format('create view api.%I with (security_invoker = true) as select * from analytics.%I',
            relation, relation);
        execute format('comment on view api.%I is %L', relation, obj_description(
            ('analytics.' || relation)::regclass, 'pg_class'));
    end loop;
    -- it reads the box office itself, where a reader may read nothing: so with its owner's rights, and these rules.
    -- Whoever sees it must see both the event at the marketplace and its sales
    if to_regclass('analytics.primary_and_resale') is not null then
        create view api.primary_and_resale with (security_barrier = true) as
        select * from analytics.primary_and_resale as markets
        where access.is_read() and (
            (select access.sees_all())
            or (
                markets.event_id in (select access.event_ids())
                and markets.box_office_event_id in (select access.sold_event_ids())));
        execute format('comment on view api.primary_and_resale is %L', obj_description(
            'analytics.primary_and_resale'::regclass, 'pg_class'));
    end if;
end $$;

create type api.day_of_both_markets as (
    box_office_event_id bigint, zone text, date date, currency text, lowest_face_value numeric(10, 2),
    face_value numeric(10, 2), get_in_price numeric(10, 2), median_price numeric(10, 2), get_in_premium double precision,
    premium double precision, tickets_sold integer, house integer, listed_tickets numeric(12, 2),
    listed_share double precision, estimated_sales integer);
create type api.summary_of_sales as (
    event_id bigint, title text, promoter_id bigint, start_time timestamptz, currency text, tickets_sold integer,
    gross numeric(14, 2), refunds numeric(14, 2), net numeric(14, 2), service_fees numeric(14, 2),
    tickets_available integer, sell_through numeric(5, 4), last_sale_at timestamptz, created_at timestamptz);
create type api.hour_of_sales as (
    hour timestamptz, tier text, section text, tickets_sold integer, gross numeric(14, 2), tickets_returned integer,
    refunds numeric(14, 2));

create function api.primary_and_resale(event_id uuid) returns setof api.day_of_both_markets
language plpgsql stable as $$
#variable_conflict use_variable
begin
    if to_regclass('api.primary_and_resale') is not null then
        return query
        select days.box_office_event_id, days.zone, days.date, days.currency, days.lowest_face_value, days.face_value,
            days.get_in_price, days.median_price, days.get_in_premium::double precision,
            days.premium::double precision, days.tickets_sold, days.house, days.listed_tickets,
            days.listed_share::double precision, days.estimated_sales
        from api.primary_and_resale as days
        where days.event_id = event_id order by days.zone nulls first, days.date, days.box_office_event_id;
    end if;
end $$;
comment on function api.primary_and_resale is
    'Face values and resale prices of an event, of the whole event (no zone) and by zone, by day';

create function api.sales_summary(event_id bigint) returns setof api.summary_of_sales language plpgsql stable as $$
#variable_conflict use_variable
begin
    if to_regclass('api.event_sales_summary') is not null then
        return query
        select summary.event_id, summary.title, summary.promoter_id, summary.start_time, summary.currency,
            summary.tickets_sold, summary.gross, summary.refunds, summary.net, summary.service_fees,
            summary.tickets_available, summary.sell_through, summary.last_sale_at, summary.created_at
        from api.event_sales_summary as summary where summary.event_id = event_id;
    end if;
end $$;
comment on function api.sales_summary is 'What an event of the box office has sold';

create function api.sales_by_hour(event_id bigint) returns setof api.hour_of_sales language plpgsql stable as $$
#variable_conflict use_variable
begin
    if to_regclass('api.sales_by_hour') is not null then
        return query
        select sales.hour, sales.tier, sales.section, sales.tickets_sold, sales.gross, sales.tickets_returned,
            sales.refunds
        from api.sales_by_hour as sales
        where sales.event_id = event_id order by sales.hour, sales.tier, sales.section, sales.tier_id;
    end if;
end $$;
comment on function api.sales_by_hour is 'What an event of the box office sold in each hour, by tier or section';
