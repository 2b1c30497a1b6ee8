ALTER TABLE audience
    ADD COLUMN state TEXT NOT NULL DEFAULT 'ready',
    ADD COLUMN parsed_data_id TEXT,
    ADD COLUMN platform TEXT,
    ADD COLUMN position TEXT,
    ADD COLUMN pages INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN fetched BOOLEAN NOT NULL DEFAULT true,
    ADD COLUMN total INTEGER,
    ADD COLUMN fault TEXT;
ALTER TABLE audience ALTER COLUMN state DROP DEFAULT, ALTER COLUMN pages DROP DEFAULT, ALTER COLUMN fetched DROP DEFAULT;
CREATE INDEX audience_importing ON audience (id) WHERE state = 'importing';

ALTER TABLE campaign ADD COLUMN people_removed_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE audience_recipient ADD COLUMN seen_by TEXT;
ALTER TABLE recipient ADD COLUMN seen_by TEXT;

-- What parsing-service has answered so far: read together, and dropped, when the last page is there.
CREATE TABLE audience_page (
    audience_id UUID NOT NULL,
    number INTEGER NOT NULL,
    owner TEXT NOT NULL,
    first_line INTEGER NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (audience_id, number)
);
ALTER TABLE audience_page ENABLE ROW LEVEL SECURITY;
ALTER TABLE audience_page FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_only ON audience_page TO invite_owner, invite_api, invite_worker
    USING (owner = present_owner()) WITH CHECK (owner = present_owner());
GRANT SELECT ON audience_page TO invite_api, invite_worker;
GRANT INSERT, DELETE ON audience_page TO invite_worker;
GRANT DELETE ON audience_page TO invite_api;

GRANT UPDATE (state, platform, position, pages, fetched, total, fault, rows_read, stored, dropped) ON audience
    TO invite_worker;
GRANT INSERT ON audience_recipient, audience_dropped TO invite_worker;
DO $$
BEGIN
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO invite_worker', current_database());
END
$$;

-- Retention deletes in one owner's name after the other; whose turn it is it learns from functions.
GRANT UPDATE (people_removed_at) ON campaign TO invite_worker;
GRANT DELETE ON recipient, attempt, turn, peer, queue_low, address_book, usage, flood, audience, audience_recipient,
                audience_dropped TO invite_worker;

GRANT SELECT (id, owner, state, created_at) ON audience TO invite_housekeeping;
GRANT SELECT (audience_id, people_removed_at) ON campaign TO invite_housekeeping;
GRANT SELECT (owner, hour) ON usage TO invite_housekeeping;
GRANT SELECT (owner) ON flood TO invite_housekeeping;
GRANT SELECT (owner, kept_at) ON address_book TO invite_housekeeping;
CREATE POLICY housekeeping ON audience FOR SELECT TO invite_housekeeping USING (true);
CREATE POLICY housekeeping ON usage FOR SELECT TO invite_housekeeping USING (true);
CREATE POLICY housekeeping ON address_book FOR SELECT TO invite_housekeeping USING (true);

-- Ended long ago, and nothing that it has not heard is to begin it anew.
CREATE FUNCTION spent_campaigns(ended_before timestamptz, at_most integer) RETURNS TABLE (owner text, campaign_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
        SELECT c.owner, c.id FROM public.campaign c
        WHERE c.ended_at < ended_before AND c.people_removed_at IS NULL AND c.control_no <= c.acknowledged_no
        ORDER BY c.ended_at LIMIT at_most
    $$;

-- No campaign has been made of it since, or all that were have lost their people.
CREATE FUNCTION spent_audiences(made_before timestamptz, at_most integer) RETURNS TABLE (owner text, audience_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
        SELECT a.owner, a.id FROM public.audience a
        WHERE a.created_at < made_before AND a.state <> 'importing' AND NOT EXISTS (
            SELECT FROM public.campaign c WHERE c.audience_id = a.id AND c.people_removed_at IS NULL
        )
        ORDER BY a.created_at LIMIT at_most
    $$;

CREATE FUNCTION owners_of_old_numbers(before timestamptz, at_most integer) RETURNS TABLE (owner text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
        SELECT u.owner FROM public.usage u WHERE u.hour < before
        UNION SELECT f.owner FROM public.flood f WHERE f.minute < before
        UNION SELECT b.owner FROM public.address_book b WHERE b.kept_at < before
        LIMIT at_most
    $$;

CREATE FUNCTION unfinished_imports(after uuid, at_most integer) RETURNS TABLE (owner text, audience_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
        SELECT a.owner, a.id FROM public.audience a
        WHERE a.state = 'importing' AND a.id > after ORDER BY a.id LIMIT at_most
    $$;
REVOKE EXECUTE ON FUNCTION unfinished_imports(uuid, integer), spent_campaigns(timestamptz, integer),
    spent_audiences(timestamptz, integer), owners_of_old_numbers(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION unfinished_imports(uuid, integer), spent_campaigns(timestamptz, integer),
    spent_audiences(timestamptz, integer), owners_of_old_numbers(timestamptz, integer) TO invite_worker;
GRANT CREATE ON SCHEMA public TO invite_housekeeping;
ALTER FUNCTION unfinished_imports(uuid, integer) OWNER TO invite_housekeeping;
ALTER FUNCTION spent_campaigns(timestamptz, integer) OWNER TO invite_housekeeping;
ALTER FUNCTION spent_audiences(timestamptz, integer) OWNER TO invite_housekeeping;
ALTER FUNCTION owners_of_old_numbers(timestamptz, integer) OWNER TO invite_housekeeping;
REVOKE CREATE ON SCHEMA public FROM invite_housekeeping;
