-- Seats are read by their ids alone. With a condition on the status, the planner may take the index of what is on hold,
-- which is empty when the statistics are made, and then each hold reads all others of the rush.

create or replace function box_office.release_expired_seats(the_seats bigint[]) returns void
language plpgsql set search_path = box_office, pg_temp as $$
declare
    expired bigint[];
    one bigint;
begin
    if not exists (
        select from (select status, held_until from stored_seats where id = any(the_seats) offset 0) as seats
        where status = 'HOLD' and held_until <= clock_timestamp()) then
        return;
    end if;
    expired := array(
        select id from bookings
        where status = 'HOLD' and hold_expires_at <= clock_timestamp() and id in (
            select current_booking_id
            from (select status, current_booking_id from stored_seats where id = any(the_seats) offset 0) as seats
            where status = 'HOLD')
        order by id for no key update skip locked);
    perform lock_seats(expired);
    foreach one in array expired loop
        perform end_booking(one, 'EXPIRED');
    end loop;
    update stored_seats set status = 'AVAILABLE', held_until = null, updated_at = clock_timestamp()
    where id in (
        select id from stored_seats where id = any(the_seats) and status = 'HOLD' and current_booking_id is null
            and held_until <= clock_timestamp()
        order by id for update skip locked);
end $$;
