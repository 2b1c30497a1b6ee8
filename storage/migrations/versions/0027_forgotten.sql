-- What owners were told long ago goes; what is still to be delivered stays.
GRANT DELETE ON event TO invite_worker;
CREATE INDEX event_at ON event (at);
GRANT SELECT (at) ON event TO invite_housekeeping;

GRANT CREATE ON SCHEMA public TO invite_housekeeping;
SET LOCAL ROLE invite_housekeeping;
CREATE OR REPLACE FUNCTION owners_of_old_numbers(before timestamptz, at_most integer) RETURNS TABLE (owner text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
        SELECT u.owner FROM public.usage u WHERE u.hour < before
        UNION SELECT f.owner FROM public.flood f WHERE f.minute < before
        UNION SELECT b.owner FROM public.address_book b WHERE b.kept_at < before
        UNION SELECT e.owner FROM public.event e WHERE e.at < before AND e.due_at IS NULL
        LIMIT at_most
    $$;
RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM invite_housekeeping;

-- Who is erased is taken out of the pages of imports that go on, too.
GRANT UPDATE (content) ON audience_page TO invite_api;

-- Whoever opts out stays on the do-not-contact list, also if the owner had put them onto it before.
GRANT UPDATE (source) ON suppression TO invite_worker;
