-- What the next tick is compared with is packed in another form: made again from the history.
truncate market.listing_heads;

-- Two columns by names that the docs explain. Some databases have them already: 0010 and 0011 once made them so.
do $$
begin
    if exists (select from pg_attribute where attrelid = 'market.listing_heads'::regclass and attname = 'entries') then
        alter table market.listing_heads rename column entries to offers;
    end if;
    if exists (select from pg_attribute where attrelid = 'market.remade_hours'::regclass and attname = 'remade_at') then
        alter table market.remade_hours rename column remade_at to updated_at;
    end if;
end $$;
