-- Made once, when the data folder is new, by its superuser and after storage/roles.sql: passwords and databases.
-- Passwords come from the environment, so that neither `ps` nor a file has them.
\set ON_ERROR_STOP on
\getenv owner_password INVITE_OWNER_PASSWORD
\getenv api_password INVITE_API_PASSWORD
\getenv worker_password INVITE_WORKER_PASSWORD
\getenv temporal_password TEMPORAL_PASSWORD
ALTER ROLE invite_owner PASSWORD :'owner_password';
ALTER ROLE invite_api PASSWORD :'api_password';
ALTER ROLE invite_worker PASSWORD :'worker_password';
CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';

CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
CREATE DATABASE invite OWNER invite_owner ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C' TEMPLATE template0;
REVOKE ALL ON DATABASE invite, temporal, temporal_visibility FROM PUBLIC;
GRANT CONNECT ON DATABASE invite TO invite_owner, invite_api, invite_worker;
\connect invite
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO invite_owner, invite_api, invite_worker;
GRANT CREATE ON SCHEMA public TO invite_owner;
