-- An answer is mostly what the same event's answer was ten minutes before. So it is compressed against the first answer
-- of its hour.
alter table market.capture_payloads add column base_tick timestamptz;
comment on column market.capture_payloads.base_tick is
    'The tick of the answer that this one was compressed against, which is needed to read it; null: none';
