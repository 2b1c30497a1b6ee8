-- As `convert_to` is not immutable, an immutable function around it is called, each time anew, instead of being unfolded.
ALTER FUNCTION digest_of(text, text) STABLE;

-- Under what other names somebody who was found is known.
CREATE INDEX address_book_value ON address_book (owner, adapter, account_id, value);
CREATE INDEX peer_anywhere ON peer (owner, peer);

-- The platform may tell the worker that somebody has opted out.
GRANT INSERT ON suppression TO invite_worker;

-- Of an erased person the digest on the list alone is left.
GRANT DELETE ON refusal TO invite_api;
