-- The board tells what was sold from what was taken down in the two hours before an event. So it depends on the event's
-- date, which no fact's trigger sees.
create function market.mark_event_board() returns trigger language plpgsql as $$
begin
    insert into market.dirty_buckets (rollup, event_key, bucket) values ('event_board', new.event_key, '-infinity');
    return null;
end $$;
create trigger mark_event_board after update of date on market.events for each row
    when (old.date is distinct from new.date) execute function market.mark_event_board();
