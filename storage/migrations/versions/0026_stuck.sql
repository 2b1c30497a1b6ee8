-- Campaigns that stand without a reason to: whatever was wished last, they say since before then that they are at work, have
-- settled nobody since, and none of their accounts rests for its pace: few actions a day are hours apart.
GRANT SELECT (since) ON campaign TO invite_housekeeping;
GRANT SELECT (campaign_id, why, until) ON campaign_account TO invite_housekeeping;
CREATE POLICY housekeeping ON campaign_account FOR SELECT TO invite_housekeeping USING (true);

CREATE FUNCTION fleet_stuck(before timestamptz)
    RETURNS TABLE (platform text, n bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
        SELECT c.adapter, count(*) FILTER (WHERE c.since < before AND NOT EXISTS (
            SELECT FROM public.progress p WHERE p.campaign_id = c.id AND p.minute >= before
        ) AND NOT EXISTS (
            SELECT FROM public.campaign_account a WHERE a.campaign_id = c.id AND a.why = 'pace' AND a.until >= before
        ))
        FROM public.campaign c
        WHERE c.ended_at IS NULL AND c.wanted <> 'none' AND c.why IN ('working', 'preparing', 'cancelling')
        GROUP BY c.adapter
    $$;

DO $$
BEGIN
    GRANT CREATE ON SCHEMA public TO invite_housekeeping;
    REVOKE EXECUTE ON FUNCTION fleet_stuck(timestamptz) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION fleet_stuck(timestamptz) TO invite_api;
    ALTER FUNCTION fleet_stuck(timestamptz) OWNER TO invite_housekeeping;
    REVOKE CREATE ON SCHEMA public FROM invite_housekeeping;
END
$$;
