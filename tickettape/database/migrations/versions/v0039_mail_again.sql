-- Whether the buyer who has this token gets mail about waitlists; null if nobody has it. `wanted` changes it, and null
-- changes nothing. The token is enough, without a login. An erased user gets none, whatever is wanted.
create function box_office.waitlist_mail(the_token text, wanted boolean) returns boolean
language plpgsql security definer set search_path = box_office, pg_temp as $$
begin
    if wanted is not null then
        update mail_preferences set off_at = case when not wanted then coalesce(off_at, now()) end
        where token = the_token;
    end if;
    return (
        select off_at is null and erased_at is null
        from mail_preferences inner join users on users.id = user_id
        where token = the_token
    );
end $$;

revoke all on function box_office.waitlist_mail(text, boolean) from public;

drop function box_office.unsubscribe(text, boolean);
