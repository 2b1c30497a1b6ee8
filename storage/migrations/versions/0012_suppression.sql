-- By what an identifier (`username:anna`, `phone:+7…`, `user_id:5`) is matched: the same as `domain.suppression.digest`.
CREATE FUNCTION digest_of(owner text, identifier text) RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT sha256(convert_to(owner || E'\n' || identifier, 'UTF8')) $$;
REVOKE EXECUTE ON FUNCTION digest_of(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION digest_of(text, text) TO invite_api, invite_worker;

-- The do-not-contact list. Of an erased person the digest alone is left.
CREATE TABLE suppression (
    owner TEXT NOT NULL,
    digest BYTEA NOT NULL,
    identifier TEXT,
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    added_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (owner, digest)
);
ALTER TABLE suppression ENABLE ROW LEVEL SECURITY;
ALTER TABLE suppression FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_only ON suppression TO invite_owner, invite_api, invite_worker
    USING (owner = present_owner()) WITH CHECK (owner = present_owner());
GRANT SELECT, INSERT, DELETE ON suppression TO invite_api;
GRANT UPDATE (identifier, source, reason) ON suppression TO invite_api;
GRANT SELECT ON suppression TO invite_worker;

-- Who has refused for good, on which platform, by the same digests.
CREATE TABLE refusal (
    owner TEXT NOT NULL,
    adapter TEXT NOT NULL,
    digest BYTEA NOT NULL,
    reason TEXT NOT NULL,
    refused_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (owner, adapter, digest)
);
ALTER TABLE refusal ENABLE ROW LEVEL SECURITY;
ALTER TABLE refusal FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_only ON refusal TO invite_owner, invite_api, invite_worker
    USING (owner = present_owner()) WITH CHECK (owner = present_owner());
GRANT SELECT ON refusal TO invite_api, invite_worker;
GRANT INSERT, UPDATE (reason, refused_at) ON refusal TO invite_worker;

-- To erase a person: what names them goes, what became of them stays. The API may not write what the worker writes, so
-- this is done for it, under the same row-level security: the functions' owner is bound to the present owner's rows too.
CREATE FUNCTION forget_recipients(of_campaign uuid, at_positions integer[], at_time timestamptz) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
        WITH taken_out AS (
            DELETE FROM public.queue q WHERE q.campaign_id = of_campaign AND q.position = ANY (at_positions)
            RETURNING q.position, q.action, q.instead
        ),
        settled AS (
            UPDATE public.recipient r SET outcome = 'skipped', reason = 'suppressed', action = t.action,
                                          instead = t.instead, settled_at = at_time
            FROM taken_out t WHERE r.campaign_id = of_campaign AND r.position = t.position
            RETURNING r.owner, t.action, t.instead
        )
        INSERT INTO public.counter (campaign_id, account_id, action, instead, kind, reason, final, owner, n)
        SELECT of_campaign, '', action, instead, 'skipped', 'suppressed', true, owner, count(*)
        FROM settled GROUP BY owner, action, instead
        ON CONFLICT (campaign_id, account_id, action, instead, kind, reason, final)
        DO UPDATE SET n = counter.n + excluded.n;

        UPDATE public.recipient
        SET username = NULL, phone = NULL, user_id = NULL, first_name = '', last_name = '', fields = '{}'
        WHERE campaign_id = of_campaign AND position = ANY (at_positions);

        DELETE FROM public.peer WHERE campaign_id = of_campaign AND position = ANY (at_positions);
        DELETE FROM public.look WHERE campaign_id = of_campaign AND position = ANY (at_positions);
    $$;

CREATE FUNCTION forget_addresses(identifiers text[]) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
        WITH gone AS (DELETE FROM public.address_book WHERE identifier = ANY (identifiers) RETURNING 1)
        SELECT count(*) FROM gone
    $$;

REVOKE EXECUTE ON FUNCTION forget_recipients(uuid, integer[], timestamptz), forget_addresses(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_recipients(uuid, integer[], timestamptz), forget_addresses(text[]) TO invite_api;

GRANT SELECT ON peer TO invite_api;
GRANT DELETE ON audience_recipient TO invite_api;
GRANT UPDATE (content) ON audience_dropped TO invite_api;
GRANT UPDATE (rows_read, stored) ON audience TO invite_api;
