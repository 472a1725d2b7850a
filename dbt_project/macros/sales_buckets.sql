{#-
  How a rollup of the box office is refreshed: as those of the resale market (buckets.sql), with marks of its own. A
  bucket is an event's hour, its UTC day (the day's first hour), or the event as a whole (hour '-infinity'). One refresh
  of one model is one transaction:

    1. claim_sales    takes marks, newest first, up to the claim limit
    2. the model      reads the sales of the claimed buckets (source box_office.sales_claims)
    3. replace_sales  deletes all rows of the claimed buckets and inserts the new rows
    4. pass_on_sales  marks the rollups that are built on this one, and deletes the claims

  If the refresh is killed, the marks stay. What is sold is read after the marks are taken, so a sale that is committed
  later has its own mark. An event whose seats and bookings are in cold storage keeps its rows: its marks are dropped.
-#}

{#- The first line of such a model. `bucket`: 'hour', 'day' or 'event'. `marks`: the rollups built on this one. -#}
{% macro sales_rollup(bucket, marks=[], indexes=[]) -%}
{{ config(
    materialized='incremental',
    incremental_strategy='replace_sales',
    unique_key={'hour': ['event_id', 'hour'], 'day': ['event_id', 'date'], 'event': ['event_id']}[bucket],
    full_refresh=false,
    on_schema_change='fail',
    tags=['sales_rollup'],
    meta={'bucket': bucket, 'marks': marks},
    indexes=indexes,
    pre_hook='{{ claim_sales() }}',
    post_hook='{{ pass_on_sales() }}'
) }}
{%- endmacro %}


{#- A query for the claimed buckets of the rollup that calls this. -#}
{% macro sales_claims() -%}
select
    event_id,
    hour
from {{ source('box_office', 'sales_claims') }}
where rollup = '{{ claiming_rollup('sales_rollup') }}'
{%- endmacro %}


{% macro claim_sales() -%}
{%- set new_columns = _new_columns() %}
{{ begin_refresh() }}
{{ add_columns(new_columns) }}
{% if new_columns or not is_incremental() -%}
-- the table or a column is new: mark everything
insert into box_office.sales_marks (rollup, event_id, hour)
{% if model.config.meta.bucket == 'event' -%}
select '{{ this.name }}', id, '-infinity' from box_office.stored_events;
{%- else -%}
select '{{ this.name }}', event_id, {{ bucket_of('sold_at', model.config.meta.bucket) }}
from box_office.reported_tickets
union
select '{{ this.name }}', event_id, {{ bucket_of('returned_at', model.config.meta.bucket) }}
from box_office.reported_tickets
where returned_at is not null
union
select '{{ this.name }}', event_id, {{ bucket_of('paid_at', model.config.meta.bucket) }}
from box_office.reported_payments
union
select '{{ this.name }}', event_id, {{ bucket_of('refunded_at', model.config.meta.bucket) }}
from box_office.reported_refunds;
{%- endif %}
{% endif -%}
with due as (
    select event_id, hour
    from box_office.sales_marks
    where rollup = '{{ this.name }}'
    group by hour, event_id
    order by hour desc, event_id
    limit market.claim_limit()
),

marks as (
    delete from box_office.sales_marks as marked
    using due
    where marked.rollup = '{{ this.name }}' and marked.event_id = due.event_id and marked.hour = due.hour
)

insert into box_office.sales_claims (rollup, event_id, hour)
select '{{ this.name }}', event_id, hour
from due
where event_id not in (select id from box_office.stored_events where archived_at is not null)
on conflict do nothing;
analyze box_office.sales_claims
{%- endmacro %}


{% macro get_incremental_replace_sales_sql(arg_dict) -%}
{%- set columns = arg_dict.dest_columns | map(attribute='quoted') | join(', ') -%}
delete from {{ arg_dict.target_relation }} as stale
using {{ source('box_office', 'sales_claims') }} as claimed
where claimed.rollup = '{{ this.name }}' and stale.event_id = claimed.event_id
    {%- if model.config.meta.bucket == 'hour' %} and stale.hour = claimed.hour
    {%- elif model.config.meta.bucket == 'day' %} and stale.date = (claimed.hour at time zone 'UTC')::date
    {%- endif %};
insert into {{ arg_dict.target_relation }} ({{ columns }})
select {{ columns }} from {{ arg_dict.temp_relation }}
{%- endmacro %}


{% macro pass_on_sales() -%}
{%- for rollup in model.config.meta.marks if execute %}
{%- set bucket = _rollup_named(rollup, 'sales_rollup').config.meta.bucket %}
insert into box_office.sales_marks (rollup, event_id, hour)
select distinct '{{ rollup }}', event_id, {{ bucket_of('hour', bucket) }}
from box_office.sales_claims
where rollup = '{{ this.name }}';
{%- endfor %}
delete from box_office.sales_claims where rollup = '{{ this.name }}'
{%- endmacro %}


{#-
  The start of an oracle of the box office: what its events took in by hour or day, added up from every payment, refund,
  ticket that was sold and ticket that came back. `bucket`: what makes an hour or a day of the time `at`; `name`: its
  column.
-#}
{% macro recomputed_sales(bucket, name) -%}
with moves as (
    select
        event_id,
        paid_at as at,
        'paid' as what,
        gross as amount,
        service_fee,
        tax
    from {{ source('box_office', 'reported_payments') }}
    union all
    select
        event_id,
        refunded_at as at,
        'refunded' as what,
        amount,
        null as service_fee,
        null as tax
    from {{ source('box_office', 'reported_refunds') }}
    union all
    select
        tickets.event_id,
        moved.at,
        moved.what,
        null as amount,
        null as service_fee,
        null as tax
    from {{ source('box_office', 'reported_tickets') }} as tickets
    cross join lateral (values (tickets.sold_at, 'sold'), (tickets.returned_at, 'returned')) as moved (at, what)
    where moved.at is not null
)

select
    event_id,
    {{ bucket }} as {{ name }},
    count(*) filter (where what = 'paid') as payments,
    count(*) filter (where what = 'sold') as tickets_sold,
    count(*) filter (where what = 'returned') as tickets_returned,
    coalesce(sum(amount) filter (where what = 'paid'), 0) as gross,
    coalesce(sum(service_fee), 0) as service_fees,
    coalesce(sum(tax), 0) as taxes,
    coalesce(sum(amount) filter (where what = 'refunded'), 0) as refunds,
    max(at) filter (where what = 'paid') as last_sale_at
from moves
group by event_id, {{ bucket }}
{%- endmacro %}


{#-
  The end of an oracle of the box office: the rows that `direct` and `rollup` do not share, but for events with a mark
  that waits, and for archived events, whose sales are no longer here.
-#}
{% macro sales_differences() -%}
{{ different_rows() }}

select different.*
from different
where different.event_id not in (select marks.event_id from {{ source('box_office', 'sales_marks') }} as marks)
    and different.event_id not in (
        select events.event_id
        from {{ source('box_office', 'reported_events') }} as events
        where events.archived_at is not null
    )
{%- endmacro %}
