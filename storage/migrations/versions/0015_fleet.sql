-- Metrics over all owners: sums by platform, none of an owner's names, words or people.
GRANT SELECT (adapter, phase, why) ON campaign TO invite_housekeeping;
GRANT SELECT (campaign_id, kind, final, n) ON counter TO invite_housekeeping;
GRANT SELECT (campaign_id, minute, n) ON progress TO invite_housekeeping;
GRANT SELECT (adapter, state, fence) ON account TO invite_housekeeping;
GRANT SELECT (scope, budget, hour, amount) ON usage TO invite_housekeeping;
CREATE POLICY housekeeping ON counter FOR SELECT TO invite_housekeeping USING (true);
CREATE POLICY housekeeping ON progress FOR SELECT TO invite_housekeeping USING (true);

CREATE FUNCTION fleet_campaigns()
    RETURNS TABLE (platform text, wanted text, phase text, why text, campaigns bigint, people bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
        SELECT c.adapter, c.wanted, c.phase, c.why, count(*), sum(c.recipients - done.n)::bigint
        FROM public.campaign c,
             LATERAL (SELECT coalesce(sum(k.n), 0) AS n FROM public.counter k WHERE k.campaign_id = c.id AND k.final) done
        WHERE c.ended_at IS NULL AND c.wanted <> 'none'
        GROUP BY c.adapter, c.wanted, c.phase, c.why
    $$;

CREATE FUNCTION fleet_outcomes()
    RETURNS TABLE (platform text, kind text, final boolean, n bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
        SELECT c.adapter, k.kind, k.final, sum(k.n)::bigint
        FROM public.counter k JOIN public.campaign c ON c.id = k.campaign_id
        GROUP BY c.adapter, k.kind, k.final
    $$;

CREATE FUNCTION fleet_settled(from_minute timestamptz)
    RETURNS TABLE (platform text, n bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
        SELECT c.adapter, sum(p.n)::bigint
        FROM public.campaign c JOIN public.progress p ON p.campaign_id = c.id AND p.minute >= from_minute
        WHERE c.wanted <> 'none' AND (c.ended_at IS NULL OR c.ended_at >= from_minute)
        GROUP BY c.adapter
    $$;

CREATE FUNCTION fleet_accounts()
    RETURNS TABLE (platform text, state text, accounts bigint, leases bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
        SELECT a.adapter, a.state, count(*), sum(a.fence)::bigint FROM public.account a GROUP BY a.adapter, a.state
    $$;

CREATE FUNCTION fleet_spent(after_hour timestamptz)
    RETURNS TABLE (platform text, budget text, amount bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
        SELECT split_part(u.scope, '/', 2), u.budget, sum(u.amount)::bigint FROM public.usage u
        WHERE u.hour > after_hour AND u.scope LIKE 'account/%'
        GROUP BY 1, 2
    $$;

DO $$
DECLARE
    name text;
BEGIN
    GRANT CREATE ON SCHEMA public TO invite_housekeeping;
    FOREACH name IN ARRAY ARRAY['fleet_campaigns()', 'fleet_outcomes()', 'fleet_settled(timestamptz)',
                                'fleet_accounts()', 'fleet_spent(timestamptz)'] LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', name);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO invite_api', name);
        EXECUTE format('ALTER FUNCTION %s OWNER TO invite_housekeeping', name);
    END LOOP;
    REVOKE CREATE ON SCHEMA public FROM invite_housekeeping;
END
$$;
