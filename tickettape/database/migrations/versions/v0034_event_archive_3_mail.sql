-- No more mail about waitlists for the buyer who has this token, who needs no login. Whether there is one; without
-- `certainly`, nothing is changed.
create function box_office.unsubscribe(the_token text, certainly boolean) returns boolean
language plpgsql security definer set search_path = box_office, pg_temp as $$
begin
    if certainly then
        update mail_preferences set off_at = coalesce(off_at, now()) where token = the_token;
    else
        perform from mail_preferences where token = the_token;
    end if;
    return found;
end $$;

revoke all on function box_office.unsubscribe(text, boolean) from public;
