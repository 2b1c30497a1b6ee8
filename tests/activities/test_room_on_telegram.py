"""A full process on the real client library: never more connections than it has room for, and no session destroyed."""

import asyncio
from datetime import timedelta

from activities.open_accounts import OpenAccounts, SignIn
from adapters.telegram.adapter import TelegramAdapter
from devstack.telegram_dc.server import TelegramDC
from domain.account import AccountRef, Lease, LeaseTimes, NoRoom
from domain.errors import LeaseLost
from domain.outcome import Kind, Outcome
from tests.activities.fakes import ADAPTER, HERE, HERE_QUEUE, OWNER, FakeBook, FakeLeases, Journal
from tests.adapters import telegram_town as town
from tests.adapters.telegram_town import ANNA

CAMPAIGN = "campaign-1"
ROOM = 2
ROUNDS = 3


async def test_five_accounts_take_turns_in_two_places() -> None:
    async with TelegramDC(town.town()) as dc:
        leases = FakeLeases(Journal())
        open_accounts = OpenAccounts(
            {ADAPTER: TelegramAdapter()}, leases, HERE, HERE_QUEUE, LeaseTimes(), timedelta(minutes=5), FakeBook, ROOM
        )
        connected: list[int] = []

        async def works(name: str) -> None:
            ref = AccountRef(OWNER, ADAPTER, name)
            for key in range(ROUNDS):
                while not await acts(ref, 10 * key + len(name)):
                    await asyncio.sleep(0.01)

        async def acts(ref: AccountRef, key: int) -> bool:
            lease = await open_accounts.lease(ref, CAMPAIGN)
            if isinstance(lease, NoRoom):
                return False
            assert isinstance(lease, Lease)
            try:
                assert await open_accounts.connect(ref, SignIn(town.credentials(dc, ref.account_id))) is None
                async with open_accounts.turn(ref):
                    connected.append(sum(map(open_accounts.is_connected, refs)))
                    session = open_accounts.session(ref, lease.fence)
                    assert await session.send(ANNA, "text", key) == Outcome(Kind.MESSAGED)
            except LeaseLost:
                return False
            open_accounts.rests(ref, CAMPAIGN, None)
            return True

        names = ["owner", "admin", "weak_admin", "member", "outsider"]
        refs = [AccountRef(OWNER, ADAPTER, name) for name in names]
        await asyncio.gather(*map(works, names))
        await open_accounts.close_all()
        assert max(connected) == ROOM
        assert town.delivered(dc) == len(names) * ROUNDS
        assert not dc.destroyed_sessions
        assert leases.held == {}
