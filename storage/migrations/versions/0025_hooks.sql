-- The last delivery that told of a change of an account, until the list of accounts was read after it. It is not
-- `accounts_checked_at` that is taken back: a reading that is under way would write that again, and lose what was told.
ALTER TABLE campaign ADD COLUMN accounts_told UUID;
GRANT UPDATE (accounts_told) ON campaign TO invite_api, invite_worker;

-- Deliveries that were taken, as long as their signatures are good. The rows belong to no owner: nobody reads or writes
-- them but through the function below, which forgets old ones whenever it is called.
CREATE TABLE hook_delivery (
    id UUID NOT NULL,
    forget_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX hook_delivery_forget ON hook_delivery (forget_at);
ALTER TABLE hook_delivery ENABLE ROW LEVEL SECURITY;
ALTER TABLE hook_delivery FORCE ROW LEVEL SECURITY;
CREATE POLICY housekeeping ON hook_delivery TO invite_housekeeping USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON hook_delivery TO invite_housekeeping;

-- Whether the delivery is a new one. Of two calls at once the second waits for the first, and is told no if that commits.
CREATE FUNCTION take_hook(delivery uuid, present timestamptz, length interval) RETURNS boolean
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
        DELETE FROM public.hook_delivery WHERE id IN (
            SELECT d.id FROM public.hook_delivery d WHERE d.forget_at <= present LIMIT 1000 FOR UPDATE SKIP LOCKED
        );
        WITH taken AS (
            INSERT INTO public.hook_delivery (id, forget_at) VALUES (delivery, present + length)
            ON CONFLICT (id) DO NOTHING RETURNING 1
        )
        SELECT EXISTS (SELECT FROM taken)
    $$;

-- Before it is handed over: from a function of another's, a right is revoked with a warning only, and stays.
REVOKE EXECUTE ON FUNCTION take_hook(uuid, timestamptz, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION take_hook(uuid, timestamptz, interval) TO invite_api;
GRANT CREATE ON SCHEMA public TO invite_housekeeping;
ALTER FUNCTION take_hook(uuid, timestamptz, interval) OWNER TO invite_housekeeping;
REVOKE CREATE ON SCHEMA public FROM invite_housekeeping;
