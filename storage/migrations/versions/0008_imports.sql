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

GRANT SELECT (id, owner, state) ON audience TO invite_housekeeping;
CREATE POLICY housekeeping ON audience FOR SELECT TO invite_housekeeping USING (true);

CREATE FUNCTION unfinished_imports(after uuid, at_most integer) RETURNS TABLE (owner text, audience_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
        SELECT a.owner, a.id FROM public.audience a
        WHERE a.state = 'importing' AND a.id > after ORDER BY a.id LIMIT at_most
    $$;
REVOKE EXECUTE ON FUNCTION unfinished_imports(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION unfinished_imports(uuid, integer) TO invite_worker;
GRANT CREATE ON SCHEMA public TO invite_housekeeping;
ALTER FUNCTION unfinished_imports(uuid, integer) OWNER TO invite_housekeeping;
REVOKE CREATE ON SCHEMA public FROM invite_housekeeping;
