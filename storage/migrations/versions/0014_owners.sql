-- Who the owners are and how much they have going on: counts for administrators, none of an owner's words or people.
GRANT SELECT (created_at, recipients) ON campaign TO invite_housekeeping;

CREATE FUNCTION owners(after text, at_most integer)
    RETURNS TABLE (owner text, campaigns bigint, live bigint, recipients bigint, last_made_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
        SELECT c.owner, count(*), count(*) FILTER (WHERE c.ended_at IS NULL AND c.wanted <> 'none'),
               sum(c.recipients)::bigint, max(c.created_at)
        FROM public.campaign c WHERE c.owner > after GROUP BY c.owner ORDER BY c.owner LIMIT at_most
    $$;

REVOKE EXECUTE ON FUNCTION owners(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION owners(text, integer) TO invite_api;
GRANT CREATE ON SCHEMA public TO invite_housekeeping;
ALTER FUNCTION owners(text, integer) OWNER TO invite_housekeeping;
REVOKE CREATE ON SCHEMA public FROM invite_housekeeping;
