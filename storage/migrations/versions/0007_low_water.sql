-- Where each lane of a queue begins: what was claimed below is dead in the index until a vacuum, and is not walked over.
CREATE TABLE queue_low (
    campaign_id UUID NOT NULL,
    action TEXT NOT NULL,
    lane TEXT NOT NULL,
    owner TEXT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, action, lane)
);

ALTER TABLE queue_low ENABLE ROW LEVEL SECURITY;
ALTER TABLE queue_low FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_only ON queue_low TO invite_owner, invite_api, invite_worker
    USING (owner = present_owner()) WITH CHECK (owner = present_owner());
GRANT SELECT ON queue_low TO invite_api, invite_worker;
GRANT INSERT, UPDATE ON queue_low TO invite_worker;
GRANT SELECT ON SEQUENCE queue_tail TO invite_worker;

-- Who is known by an id alone waits for the account that has seen them.
ALTER TABLE queue ADD CONSTRAINT queue_by_id_bound CHECK (lane <> 'user_id' OR bound_to IS NOT NULL);

-- Those who wait for one account: in the queue's order, so that the first is found without the others' being read.
DROP INDEX queue_bound;
CREATE INDEX queue_bound ON queue (campaign_id, bound_to, action, lane, seq) WHERE bound_to IS NOT NULL;
