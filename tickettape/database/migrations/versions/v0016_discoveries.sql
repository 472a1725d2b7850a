-- A tick goes on where discovery failed; this is what the check `discovery` asks.
create table market.discoveries (
    source text primary key,
    discovered_at timestamptz not null,
    reason text
);
comment on table market.discoveries is
    'What came of each marketplace''s newest discovery of events. `reason`: why it failed. One row per source';
