-- What the plan said after the owner's last word, beside what it says now. Running campaigns are measured from their next plan on.
ALTER TABLE campaign ADD COLUMN promised_at TIMESTAMPTZ, ADD COLUMN promised_end TIMESTAMPTZ;
GRANT UPDATE (promised_at, promised_end) ON campaign TO invite_worker;
GRANT SELECT (planned_at, planned_end, promised_at, promised_end) ON campaign TO invite_housekeeping;

-- Whose end is now planned later than promised: by more than that part of the promised time, and by `at_least`.
CREATE FUNCTION fleet_late(part double precision, at_least interval)
    RETURNS TABLE (platform text, n bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
        SELECT c.adapter, count(*) FILTER (WHERE c.planned_at > c.promised_at AND (
            c.planned_end IS NULL
            OR c.planned_end - c.promised_end > greatest((c.promised_end - c.promised_at) * part, at_least)
        ))
        FROM public.campaign c
        WHERE c.ended_at IS NULL AND c.wanted = 'run' AND c.promised_end IS NOT NULL
        GROUP BY c.adapter
    $$;

DO $$
BEGIN
    GRANT CREATE ON SCHEMA public TO invite_housekeeping;
    REVOKE EXECUTE ON FUNCTION fleet_late(double precision, interval) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION fleet_late(double precision, interval) TO invite_api;
    ALTER FUNCTION fleet_late(double precision, interval) OWNER TO invite_housekeeping;
    REVOKE CREATE ON SCHEMA public FROM invite_housekeeping;
END
$$;
