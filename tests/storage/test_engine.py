"""The way to the database."""

from collections.abc import Mapping

import pytest

from domain.errors import DatabaseAway
from storage.engine import Database


async def test_postgresql_without_tls_is_refused_where_the_address_demands_it(
    database_urls: Mapping[str, str],
) -> None:
    url = database_urls["invite_api"]
    for mode, there in (("prefer", True), ("require", False), ("verify-full", False)):
        database = Database(f"{url}{'&' if '?' in url else '?'}sslmode={mode}", pool_size=2)
        if there:
            await database.ping()
        else:
            with pytest.raises(DatabaseAway):
                await database.ping()
        await database.close()
