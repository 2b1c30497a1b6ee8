"""A PostgreSQL cluster that we administer: its roles, their passwords, its databases."""

import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

ADMINISTRATOR = "postgres"
OWNER = "invite_owner"
LOGIN_ROLES = (OWNER, "invite_api", "invite_worker")
DATABASE = "invite"
CONNECT_TIMEOUT_S = 5
ROLES_FILE = Path(__file__).parents[1] / "storage" / "roles.sql"


def derived_passwords(admin_dsn: str) -> dict[str, str]:
    """Return passwords for the roles of a cluster that is not ours.

    Derived from its administrator's URL: two checkouts that share the cluster must agree on them.
    """
    key = admin_dsn.encode()
    return {role: hmac.new(key, role.encode(), hashlib.sha256).hexdigest() for role in LOGIN_ROLES}


class Cluster:
    """The cluster behind an administrator's connection; `passwords` by role name."""

    def __init__(self, admin_dsn: str, passwords: Mapping[str, str]) -> None:
        """`admin_dsn` is a libpq URL of a superuser. Nothing is connected yet."""
        self.admin_dsn = admin_dsn
        self._passwords = passwords
        parts = conninfo_to_dict(admin_dsn)
        self._host, self._port = parts.get("host", "127.0.0.1"), parts.get("port", 5432)

    def url(self, role: str, database: str = DATABASE) -> str:
        """Return the SQLAlchemy URL of a database for a role; KeyError for a role that cannot log in."""
        password = quote(self._passwords[role], safe="")
        return f"postgresql+psycopg://{role}:{password}@{self._host}:{self._port}/{database}"

    def answers(self) -> bool:
        """Whether the cluster takes connections and statements."""
        try:
            with self._admin() as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def make_roles(self) -> None:
        """Make the roles, and set their passwords (hashed here: no log can show them)."""
        with self._admin() as connection:
            connection.execute(ROLES_FILE.read_bytes())
            for role in LOGIN_ROLES:
                secret = connection.pgconn.encrypt_password(
                    self._passwords[role].encode(), role.encode(), b"scram-sha-256"
                )
                statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
                connection.execute(statement.format(sql.Identifier(role), sql.Literal(secret.decode())))

    def ensure_database(self, name: str = DATABASE) -> None:
        """Create the database with its rights unless it exists."""
        with self._admin() as connection:
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone()
        if found is None:
            self.create_database(name)

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database owned by invite_owner, a copy of `template` (nobody may be connected to it).

        PUBLIC gets nothing; the three login roles may connect; only invite_owner may create tables.
        psycopg.Error when the name is taken or the template in use.
        """
        database, owner = sql.Identifier(name), sql.Identifier(OWNER)
        roles = sql.SQL(", ").join(map(sql.Identifier, LOGIN_ROLES))
        with self._admin() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                    database, owner, sql.Identifier(template or "template1")
                )
            )
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
            connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, roles))
            for role in LOGIN_ROLES if template else ():  # PostgreSQL copies no rights on the database itself
                may = connection.execute("SELECT has_database_privilege(%s, %s, 'TEMPORARY')", [role, template])
                if may.fetchone() == (True,):
                    grant = sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}")
                    connection.execute(grant.format(database, sql.Identifier(role)))
        with self._admin(name) as connection:
            connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
            connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(roles))
            connection.execute(sql.SQL("GRANT CREATE ON SCHEMA public TO {}").format(owner))

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is connected to it; nothing happens when there is none."""
        with self._admin() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _admin(self, database: str | None = None) -> psycopg.Connection:
        return psycopg.connect(
            make_conninfo(self.admin_dsn, **({"dbname": database} if database else {})),
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_S,
        )
