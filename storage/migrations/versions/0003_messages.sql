ALTER TABLE campaign
    ADD COLUMN post TEXT NOT NULL DEFAULT '',
    -- Whether a campaign of before has a link is not worked out here: in doubt the lower limit.
    ADD COLUMN message_budget TEXT NOT NULL DEFAULT 'message_with_link',
    ADD COLUMN message_hints TEXT[] NOT NULL DEFAULT '{}',
    ADD COLUMN test BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE campaign ALTER COLUMN post DROP DEFAULT, ALTER COLUMN message_budget DROP DEFAULT,
    ALTER COLUMN message_hints DROP DEFAULT,    ALTER COLUMN test DROP DEFAULT;
CREATE INDEX campaign_test ON campaign (owner, created_at) WHERE test;

ALTER TABLE attempt ADD COLUMN draw INTEGER, ADD COLUMN rendering BIGINT;

CREATE TABLE campaign_message (
    campaign_id UUID NOT NULL,
    revision INTEGER NOT NULL,
    owner TEXT NOT NULL,
    texts TEXT[] NOT NULL,
    post TEXT NOT NULL,
    PRIMARY KEY (campaign_id, revision)
);

CREATE TABLE last_text (
    owner TEXT NOT NULL,
    adapter TEXT NOT NULL,
    account_id TEXT NOT NULL,
    turn_id TEXT NOT NULL,
    rendering BIGINT,
    PRIMARY KEY (owner, adapter, account_id)
);

-- Texts of before were no templates: they go on saying what they said. The table's owner sees them without the policy.
ALTER TABLE campaign NO FORCE ROW LEVEL SECURITY;
UPDATE campaign SET texts = ARRAY(
    SELECT regexp_replace(each, '[\\{}|]', '\\\&', 'g') FROM unnest(texts) WITH ORDINALITY t (each, n) ORDER BY n
);
INSERT INTO campaign_message (campaign_id, revision, owner, texts, post)
SELECT id, revision, owner, texts, post FROM campaign;
ALTER TABLE campaign FORCE ROW LEVEL SECURITY;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['campaign_message', 'last_text'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY owner_only ON %I TO invite_owner, invite_api, invite_worker '
                       'USING (owner = present_owner()) WITH CHECK (owner = present_owner())', name);
        EXECUTE format('GRANT SELECT ON %I TO invite_api, invite_worker', name);
    END LOOP;
END
$$;

GRANT INSERT ON campaign_message TO invite_api;
GRANT UPDATE (post, message_budget, message_hints) ON campaign TO invite_api;
GRANT INSERT, UPDATE ON last_text TO invite_worker;
