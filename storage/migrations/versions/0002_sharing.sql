-- Campaigns: what there is gets what it had by nature.
ALTER TABLE campaign
    ADD COLUMN priority SMALLINT NOT NULL DEFAULT 3,
    ADD COLUMN pace TEXT NOT NULL DEFAULT 'fast',
    ADD COLUMN schedule JSONB NOT NULL DEFAULT '{}',
    ADD COLUMN limits JSONB NOT NULL DEFAULT '{}',
    ADD COLUMN held TEXT,
    ADD COLUMN held_base JSONB NOT NULL DEFAULT '{}',
    ADD COLUMN to_campaign UUID;
ALTER TABLE campaign
    ALTER COLUMN priority DROP DEFAULT,
    ALTER COLUMN pace DROP DEFAULT,
    ALTER COLUMN schedule DROP DEFAULT,
    ALTER COLUMN limits DROP DEFAULT,
    ALTER COLUMN held_base DROP DEFAULT;

ALTER TABLE campaign_account ADD COLUMN to_campaign UUID;
CREATE INDEX campaign_account_to ON campaign_account (to_campaign) WHERE to_campaign IS NOT NULL;

ALTER TABLE account
    ADD COLUMN slow DOUBLE PRECISION NOT NULL DEFAULT 1,
    ADD COLUMN slow_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN tier TEXT,
    ADD COLUMN portfolio TEXT;
ALTER TABLE account ALTER COLUMN slow DROP DEFAULT;

ALTER TABLE usage ADD COLUMN next_at TIMESTAMP WITH TIME ZONE;

ALTER TABLE turn ADD COLUMN pause INTERVAL NOT NULL DEFAULT '0';
ALTER TABLE turn ALTER COLUMN pause DROP DEFAULT;

-- Who waits for which account: lower campaigns give way to it.
CREATE TABLE waiter (
    owner TEXT NOT NULL,
    adapter TEXT NOT NULL,
    account_id TEXT NOT NULL,
    campaign_id UUID NOT NULL,
    priority SMALLINT NOT NULL,
    until TIMESTAMP WITH TIME ZONE NOT NULL,
    budgets TEXT[] NOT NULL,
    PRIMARY KEY (owner, adapter, account_id, campaign_id)
);
CREATE INDEX waiter_campaign ON waiter (campaign_id);

-- Signs of flood control: what befalls one owner's accounts slows the whole platform down.
CREATE TABLE flood (
    owner TEXT NOT NULL,
    adapter TEXT NOT NULL,
    minute TIMESTAMP WITH TIME ZONE NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (owner, adapter, minute)
);
CREATE INDEX flood_adapter ON flood (adapter, minute);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['waiter', 'flood'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY owner_only ON %I TO invite_owner, invite_api, invite_worker '
                       'USING (owner = present_owner()) WITH CHECK (owner = present_owner())', name);
        EXECUTE format('GRANT SELECT ON %I TO invite_api, invite_worker', name);
    END LOOP;
END
$$;

-- The owner's edits are the API's; what holds a campaign is the worker's, and ended by the owner.
GRANT UPDATE (priority, pace, schedule, limits, texts, account_ids, revision, accounts_checked_at, held, held_base)
    ON campaign TO invite_api;
GRANT UPDATE (held, held_base, to_campaign) ON campaign TO invite_worker;
GRANT DELETE ON waiter TO invite_api;
GRANT INSERT, UPDATE, DELETE ON waiter TO invite_worker;
GRANT INSERT, UPDATE ON flood TO invite_worker;

GRANT SELECT (adapter, minute, n) ON flood TO invite_housekeeping;
CREATE POLICY housekeeping ON flood FOR SELECT TO invite_housekeeping USING (true);

CREATE FUNCTION floods_since(platform text, since timestamptz) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$ SELECT coalesce(sum(f.n), 0) FROM public.flood f WHERE f.adapter = platform AND f.minute > since $$;

GRANT CREATE ON SCHEMA public TO invite_housekeeping;
-- A failed campaign that its owner restarts has ended, and a command that its workflow has not heard.
SET LOCAL ROLE invite_housekeeping;
CREATE OR REPLACE FUNCTION live_campaigns(after uuid, at_most integer)
    RETURNS TABLE (owner text, campaign_id uuid, platform text, wanted text, control_no integer, acknowledged_no integer,
                   wanted_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
        SELECT c.owner, c.id, c.platform, c.wanted, c.control_no, c.acknowledged_no, c.wanted_at FROM public.campaign c
        WHERE (c.ended_at IS NULL OR c.control_no > c.acknowledged_no) AND c.wanted <> 'none' AND c.id > after
        ORDER BY c.id LIMIT at_most
    $$;
RESET ROLE;
DROP INDEX campaign_live;
CREATE INDEX campaign_live ON campaign (id)
    WHERE (ended_at IS NULL OR control_no > acknowledged_no) AND wanted <> 'none';

REVOKE EXECUTE ON FUNCTION floods_since(text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION floods_since(text, timestamptz) TO invite_api, invite_worker;
ALTER FUNCTION floods_since(text, timestamptz) OWNER TO invite_housekeeping;
REVOKE CREATE ON SCHEMA public FROM invite_housekeeping;
