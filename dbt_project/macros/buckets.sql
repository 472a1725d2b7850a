{#-
  How a rollup is refreshed. A bucket is an event's hour, an event's day, or an event. Triggers on the tables of facts
  mark the hours that change, in market.dirty_buckets. One refresh of one model is one transaction:

    1. claim_buckets   adds columns that are missing in the table, and marks every bucket for them; then takes marks,
                       newest first, up to the claim limit, and in a live tick only recent ones
    2. the model       reads the facts of the claimed buckets (source market.claims)
    3. replace_buckets deletes all rows of the claimed buckets, including zones that vanished, and inserts the new rows
    4. pass_on         marks the rollups that are built on this one, notes which hours are newer than those in cold
                       storage, and deletes the claims

  If the refresh is killed, the marks stay. The order matters: facts are read after the marks are taken, so a change
  that is committed later has its own mark.
-#}

{#-
  The first line of a rollup's model: its configuration.

    bucket    what is recomputed whole: an event's 'hour', its 'day', or the 'event'
    facts     the table of schema market that decides which buckets exist, or a list of such tables
    marks     the rollups that are built on this one: a refresh of this one marks their buckets
    indexes   in dbt's form, in addition to the primary key
    before    statements that run in the same transaction, after the claim
-#}
{% macro rollup(bucket, facts='captures', marks=[], indexes=[], before=[]) -%}
{{ config(
    materialized='incremental',
    incremental_strategy='replace_buckets',
    unique_key={'hour': ['event_id', 'hour'], 'day': ['event_id', 'date'], 'event': ['event_id']}[bucket],
    full_refresh=false,
    on_schema_change='fail',
    tags=['rollup'],
    meta={'bucket': bucket, 'facts': [facts] if facts is string else facts, 'marks': marks},
    indexes=indexes,
    pre_hook=['{{ claim_buckets() }}'] + before,
    post_hook='{{ pass_on() }}'
) }}
{%- endmacro %}


{#- A query for the claimed buckets of the rollup that calls this. -#}
{% macro claims() -%}
select
    event_key,
    event_id,
    bucket as hour,
    bucket as day_start,
    date
from {{ source('market', 'claims') }}
where rollup = '{{ claiming_rollup() }}'
{%- endmacro %}


{#-
  The name of the rollup that asks for its claims. A model that is not a rollup is refused, because it has no claims. A
  rollup is refused if dbt could refresh it before one that marks it: those marks would then wait for the next refresh.
-#}
{% macro claiming_rollup(tag='rollup') -%}
{%- set rollup = (model.get('tested_node_unique_id') or model.unique_id).split('.')[-1] -%}
{%- if execute and graph.nodes -%}
  {%- set before = _rollup_named(rollup, tag).depends_on.nodes -%}
  {%- for node in graph.nodes.values() if rollup in node.config.get('meta', {}).get('marks', []) -%}
    {%- if node.unique_id not in before -%}
      {{ exceptions.raise_compiler_error(
          rollup ~ " is marked by " ~ node.name ~ " and must be refreshed after it. Put this line into its model: "
          ~ "-- depends_on: {{ ref('" ~ node.name ~ "') }}") }}
    {%- endif -%}
  {%- endfor -%}
{%- endif -%}
{{- rollup }}
{%- endmacro %}


{#- The model of a rollup. Raises if no rollup has the name: marks under that name would wait for ever. -#}
{% macro _rollup_named(name, tag='rollup') -%}
{%- for node in graph.nodes.values() if node.name == name and tag in node.config.tags -%}
{{ return(node) }}
{%- endfor -%}
{{ exceptions.raise_compiler_error(
    "No rollup is named '" ~ name ~ "'. A rollup is a model that begins with " ~ tag ~ "(bucket=…); marks names such "
    ~ "models."
) }}
{%- endmacro %}


{#-
  The columns that are in a rollup's contract but not in its table, each in the form of `alter table`. A column that is
  not_null without a default is refused: hours whose facts are in cold storage are never computed again.
-#}
{% macro _new_columns() -%}
{%- set declared = {} -%}
{%- if execute and is_incremental() -%}
  {%- set present = adapter.get_columns_in_relation(this) | map(attribute='name') | list -%}
  {%- for name, column in model.columns.items() if name not in present -%}
    {%- for constraint in column.constraints if constraint.type == 'not_null' -%}
      {%- if 'default' not in (constraint.expression or '') -%}
        {{ exceptions.raise_compiler_error(
            this.name ~ ": column '" ~ name ~ "' is new and not null, and older rows have no value for it. Give them "
            ~ "one, constraints: [{type: not_null, expression: default 0}], or leave not_null out") }}
      {%- endif -%}
    {%- endfor -%}
    {%- do declared.update({name: column}) -%}
  {%- endfor -%}
{%- endif -%}
{{ return(adapter.render_raw_columns_constraints(raw_columns=declared)) }}
{%- endmacro %}


{#- Adds what _new_columns returns to a rollup's table. -#}
{% macro add_columns(new_columns) -%}
{% if new_columns -%}
-- readers wait until this transaction ends; if a reader holds the table for too long, the next refresh adds the columns
set local lock_timeout = '10s';
alter table {{ this }} add column if not exists {{ new_columns | join(', add column if not exists ') }};
set local lock_timeout to default;
{%- endif %}
{%- endmacro %}


{#- How every refresh begins. Refused if it would take the warehouse's marks and not refresh the warehouse's tables. -#}
{% macro begin_refresh() -%}
{%- if execute and (target.name != 'warehouse' or target.schema != 'analytics') %}
  {{ exceptions.raise_compiler_error(
      this.name ~ ": target '" ~ target.name ~ "' (schema " ~ target.schema ~ ") may not take the warehouse's marks; "
      ~ "only target 'warehouse' refreshes rollups") }}
{%- endif %}
{%- if execute and flags.EMPTY %}
  {{ exceptions.raise_compiler_error(
      this.name ~ ": --empty would take the marks and empty their buckets; run it without --empty") }}
{%- endif %}
-- enough to group a tick's 36,000 rows in memory; with the default of 4 MB they were written to disk
set local work_mem = '64MB';
-- the planner expects the rows of packed days, of which a tick reads none, and would compile for them
set local jit = off;
-- one refresh of this rollup at a time; a separate statement, so that the claim's snapshot is taken after the lock
select pg_advisory_xact_lock(hashtextextended('{{ this }}', 0));
{%- endmacro %}


{#- A live tick claims no bucket that is older than its own marks can be. The backlog job refreshes older ones. -#}
{% macro claim_from() -%}
coalesce(nullif(current_setting('tickettape.claim_from', true), '')::timestamptz, '-infinity')
{%- endmacro %}


{% macro claim_buckets() -%}
{%- set facts = model.config.meta.get('facts', []) %}
{%- set new_columns = _new_columns() %}
{{ begin_refresh() }}
-- prevents a DETACH between the claim and the read of the facts
{%- set of_captures = ['section_snapshots', 'packed_days', 'listing_changes', 'packed_listing_changes'] %}
{%- set beside = of_captures if 'captures' in facts else [] %}
lock table market.{{ (facts + beside) | join(', market.') }} in access share mode;
{{ add_columns(new_columns) }}
{% if new_columns or not is_incremental() -%}
-- the table or a column is new: mark every bucket of every month that is attached
insert into market.dirty_buckets (rollup, event_key, bucket)
{%- for table in facts %}
select distinct '{{ this.name }}', {{ table }}.event_key, {{ bucket_of(table ~ '.tick', model.config.meta.bucket) }}
from market.{{ table }}
where market.month_is_attached({{ table }}.tick)
{%- if not loop.last %} union {%- endif %}
{%- endfor %};
{% endif -%}
with wanted as (
    select event_key, bucket
    from market.dirty_buckets
    where rollup = '{{ this.name }}'
        {%- if model.config.meta.bucket != 'event' %}
        and bucket >= {{ bucket_of(claim_from(), model.config.meta.bucket) }}
        {%- endif %}
    group by bucket, event_key
    order by bucket desc, event_key
    limit market.claim_limit()
),

due as (
    select event_key, bucket
    from wanted
    {%- if model.config.meta.bucket == 'hour' %}
    union
    -- this rollup may have lost the hours of a restored month, and a day must be rebuilt from all of its hours
    select wanted.event_key, hours.hour
    from wanted
    cross join lateral generate_series(
        {{ bucket_of('wanted.bucket', 'day') }},
        {{ bucket_of('wanted.bucket', 'day') }} + interval '23 hours',
        interval '1 hour'
    ) as hours (hour)
    where market.month_came_back(wanted.bucket)
    {%- endif %}
),

marks as (
    delete from market.dirty_buckets as marked
    using due
    where marked.rollup = '{{ this.name }}'
        and marked.event_key = due.event_key and marked.bucket = due.bucket
),

buckets as (
    select
        event_key,
        bucket,
        {% if model.config.meta.bucket == 'event' -%}
        -- an event whose newest ok capture is in cold storage keeps its row: without the facts it would look sold out
        coalesce((
            select market.month_is_attached(days.last_ok_at)
            from {{ ref('event_days') }} as days
            where days.last_ok_at is not null and days.event_id = (
                select events.id from {{ source('market', 'events') }} as events where events.event_key = due.event_key
            )
            order by days.date desc
            limit 1
        ), true)
        {%- else -%}
        market.month_is_attached(bucket)
        {%- endif %} as refreshable
    from due
),

refused as (
    insert into market.refused_buckets (rollup, event_key, bucket, reason)
    select '{{ this.name }}', event_key, bucket, 'its month is in cold storage'
    from buckets
    where not refreshable {%- if model.config.meta.bucket == 'event' %} and false{% endif %}
)

insert into market.claimed_buckets (rollup, event_key, bucket)
select '{{ this.name }}', event_key, bucket
from buckets
where refreshable
on conflict do nothing;
-- without statistics the planner guesses the number of claims, and a tick took 8 to 11 s instead of 0.2 to 0.5
analyze market.claimed_buckets
{%- endmacro %}


{#-
  For listing_departures, after its claim: a listing that appears in a claimed hour may have left in an earlier hour,
  and that departure then gets another verdict. So that earlier hour is claimed too. If observations are written out of
  order, their writer has marked those hours itself.
-#}
{% macro claim_what_came_back() -%}
{% if is_incremental() -%}
insert into market.claimed_buckets (rollup, event_key, bucket)
select distinct '{{ this.name }}', claimed.event_key, departed.hour
from market.claims as claimed
-- `offset 0` makes the planner read the history by its primary key
cross join lateral (
    select moves.listing_id, moves.tick
    from {{ source('market', 'listing_moves') }} as moves
    where moves.event_key = claimed.event_key
        and moves.date = (claimed.bucket at time zone 'UTC')::date
        and moves.tick >= claimed.bucket and moves.tick < claimed.bucket + interval '1 hour'
        and moves.quantity is not null
    offset 0
) as came
inner join {{ this }} as departed
    on departed.event_id = claimed.event_id and departed.listing_id = came.listing_id
    and departed.timestamp < came.tick and departed.timestamp >= came.tick - interval '24 hours'
where claimed.rollup = '{{ this.name }}' and market.month_is_attached(departed.hour)
on conflict do nothing
{%- else -%}
select 1
{%- endif %}
{%- endmacro %}


{#-
  The planner cannot know how many rows the listing history's arrays contain. It expects a few and compares each with
  each, which takes minutes instead of a second. Lateral joins are still nested loops.
-#}
{% macro join_by_hash() -%}
set local enable_nestloop = off
{%- endmacro %}


{% macro bucket_of(instant, bucket) -%}
{%- if bucket == 'event' -%} timestamptz '-infinity'
{%- else -%} date_bin('1 {{ bucket }}', {{ instant }}, timestamptz '2000-01-01 00:00Z')
{%- endif -%}
{%- endmacro %}


{% macro get_incremental_replace_buckets_sql(arg_dict) -%}
{%- set columns = arg_dict.dest_columns | map(attribute='quoted') | join(', ') -%}
-- by row address, because otherwise the planner reads the hour of every event for each event
delete from {{ arg_dict.target_relation }} as stale
using (
    select doomed.row_address
    from {{ source('market', 'claims') }} as claimed
    cross join lateral (
        select replaced.ctid as row_address
        from {{ arg_dict.target_relation }} as replaced
        where replaced.event_id = claimed.event_id
            {%- if model.config.meta.bucket == 'hour' %} and replaced.hour = claimed.bucket
            {%- elif model.config.meta.bucket == 'day' %} and replaced.date = claimed.date
            {%- endif %}
        offset 0
    ) as doomed
    where claimed.rollup = '{{ this.name }}'
) as doomed
where stale.ctid = doomed.row_address;
insert into {{ arg_dict.target_relation }} ({{ columns }})
select {{ columns }} from {{ arg_dict.temp_relation }}
{%- endmacro %}


{% macro pass_on() -%}
{%- for rollup in model.config.meta.marks if execute %}
insert into market.dirty_buckets (rollup, event_key, bucket)
select distinct '{{ rollup }}', event_key, {{ bucket_of('bucket', _rollup_named(rollup).config.meta.bucket) }}
from market.claimed_buckets
where rollup = '{{ this.name }}';
{%- endfor %}
{%- if model.config.meta.bucket == 'hour' %}
-- cold storage has an old version of these hours (tickettape/archive/hourly_cold_storage.py)
insert into market.remade_hours (rollup, event_key, hour)
select claimed.rollup, claimed.event_key, claimed.bucket
from market.claimed_buckets as claimed
inner join market.cold_hours as cold on cold.month = date_trunc('month', claimed.bucket, 'UTC') at time zone 'UTC'
where claimed.rollup = '{{ this.name }}'
on conflict (hour, event_key, rollup) do update set updated_at = excluded.updated_at;
{%- endif %}
delete from market.claimed_buckets where rollup = '{{ this.name }}'
{%- endmacro %}
