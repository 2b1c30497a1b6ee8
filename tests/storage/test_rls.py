"""Row-level security: as each role, statements without any owner filter read and change nothing of another owner's."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import errors, sql
from sqlalchemy import text

from domain.audience import Contact, DropReason, FileLimits, Line
from domain.audit import OPERATOR, Act, Event
from domain.campaign import State
from domain.errors import DatabaseAway
from domain.parsed import ParsedPage
from domain.platform import Action
from domain.ports import Found
from domain.suppression import Source
from domain.turn import Turn
from storage.audit import AuditTrail
from storage.engine import Ask, Database, together
from storage.housekeeping import Housekeeping
from storage.imports import Imports
from tests.storage.world import FLOOD, INVITED, LOOKS, NOBODYS, TABLES, World, ref

MINE, THEIRS = "anna", "boris"
ROLES = ("invite_owner", "invite_api", "invite_worker")
SERVICE = ("invite_api", "invite_worker")
EVERY_ROLE = (*ROLES, "invite_housekeeping", "postgres", "pg_read_all_data", "pg_write_all_data")

Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
async def world(world: World) -> World:
    """Rows of two owners in every table."""
    for owner in (MINE, THEIRS):
        lines = [Line(1, "anna", Contact("anna")), Line(2, "?", DropReason.NOT_A_NAME)]
        await world.audiences.store(owner, "list", lines, world.now, 10)
        imported = await Imports(world.api, FileLimits()).begin(owner, "parsed", "chat-1", None, world.now)
        page = ParsedPage('["@vera"]', 1, None, None, "2")
        await world.imports.keep(owner, imported, await world.imports.place(owner, imported), page)
        campaign = await world.campaign(4, owner=owner)
        await world.book("a", owner).keep({"username:anna": "1:2"})
        for outcome in (INVITED, FLOOD, None):
            turn = await world.turns.begin(world.key(campaign, "a", owner=owner), Action.INVITE, world.now)
            assert isinstance(turn, Turn)
            found = Found(f"peer-{turn.attempts[0].person.position}")
            person = turn.attempts[0].person
            assert await world.turns.identify(world.key(campaign, "a", owner=owner), person, found) is None
            if outcome:
                await world.turns.settle(turn.turn_id, ref("a", owner), {0: outcome}, world.now)
            world.now += timedelta(minutes=1)
        await world.suppression.add(owner, ["username:vera"], Source.API, "", world.now)
        await world.do("INSERT INTO refusal VALUES (%s, 'telegram', '\\x00', 'deleted', now())", owner)
        await look_for_members(world, owner)
        await world.do("INSERT INTO last_text VALUES (%s, 'telegram', 'a', 'turn', 1)", owner)
        await world.runs.review(owner, campaign, None, world.now)
        await world.events.set_webhook(owner, "https://example.com", [State.DONE], b"seed", world.now)
        await AuditTrail(world.api).record(owner, Act(Event.CAMPAIGN_COMMANDED, OPERATOR, world.now), campaign)
    for table in TABLES:
        rows = await world.query(f"SELECT owner FROM {table} GROUP BY owner ORDER BY owner")
        assert [row["owner"] for row in rows] == [MINE, THEIRS], f"the test needs rows of both in {table}"
    return world


async def look_for_members(world: World, owner: str) -> None:
    """Who was invited is seen there, and is to be looked for once more."""
    due = world.now + LOOKS[0]
    sought = await world.looks.due(ref("a", owner), due)
    assert sought is not None
    await world.looks.seen(ref("a", owner), sought, {person.position: True for person in sought.people}, due)


@contextmanager
def connected(urls: Mapping[str, str], role: str, owner: str | None = None) -> Iterator[Connection]:
    """One transaction of a role, in an owner's name or in none; committed."""
    with psycopg.connect(urls[role].replace("+psycopg", "")) as connection:
        if owner is not None:
            connection.execute("SELECT set_config('app.owner', %s, true)", [owner])
        yield connection


async def rows_of(world: World, owner: str) -> dict[str, list[dict[str, Any]]]:
    """Byte for byte, and with the marks that even a rolled-back change or a lock leaves."""
    return {
        table: await world.query(
            f"SELECT ctid::text, xmin::text, xmax::text, t::text AS line FROM {table} t WHERE owner = %s ORDER BY 1",
            owner,
        )
        for table in TABLES
    }


def writable(connection: Connection, table: str) -> list[str]:
    """The columns that the role may update."""
    rows = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
        "AND has_column_privilege(attrelid, attname, 'UPDATE') ORDER BY attnum",
        [table],
    )
    return [row[0] for row in rows]


def may(connection: Connection, table: str, right: str) -> bool:
    row = connection.execute("SELECT has_table_privilege(%s, %s)", [table, right]).fetchone()
    assert row is not None
    return bool(row[0])


def refused(connection: Connection, statement: sql.Composable | str, values: list[object] | None = None) -> None:
    """It must fail for want of a right, and leave the transaction usable."""
    query = sql.SQL(statement) if isinstance(statement, str) else statement  # type: ignore[arg-type]
    with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
        connection.execute(query, values)


def copy_of_a_row(table: str) -> sql.Composed:
    """An INSERT of a row that differs in its owner only; its key is taken, so it can never succeed twice over."""
    statement = (
        "INSERT INTO {0} SELECT (jsonb_populate_record(t, jsonb_build_object('owner', %s::text))).* FROM {0} t LIMIT 1"
    )
    return sql.SQL(statement).format(sql.Identifier(table))  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ROLES)
async def test_no_statement_reaches_another_owners_rows(
    world: World, database_urls: Mapping[str, str], role: str
) -> None:
    before = await rows_of(world, THEIRS)
    mine = {table: len(rows) for table, rows in (await rows_of(world, MINE)).items()}
    for table in TABLES:
        name = sql.Identifier(table)
        with connected(database_urls, role, MINE) as connection:
            found = connection.execute(sql.SQL("SELECT owner FROM {}").format(name)).fetchall()
            assert found == [(MINE,)] * mine[table], table
            for column in writable(connection, table):
                update = sql.SQL("UPDATE {0} SET {1} = {1}").format(name, sql.Identifier(column))
                assert connection.execute(update).rowcount == mine[table], (table, column)
            if writable(connection, table):
                locked = connection.execute(sql.SQL("SELECT FROM {} FOR UPDATE").format(name))
                assert locked.rowcount == mine[table]
            if "owner" in writable(connection, table):
                refused(connection, sql.SQL("UPDATE {} SET owner = 'boris'").format(name))
            refused(connection, copy_of_a_row(table), [THEIRS])
    for table in reversed(TABLES):
        with connected(database_urls, role, MINE) as connection:
            delete = sql.SQL("DELETE FROM {}").format(sql.Identifier(table))
            if may(connection, table, "DELETE"):
                left = (await rows_of(world, MINE))[table]
                assert connection.execute(delete).rowcount == len(left), table
            else:
                refused(connection, delete)
    assert await rows_of(world, THEIRS) == before


@pytest.mark.parametrize("role", ROLES)
async def test_without_an_owner_there_is_nothing(world: World, database_urls: Mapping[str, str], role: str) -> None:
    before = await world.everything()
    for table in TABLES:
        name = sql.Identifier(table)
        for owner in (None, "", "nobody", "%"):
            with connected(database_urls, role, owner) as connection:
                assert connection.execute(sql.SQL("SELECT FROM {}").format(name)).rowcount == 0
                for column in writable(connection, table):
                    update = sql.SQL("UPDATE {0} SET {1} = {1}").format(name, sql.Identifier(column))
                    assert connection.execute(update).rowcount == 0
                if may(connection, table, "DELETE"):
                    assert connection.execute(sql.SQL("DELETE FROM {}").format(name)).rowcount == 0
    assert await world.everything() == before


@pytest.mark.parametrize("role", ROLES)
async def test_a_row_cannot_be_made_without_its_owner(
    world: World, database_urls: Mapping[str, str], role: str
) -> None:
    [campaign] = await world.query("SELECT id FROM campaign WHERE owner = %s", MINE)
    usage = "INSERT INTO usage VALUES ('anna', 's', 'b', now(), 1)"
    queue = "INSERT INTO queue VALUES (%s, 'invite', 'phone', 99, 'anna', 99, false, '{}', NULL, false)"
    for owner in (None, "", THEIRS):
        with connected(database_urls, role, owner) as connection:
            refused(connection, usage)
            refused(connection, queue, [campaign["id"]])
    with connected(database_urls, role, MINE) as connection:
        connection.execute(sql.SQL(queue), [campaign["id"]])


@pytest.mark.parametrize("role", ROLES)
async def test_reading_past_the_policy_is_an_error_not_a_leak(
    world: World, database_urls: Mapping[str, str], role: str
) -> None:
    for table in TABLES:
        with connected(database_urls, role, MINE) as connection:
            connection.execute("SET LOCAL row_security = off")
            refused(connection, sql.SQL("SELECT FROM {}").format(sql.Identifier(table)))
        copying = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))
        with (
            connected(database_urls, role, MINE) as connection,
            connection.cursor() as cursor,
            cursor.copy(copying) as copy,
        ):
            assert THEIRS.encode() not in b"".join(bytes(chunk) for chunk in copy)


class TestRoles:
    def test_none_is_more_than_it_seems(self, database_urls: Mapping[str, str]) -> None:
        with connected(database_urls, "invite_worker") as connection:
            rows = connection.execute(
                "SELECT rolname, rolcanlogin, "
                "rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication "
                "FROM pg_roles WHERE rolname LIKE 'invite%' ORDER BY 1"
            ).fetchall()
        assert rows == [
            ("invite_api", True, False),
            ("invite_housekeeping", False, False),
            ("invite_owner", True, False),
            ("invite_worker", True, False),
        ]

    @pytest.mark.parametrize("role", SERVICE)
    def test_the_service_cannot_become_another(self, database_urls: Mapping[str, str], role: str) -> None:
        with connected(database_urls, role) as connection:
            for other in (other for other in EVERY_ROLE if other != role):
                refused(connection, sql.SQL("SET ROLE {}").format(sql.Identifier(other)))
                refused(connection, sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(other)))

    def test_the_schemas_owner_can_become_housekeeping_only_to_hand_functions_over(
        self, database_urls: Mapping[str, str]
    ) -> None:
        with connected(database_urls, "invite_owner") as connection:
            for other in ("invite_api", "invite_worker", "postgres"):
                refused(connection, sql.SQL("SET ROLE {}").format(sql.Identifier(other)))
            row = connection.execute("SELECT pg_has_role('invite_housekeeping', 'USAGE')").fetchone()
            assert row == (False,), "it must not inherit housekeeping's rights"

    @pytest.mark.parametrize("role", SERVICE)
    def test_the_service_cannot_change_the_schema(self, database_urls: Mapping[str, str], role: str) -> None:
        with connected(database_urls, role, MINE) as connection:
            refused(connection, "CREATE TABLE mine (x int)")
            refused(connection, "CREATE SCHEMA mine")
            refused(connection, "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'")
            refused(connection, f"ALTER ROLE {role} BYPASSRLS")
            for table in TABLES:
                name = sql.Identifier(table)
                for change in (
                    "ALTER TABLE {} DISABLE ROW LEVEL SECURITY",
                    "ALTER TABLE {} NO FORCE ROW LEVEL SECURITY",
                    "ALTER TABLE {} ADD x int",
                    "DROP POLICY owner_only ON {}",
                    "CREATE POLICY more ON {} USING (true)",
                    "TRUNCATE {}",
                    "DROP TABLE {}",
                ):
                    refused(connection, sql.SQL(change).format(name))  # type: ignore[arg-type]
            refused(connection, "SELECT FROM alembic_version")

    async def test_those_who_take_lists_in_make_temporary_tables(
        self, world: World, database_urls: Mapping[str, str]
    ) -> None:
        for role in SERVICE:
            with connected(database_urls, role) as connection:
                connection.execute("CREATE TEMPORARY TABLE t (x int)")

    async def test_the_api_cannot_write_what_the_worker_writes(
        self, world: World, database_urls: Mapping[str, str]
    ) -> None:
        with connected(database_urls, "invite_api", MINE) as connection:
            for column in ("phase", "why", "since", "until", "acknowledged_no", "started_at", "ended_at", "recipients"):
                refused(connection, f"UPDATE campaign SET {column} = {column}")
            wish = {"wanted", "control_no", "wanted_at", "held", "held_base"}
            edit = {"texts", "account_ids", "revision", "accounts_checked_at", "priority", "pace", "schedule", "limits"}
            edit |= {"post", "message_budget", "message_hints"}
            told = {"accounts_told"}
            assert set(writable(connection, "campaign")) == wish | edit | told
            for table in (
                *("recipient", "queue", "turn", "attempt", "counter", "progress", "usage", "campaign_account"),
                *("address_book", "peer", "waiter", "flood", "look", "membership", "audit"),
            ):
                assert writable(connection, table) == [], table
            for table in TABLES:
                deletable = table in ("waiter", "suppression", "refusal", "webhook") or table.startswith("audience")
                assert may(connection, table, "DELETE") == deletable, table
            assert writable(connection, "event") == ["due_at"], "how a delivery went is the worker's to tell"
            assert writable(connection, "audience") == ["name", "rows_read", "stored"]
            assert writable(connection, "audience_page") == ["content"], "who is erased is taken out of it"
            for table in (
                "account",
                "turn",
                "attempt",
                "progress",
                "usage",
                "campaign_account",
                "address_book",
                "peer",
                "waiter",
                "flood",
                "look",
                "membership",
            ):
                refused(connection, copy_of_a_row(table), [MINE])
            for column in ("lease_until", "lease_holder", "fence", "credentials_version", "next_at", "slow", "tier"):
                refused(connection, f"UPDATE account SET {column} = {column}")

    async def test_the_worker_cannot_make_campaigns_or_audiences(
        self, world: World, database_urls: Mapping[str, str]
    ) -> None:
        with connected(database_urls, "invite_worker", MINE) as connection:
            # An audience that the API has made it fills.
            for table in ("campaign", "audience", "recipient"):
                refused(connection, copy_of_a_row(table), [MINE])
            for column in ("texts", "destination", "owner", "recipients", "idempotency_key", "schedule", "limits"):
                refused(connection, f"UPDATE campaign SET {column} = {column}")
            for table in ("audience_recipient", "audience_dropped", "audience_page", "peer"):
                assert writable(connection, table) == []
            for column in ("name", "owner", "parsed_data_id", "created_at"):
                refused(connection, f"UPDATE audience SET {column} = {column}")
            deletable = {
                "queue",
                "waiter",
                "recipient",
                "attempt",
                "turn",
                "peer",
                "queue_low",
                "address_book",
                "usage",
            }
            deletable |= {
                "look",
                "flood",
                "audience",
                "audience_recipient",
                "audience_dropped",
                "audience_page",
                "event",
            }
            for table in TABLES:
                assert may(connection, table, "DELETE") == (table in deletable), table


class TestHousekeeping:
    async def test_the_worker_is_told_ids_over_owners(self, world: World) -> None:
        live = await world.housekeeping.live_campaigns("00000000-0000-0000-0000-000000000000", 10)
        assert sorted(each.owner for each in live) == [MINE, THEIRS]
        assert await world.housekeeping.live_campaigns(live[0].campaign_id, 10) == live[1:]
        assert len(await world.housekeeping.live_campaigns("00000000-0000-0000-0000-000000000000", 1)) == 1
        assert await world.housekeeping.stale_turns(world.now, 10) == []
        await world.end_lease("a")
        stale = await world.housekeeping.stale_turns(world.now, 10)
        assert sorted(each.ref.owner for each in stale) == [MINE, THEIRS]
        assert await world.housekeeping.stale_turns(world.now - timedelta(days=1), 10) == []
        due = await world.housekeeping.due_looks(world.now + LOOKS[1], 10)
        assert sorted(each.ref.owner for each in due) == [MINE, THEIRS]
        assert await world.housekeeping.due_looks(world.now, 10) == []

    async def test_nobody_else_may_ask(self, world: World, database_urls: Mapping[str, str]) -> None:
        for role in ("invite_api", "invite_owner"):
            with connected(database_urls, role, MINE) as connection:
                refused(connection, "SELECT * FROM live_campaigns('00000000-0000-0000-0000-000000000000', 10)")
                refused(connection, "SELECT * FROM stale_turns(now(), 10)")
                refused(connection, "SELECT * FROM due_looks(now(), interval '1 hour', 10)")
                for function in ("spent_campaigns", "spent_audiences", "owners_of_old_numbers"):
                    refused(connection, f"SELECT * FROM {function}(now(), 10)")
                refused(connection, "SELECT * FROM unfinished_imports('00000000-0000-0000-0000-000000000000', 10)")
                refused(connection, "SELECT * FROM take_shares('w', '{a}', '{0}', '{30}', interval '1 s')")
                refused(connection, "SELECT leave_shares('w')")
        with connected(database_urls, "invite_owner", MINE) as connection:
            refused(connection, "SELECT floods_since('telegram', now())")
        for role in ("invite_worker", "invite_owner"):
            with connected(database_urls, role, MINE) as connection:
                refused(connection, "SELECT take_hook(gen_random_uuid(), now(), '1 hour')")

    async def test_each_function_is_called_by_whom_it_is_for(self, world: World) -> None:
        """Of all that cross owners or write for others: a new one is among them, and not open to everybody."""
        rows = await world.query(
            "SELECT p.proname AS name, has_function_privilege('invite_api', p.oid, 'EXECUTE') AS api, "
            "has_function_privilege('invite_worker', p.oid, 'EXECUTE') AS worker, "
            "EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0) "
            "AS everybody FROM pg_proc p WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace"
        )
        assert not [row["name"] for row in rows if row["everybody"]]
        both = {"floods_since"}
        api = {"forget_addresses", "forget_recipients", "owners", "take_hook"}
        api |= {f"fleet_{what}" for what in ("accounts", "campaigns", "late", "outcomes", "settled", "spent", "stuck")}
        assert {row["name"] for row in rows if row["api"]} == api | both
        assert {row["name"] for row in rows if row["worker"]} == {row["name"] for row in rows} - api

    @pytest.mark.parametrize("role", ROLES)
    def test_what_is_nobodys_is_reached_by_its_functions_alone(
        self, database_urls: Mapping[str, str], role: str
    ) -> None:
        with connected(database_urls, "invite_worker") as connection:
            connection.execute("SELECT * FROM take_shares('w', '{a}', '{0}', '{30}', interval '1 hour')")
        with connected(database_urls, "invite_api") as connection:
            connection.execute("SELECT take_hook(gen_random_uuid(), now(), '1 hour')")
        with connected(database_urls, role, MINE) as connection:
            for table in NOBODYS:
                name = sql.Identifier(table)
                if role == "invite_owner":  # its schema, and no rows of it
                    assert connection.execute(sql.SQL("SELECT FROM {}").format(name)).rowcount == 0
                    assert connection.execute(sql.SQL("DELETE FROM {}").format(name)).rowcount == 0
                    refused(connection, "INSERT INTO application_share VALUES ('a', 'v', 1, now())")
                else:
                    for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"):
                        assert not may(connection, table, right)

    async def test_the_functions_tell_ids_times_and_numbers_and_run_in_a_safe_path(self, world: World) -> None:
        rows = await world.query(
            "SELECT proname, pg_get_function_result(oid) AS tells, proowner::regrole::text AS owner, proconfig "
            "FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace ORDER BY 1"
        )
        assert all(row["proconfig"] == ["search_path=pg_catalog, public, pg_temp"] for row in rows)
        under_security = [row["proname"] for row in rows if row["owner"] == "invite_owner"]
        assert under_security == ["forget_addresses", "forget_recipients", "remove_old_audit"], (
            "these see the present owner's rows alone"
        )
        rows = [row for row in rows if row["owner"] != "invite_owner"]
        assert {row["proname"]: row["tells"] for row in rows} == {
            "due_looks": "TABLE(owner text, adapter text, account_id text, able boolean)",
            "fleet_accounts": "TABLE(platform text, state text, accounts bigint, leases bigint)",
            "fleet_campaigns": "TABLE(platform text, wanted text, phase text, why text, campaigns bigint, "
            "people bigint)",
            "fleet_late": "TABLE(platform text, n bigint)",
            "fleet_outcomes": "TABLE(platform text, kind text, final boolean, n bigint)",
            "fleet_settled": "TABLE(platform text, n bigint)",
            "fleet_spent": "TABLE(platform text, budget text, amount bigint)",
            "fleet_stuck": "TABLE(platform text, n bigint)",
            "floods_since": "bigint",
            "spent_campaigns": "TABLE(owner text, campaign_id uuid)",
            "spent_audiences": "TABLE(owner text, audience_id uuid)",
            "owners_of_old_audit": "TABLE(owner text)",
            "owners_of_old_numbers": "TABLE(owner text)",
            "unfinished_imports": "TABLE(owner text, audience_id uuid)",
            "live_campaigns": "TABLE(owner text, campaign_id uuid, platform text, wanted text, control_no integer, "
            "acknowledged_no integer, wanted_at timestamp with time zone)",
            "late_deliveries": "TABLE(owner text, campaign_id uuid)",
            "leave_shares": "void",
            "owners": "TABLE(owner text, campaigns bigint, live bigint, recipients bigint, "
            "last_made_at timestamp with time zone)",
            "take_hook": "boolean",
            "take_shares": "TABLE(taken text, granted integer)",
            "stale_turns": "TABLE(owner text, campaign_id uuid, adapter text, account_id text, turn_id text)",
        }
        assert {row["owner"] for row in rows} == {"invite_housekeeping"}
        [may] = await world.query("SELECT has_schema_privilege('invite_housekeeping', 'public', 'CREATE') AS create")
        assert not may["create"], "lent for the migration only"

    async def test_what_forgets_people_forgets_the_present_owners(
        self, world: World, database_urls: Mapping[str, str]
    ) -> None:
        before = await rows_of(world, THEIRS)
        [theirs] = await world.query("SELECT id FROM campaign WHERE owner = %s", THEIRS)
        for owner in (MINE, None):
            with connected(database_urls, "invite_api", owner) as connection:
                connection.execute("SELECT forget_recipients(%s, '{0,1,2,3}', now())", [theirs["id"]])
                connection.execute("SELECT forget_addresses('{username:anna}')")
        assert await rows_of(world, THEIRS) == before
        with connected(database_urls, "invite_worker", THEIRS) as connection:
            refused(connection, "SELECT forget_addresses('{username:anna}')")

    async def test_its_role_reads_no_more_than_they_tell(self, world: World) -> None:
        rows = await world.query(
            "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
            "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 "
            "AND has_column_privilege('invite_housekeeping', c.oid, a.attnum, 'SELECT, UPDATE, INSERT')"
        )
        found: dict[str, set[str]] = {}
        for row in rows:
            found.setdefault(row["relname"], set()).add(row["attname"])
        assert set(found) == {
            *("audience", "campaign", "turn", "account", "flood", "look", "counter", "progress", "usage"),
            *("address_book", "event", "audit", "campaign_account", *NOBODYS),
        }
        personal = {"name", "texts", "post", "destination", "label", "request_hash", "reason", "account_ids"}
        assert not any(columns & personal for columns in found.values())


async def test_every_table_has_an_owner_and_is_guarded(world: World) -> None:
    rows = await world.query(
        "SELECT c.relname AS name, c.relkind::text AS kind, c.relrowsecurity AND c.relforcerowsecurity AS guarded, "
        "EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'owner' AND attnotnull) AS owned "
        "FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') "
        "AND c.relname <> 'alembic_version'"
    )
    assert sorted(row["name"] for row in rows) == sorted([*TABLES, *NOBODYS])
    assert all(row["kind"] == "r" and row["guarded"] for row in rows), rows
    assert {row["name"] for row in rows if not row["owned"]} == set(NOBODYS)


async def test_the_policies_are_these_and_no_more(world: World) -> None:
    rows = await world.query(
        "SELECT tablename, policyname, permissive, roles::text[] AS roles, cmd, qual, with_check FROM pg_policies"
    )
    guarded = {row["tablename"] for row in rows if row["policyname"] == "owner_only"}
    assert guarded == set(TABLES)
    mine = "(owner = present_owner())"
    for row in rows:
        if row["policyname"] == "owner_only":
            assert (row["cmd"], row["qual"], row["with_check"]) == ("ALL", mine, mine)
            assert sorted(row["roles"]) == sorted(ROLES)
        else:
            all_or_read = "ALL" if row["tablename"] in NOBODYS else "SELECT"
            assert (row["policyname"], row["cmd"]) == ("housekeeping", all_or_read)
            assert row["roles"] == ["invite_housekeeping"]


class TestThePool:
    @pytest.fixture
    async def one(self, world: World, database_urls: Mapping[str, str]) -> Any:
        """A pool of one connection: whatever is left on it, the next one has."""
        database = Database(database_urls["invite_worker"], pool_size=1)
        yield database
        await database.close()

    @staticmethod
    async def seen(database: Database, owner: str | None = None) -> set[str]:
        context = database.housekeeping() if owner is None else database.owner(owner)
        async with context as tx:
            return set(await tx.scalars(text("SELECT owner FROM recipient")))

    async def test_no_owner_is_left_for_the_next_transaction(self, one: Database) -> None:
        assert await self.seen(one, MINE) == {MINE}
        assert await self.seen(one) == set()
        assert await self.seen(one, THEIRS) == {THEIRS}
        assert await self.seen(one) == set()

    @pytest.mark.parametrize("bad", ["SELECT 1 / 0", "SELECT FROM no_such_table", "UPDATE recipient SET owner = 'x'"])
    async def test_nor_after_an_error(self, one: Database, bad: str) -> None:
        with pytest.raises(Exception, match=r"."):
            async with one.owner(MINE) as tx:
                await tx.execute(text(bad))
        assert await self.seen(one) == set()
        assert await self.seen(one, THEIRS) == {THEIRS}

    async def test_nor_after_an_exception_of_the_caller(self, one: Database) -> None:
        async def changes_its_mind() -> None:
            async with one.owner(MINE) as tx:
                await tx.execute(text("UPDATE recipient SET reason = 'half'"))
                raise KeyError

        with pytest.raises(KeyError):
            await changes_its_mind()
        assert await self.seen(one) == set()
        async with one.owner(MINE) as tx:
            assert "half" not in set(await tx.scalars(text("SELECT reason FROM recipient")))

    async def test_nor_after_a_lost_connection(self, one: Database, world: World) -> None:
        async def is_cut_off() -> None:
            async with one.owner(MINE) as tx:
                pid = await tx.scalar(text("SELECT pg_backend_pid()"))
                await world.do("SELECT pg_terminate_backend(%s)", pid)
                await tx.execute(text("SELECT FROM recipient"))

        with pytest.raises(DatabaseAway):
            await is_cut_off()
        assert await self.seen(one) == set()
        assert await self.seen(one, THEIRS) == {THEIRS}

    async def test_nor_when_it_is_lost_under_statements_that_travel_together(self, one: Database, world: World) -> None:
        async def is_cut_off() -> None:
            async with one.owner(MINE) as tx:
                pid = await tx.scalar(text("SELECT pg_backend_pid()"))
                await world.do("SELECT pg_terminate_backend(%s)", pid)
                await together(tx, Ask(text("SELECT owner FROM recipient"), {}), Ask(text("SELECT 1"), {}))

        with pytest.raises(DatabaseAway):
            await is_cut_off()
        assert await self.seen(one) == set()
        assert await self.seen(one, THEIRS) == {THEIRS}

    async def test_an_empty_owner_is_refused(self, one: Database) -> None:
        with pytest.raises(ValueError, match="owner"):
            async with one.owner(""):
                pass

    async def test_housekeeping_sees_no_rows(self, one: Database) -> None:
        assert await self.seen(one) == set()
        assert len(await Housekeeping(one).live_campaigns("00000000-0000-0000-0000-000000000000", 9)) == 2
