CREATE TABLE account (
    owner TEXT NOT NULL,
    adapter TEXT NOT NULL,
    account_id TEXT NOT NULL,
    label TEXT NOT NULL,
    external_status TEXT NOT NULL,
    credentials_version INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    until TIMESTAMP WITH TIME ZONE,
    next_at TIMESTAMP WITH TIME ZONE,
    times_limited INTEGER NOT NULL,
    failures_running INTEGER NOT NULL,
    block_reported BOOLEAN NOT NULL,
    seen_inactive BOOLEAN NOT NULL,
    lease_holder TEXT,
    lease_queue TEXT,
    lease_until TIMESTAMP WITH TIME ZONE,
    fence BIGINT NOT NULL,
    PRIMARY KEY (owner, adapter, account_id)
);

CREATE TABLE address_book (
    owner TEXT NOT NULL,
    adapter TEXT NOT NULL,
    account_id TEXT NOT NULL,
    identifier TEXT NOT NULL,
    value TEXT NOT NULL,
    kept_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (owner, adapter, account_id, identifier)
);

CREATE INDEX address_book_identifier ON address_book (owner, adapter, identifier);

CREATE TABLE attempt (
    turn_id TEXT NOT NULL,
    slot SMALLINT NOT NULL,
    owner TEXT NOT NULL,
    campaign_id UUID NOT NULL,
    position INTEGER NOT NULL,
    account_id TEXT NOT NULL,
    action TEXT NOT NULL,
    instead BOOLEAN NOT NULL,
    lane TEXT NOT NULL,
    seq BIGINT NOT NULL,
    bound_to TEXT,
    bound_hard BOOLEAN NOT NULL,
    tried TEXT[] NOT NULL,
    key BIGINT NOT NULL,
    revision INTEGER NOT NULL,
    state TEXT NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE,
    settled_at TIMESTAMP WITH TIME ZONE,
    outcome TEXT,
    reason TEXT,
    PRIMARY KEY (turn_id, slot)
)
 WITH (fillfactor = 70);

CREATE TABLE audience (
    id UUID NOT NULL,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    rows_read INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX audience_owner ON audience (owner, created_at);

CREATE TABLE audience_dropped (
    audience_id UUID NOT NULL,
    line INTEGER NOT NULL,
    owner TEXT NOT NULL,
    content TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (audience_id, line)
);

CREATE TABLE audience_recipient (
    audience_id UUID NOT NULL,
    position INTEGER NOT NULL,
    owner TEXT NOT NULL,
    line INTEGER NOT NULL,
    username TEXT,
    phone TEXT,
    user_id BIGINT,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    fields JSONB NOT NULL,
    PRIMARY KEY (audience_id, position)
);

CREATE TABLE campaign (
    id UUID NOT NULL,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    platform TEXT NOT NULL,
    adapter TEXT NOT NULL,
    audience_id UUID NOT NULL,
    action TEXT NOT NULL,
    destination TEXT NOT NULL,
    texts TEXT[] NOT NULL,
    message_when_refused BOOLEAN NOT NULL,
    add_contact_first BOOLEAN NOT NULL,
    join_destination BOOLEAN NOT NULL,
    account_ids TEXT[],
    revision INTEGER NOT NULL,
    recipients INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    idempotency_key TEXT,
    request_hash TEXT NOT NULL,
    wanted TEXT NOT NULL,
    control_no INTEGER NOT NULL,
    wanted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    phase TEXT NOT NULL,
    why TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    until TIMESTAMP WITH TIME ZONE,
    acknowledged_no INTEGER NOT NULL,
    accounts_checked_at TIMESTAMP WITH TIME ZONE,
    started_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX campaign_idempotency ON campaign (owner, idempotency_key);

CREATE INDEX campaign_live ON campaign (id) WHERE ended_at IS NULL AND wanted <> 'none';

CREATE INDEX campaign_owner ON campaign (owner, created_at);

CREATE TABLE campaign_account (
    campaign_id UUID NOT NULL,
    account_id TEXT NOT NULL,
    owner TEXT NOT NULL,
    can_invite BOOLEAN NOT NULL,
    checked BOOLEAN NOT NULL,
    warnings TEXT[] NOT NULL,
    why TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    until TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (campaign_id, account_id)
);

CREATE TABLE counter (
    campaign_id UUID NOT NULL,
    account_id TEXT NOT NULL,
    action TEXT NOT NULL,
    instead BOOLEAN NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    final BOOLEAN NOT NULL,
    owner TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (campaign_id, account_id, action, instead, kind, reason, final)
);

CREATE TABLE peer (
    campaign_id UUID NOT NULL,
    peer TEXT NOT NULL,
    owner TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (campaign_id, peer)
);

CREATE TABLE progress (
    campaign_id UUID NOT NULL,
    minute TIMESTAMP WITH TIME ZONE NOT NULL,
    account_id TEXT NOT NULL,
    owner TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (campaign_id, minute, account_id)
);

CREATE TABLE queue (
    campaign_id UUID NOT NULL,
    action TEXT NOT NULL,
    lane TEXT NOT NULL,
    seq BIGINT NOT NULL,
    owner TEXT NOT NULL,
    position INTEGER NOT NULL,
    instead BOOLEAN NOT NULL,
    tried TEXT[] NOT NULL,
    bound_to TEXT,
    bound_hard BOOLEAN NOT NULL,
    PRIMARY KEY (campaign_id, action, lane, seq)
);

CREATE INDEX queue_bound ON queue (campaign_id, bound_to) WHERE bound_to IS NOT NULL;

CREATE TABLE recipient (
    campaign_id UUID NOT NULL,
    position INTEGER NOT NULL,
    owner TEXT NOT NULL,
    username TEXT,
    phone TEXT,
    user_id BIGINT,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    fields JSONB NOT NULL,
    outcome TEXT,
    reason TEXT,
    action TEXT,
    instead BOOLEAN,
    account_id TEXT,
    settled_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (campaign_id, position)
)
 WITH (fillfactor = 70);

CREATE TABLE turn (
    id TEXT NOT NULL,
    owner TEXT NOT NULL,
    campaign_id UUID NOT NULL,
    adapter TEXT NOT NULL,
    account_id TEXT NOT NULL,
    action TEXT NOT NULL,
    budget TEXT NOT NULL,
    fence BIGINT NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX turn_open ON turn (owner, adapter, account_id) WHERE closed_at IS NULL;

CREATE INDEX turn_open_campaign ON turn (campaign_id) WHERE closed_at IS NULL;

CREATE TABLE usage (
    owner TEXT NOT NULL,
    scope TEXT NOT NULL,
    budget TEXT NOT NULL,
    hour TIMESTAMP WITH TIME ZONE NOT NULL,
    amount INTEGER NOT NULL,
    PRIMARY KEY (owner, scope, budget, hour)
);

-- Order behind all first places: see `queue.seq`.
CREATE SEQUENCE queue_tail AS bigint START 1000000000000;

-- Row-level security: a transaction sees and changes the rows of the owner that it names, and without one, none.
CREATE FUNCTION present_owner() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('app.owner', true), '') $$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'account', 'address_book', 'attempt', 'audience', 'audience_dropped', 'audience_recipient', 'campaign', 'campaign_account',
        'counter', 'peer', 'progress', 'queue', 'recipient', 'turn', 'usage'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY owner_only ON %I TO invite_owner, invite_api, invite_worker '
                       'USING (owner = present_owner()) WITH CHECK (owner = present_owner())', name);
        EXECUTE format('GRANT SELECT ON %I TO invite_api, invite_worker', name);
    END LOOP;
    -- COPY is refused under row-level security: it goes into a temporary table first.
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO invite_api', current_database());
END
$$;

-- The API makes audiences and campaigns, and writes wishes; it cannot touch what the worker writes.
GRANT INSERT ON audience, audience_recipient, audience_dropped, campaign, recipient, queue, counter TO invite_api;
GRANT UPDATE (wanted, control_no, wanted_at) ON campaign TO invite_api;
GRANT UPDATE (state, reason, since, until, failures_running) ON account TO invite_api;

GRANT INSERT, UPDATE ON account, address_book, attempt, campaign_account, counter, progress, turn, usage TO invite_worker;
GRANT INSERT ON peer TO invite_worker;
GRANT INSERT, DELETE, UPDATE (bound_to) ON queue TO invite_worker;
GRANT USAGE ON SEQUENCE queue_tail TO invite_worker;
GRANT UPDATE (outcome, reason, action, instead, account_id, settled_at) ON recipient TO invite_worker;
GRANT UPDATE (wanted, control_no, wanted_at, phase, why, since, until, acknowledged_no, accounts_checked_at,
              started_at, ended_at) ON campaign TO invite_worker;

-- Housekeeping crosses owners through these functions only, which tell ids and nothing else.
GRANT SELECT (id, owner, platform, wanted, control_no, acknowledged_no, wanted_at, ended_at) ON campaign TO invite_housekeeping;
GRANT SELECT (id, owner, campaign_id, adapter, account_id, opened_at, closed_at) ON turn TO invite_housekeeping;
GRANT SELECT (owner, adapter, account_id, lease_until) ON account TO invite_housekeeping;
CREATE POLICY housekeeping ON campaign FOR SELECT TO invite_housekeeping USING (true);
CREATE POLICY housekeeping ON turn FOR SELECT TO invite_housekeeping USING (true);
CREATE POLICY housekeeping ON account FOR SELECT TO invite_housekeeping USING (true);

CREATE FUNCTION live_campaigns(after uuid, at_most integer)
    RETURNS TABLE (owner text, campaign_id uuid, platform text, wanted text, control_no integer, acknowledged_no integer,
                   wanted_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
        SELECT c.owner, c.id, c.platform, c.wanted, c.control_no, c.acknowledged_no, c.wanted_at FROM public.campaign c
        WHERE c.ended_at IS NULL AND c.wanted <> 'none' AND c.id > after ORDER BY c.id LIMIT at_most
    $$;

CREATE FUNCTION stale_turns(opened_before timestamptz, at_most integer)
    RETURNS TABLE (owner text, campaign_id uuid, adapter text, account_id text, turn_id text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
        SELECT t.owner, t.campaign_id, t.adapter, t.account_id, t.id
        FROM public.turn t JOIN public.account a USING (owner, adapter, account_id)
        WHERE t.closed_at IS NULL AND t.opened_at < opened_before
          AND coalesce(a.lease_until, '-infinity') < clock_timestamp()
        ORDER BY t.opened_at LIMIT at_most
    $$;

-- Before they are handed over: from a function of another's, a right is revoked with a warning only, and stays.
REVOKE EXECUTE ON FUNCTION live_campaigns(uuid, integer), stale_turns(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION live_campaigns(uuid, integer), stale_turns(timestamptz, integer) TO invite_worker;
GRANT CREATE ON SCHEMA public TO invite_housekeeping;
ALTER FUNCTION live_campaigns(uuid, integer) OWNER TO invite_housekeeping;
ALTER FUNCTION stale_turns(timestamptz, integer) OWNER TO invite_housekeeping;
REVOKE CREATE ON SCHEMA public FROM invite_housekeeping;
GRANT USAGE ON SCHEMA public TO invite_housekeeping, invite_api, invite_worker;
