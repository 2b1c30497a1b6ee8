-- Which worker may use what part of an application's requests a second (thousandths of a request), and until when.
-- `application` is a keyed hash. The rows belong to no owner: nobody reads or writes them but through the functions below.
CREATE TABLE application_share (
    application TEXT NOT NULL,
    holder TEXT NOT NULL,
    share INTEGER NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (application, holder)
);

ALTER TABLE application_share ENABLE ROW LEVEL SECURITY;
ALTER TABLE application_share FORCE ROW LEVEL SECURITY;
CREATE POLICY housekeeping ON application_share TO invite_housekeeping USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON application_share TO invite_housekeeping;

-- A holder's fair share is the limit through the number of holders; it gets no more of it than the others leave. What is
-- written down is the most that the holder may be using until it asks again: it hears of a smaller share only by the answer.
CREATE FUNCTION take_shares(holding text, applications text[], used integer[], most integer[], length interval)
    RETURNS TABLE (taken text, granted integer)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
    BEGIN
        -- A worker that is stopped right here must not keep the others waiting until their shares end.
        PERFORM set_config('idle_in_transaction_session_timeout', '2s', true);
        PERFORM pg_advisory_xact_lock(1895825409);
        DELETE FROM public.application_share s WHERE s.expires_at <= clock_timestamp();
        RETURN QUERY
            WITH asked AS (
                SELECT a.application, a.used, a.most::bigint * 1000 AS whole
                FROM unnest(applications, used, most) AS a (application, used, most)
            ), fair AS (
                SELECT a.application, a.used,
                       greatest(least(a.whole / (count(s.holder) + 1), a.whole - coalesce(sum(s.share), 0)), 0)::integer AS share
                FROM asked a
                LEFT JOIN public.application_share s ON s.application = a.application AND s.holder <> holding
                GROUP BY a.application, a.used, a.whole
            ), written AS (
                INSERT INTO public.application_share AS mine (application, holder, share, expires_at)
                SELECT f.application, holding, f.share, clock_timestamp() + length FROM fair f
                ON CONFLICT (application, holder) DO UPDATE SET expires_at = excluded.expires_at, share = greatest(
                    excluded.share,
                    least(mine.share, (SELECT f.used FROM fair f WHERE f.application = excluded.application))
                )
            )
            SELECT f.application, f.share FROM fair f;
    END
    $$;

CREATE FUNCTION leave_shares(holding text) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$ DELETE FROM public.application_share s WHERE s.holder = holding $$;

-- Before they are handed over: from a function of another's, a right is revoked with a warning only, and stays.
REVOKE EXECUTE ON FUNCTION take_shares(text, text[], integer[], integer[], interval), leave_shares(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION take_shares(text, text[], integer[], integer[], interval), leave_shares(text) TO invite_worker;
GRANT CREATE ON SCHEMA public TO invite_housekeeping;
ALTER FUNCTION take_shares(text, text[], integer[], integer[], interval) OWNER TO invite_housekeeping;
ALTER FUNCTION leave_shares(text) OWNER TO invite_housekeeping;
REVOKE CREATE ON SCHEMA public FROM invite_housekeeping;
