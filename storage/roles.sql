-- The four roles, made once per PostgreSQL cluster by its administrator (idempotent; no passwords here).
--
-- invite_owner         owns the schema and runs the migrations; row-level security binds it too (FORCE).
-- invite_api           the HTTP facade. Reads and writes its caller's rows only.
-- invite_worker        the Temporal worker. Reads and writes the rows of the owner it works for only.
-- invite_housekeeping  cannot log in. Owns the few SECURITY DEFINER functions that cross owners.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['invite_owner', 'invite_api', 'invite_worker'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE', name);
        END IF;
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'invite_housekeeping') THEN
        CREATE ROLE invite_housekeeping NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
    END IF;
    -- Only to hand the functions over to their owner; invite_owner gains no rows by it (FORCE, and no inheritance).
    GRANT invite_housekeeping TO invite_owner WITH INHERIT FALSE;
END
$$;

-- What people are called must not stand in the server's log either, whatever it logs (SEC-5): no DETAIL and CONTEXT of an
-- error ("Key (username)=(anna) already exists"), no parameters of statements.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['invite_owner', 'invite_api', 'invite_worker'] LOOP
        EXECUTE format('ALTER ROLE %I SET log_error_verbosity = terse', name);
        EXECUTE format('ALTER ROLE %I SET log_parameter_max_length = 0', name);
        EXECUTE format('ALTER ROLE %I SET log_parameter_max_length_on_error = 0', name);
    END LOOP;
END
$$;
