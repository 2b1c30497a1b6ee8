-- Why an account's last look at the destination found that it may not invite; NULL: it may, or was not looked at.
ALTER TABLE campaign_account ADD COLUMN refused TEXT;

-- What the last look at the destination found of somebody who was invited: joined, there, left; NULL: not known.
ALTER TABLE recipient ADD COLUMN membership TEXT;
GRANT UPDATE (membership) ON recipient TO invite_worker;

-- Who is to be looked for at the destination again, by which account and when; the row goes with the last look.
CREATE TABLE look (
    campaign_id UUID NOT NULL,
    position INTEGER NOT NULL,
    owner TEXT NOT NULL,
    adapter TEXT NOT NULL,
    account_id TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (campaign_id, position)
);
CREATE INDEX look_due ON look (due_at);
CREATE INDEX look_by ON look (owner, adapter, account_id, due_at);

-- What the looks found, counted; whoever is in none of these is not known.
CREATE TABLE membership (
    campaign_id UUID NOT NULL,
    state TEXT NOT NULL,
    owner TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (campaign_id, state)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['look', 'membership'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY owner_only ON %I TO invite_owner, invite_api, invite_worker '
                       'USING (owner = present_owner()) WITH CHECK (owner = present_owner())', name);
        EXECUTE format('GRANT SELECT ON %I TO invite_api, invite_worker', name);
    END LOOP;
END
$$;
GRANT INSERT, UPDATE, DELETE ON look TO invite_worker;
GRANT INSERT, UPDATE ON membership TO invite_worker;

-- Housekeeping is told whose looks are due, the oldest first, and whether that account can make them; an account that
-- rests for less than `soon` is not told of: it will look by itself.
GRANT SELECT (owner, adapter, account_id, due_at) ON look TO invite_housekeeping;
GRANT SELECT (external_status, state, until) ON account TO invite_housekeeping;
CREATE POLICY housekeeping ON look FOR SELECT TO invite_housekeeping USING (true);

CREATE FUNCTION due_looks(moment timestamptz, soon interval, at_most integer)
    RETURNS TABLE (owner text, adapter text, account_id text, able boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
        SELECT due.owner, due.adapter, due.account_id, standing.able
        FROM (
            SELECT l.owner, l.adapter, l.account_id, min(l.due_at) AS oldest FROM public.look l
            WHERE l.due_at <= moment GROUP BY l.owner, l.adapter, l.account_id
        ) due
        LEFT JOIN public.account a USING (owner, adapter, account_id)
        CROSS JOIN LATERAL (
            SELECT coalesce(a.external_status = 'active' AND a.state <> 'blocked'
                            AND coalesce(a.until <= moment, true), false) AS able
        ) standing
        WHERE standing.able OR coalesce(a.external_status <> 'active' OR a.state = 'blocked'
                                        OR a.until > moment + soon, true)
        ORDER BY standing.able DESC, due.oldest LIMIT at_most
    $$;

-- Before it is handed over: from a function of another's, a right is revoked with a warning only, and stays.
REVOKE EXECUTE ON FUNCTION due_looks(timestamptz, interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION due_looks(timestamptz, interval, integer) TO invite_worker;
GRANT CREATE ON SCHEMA public TO invite_housekeeping;
ALTER FUNCTION due_looks(timestamptz, interval, integer) OWNER TO invite_housekeeping;
REVOKE CREATE ON SCHEMA public FROM invite_housekeeping;
