"""Numbers over all owners, read through functions of the housekeeping role that tell sums only."""

from collections import Counter
from datetime import datetime

from sqlalchemy import text

from domain.account import AccountState
from domain.budgets import BUCKET, WINDOW
from domain.campaign import Phase, Wanted
from domain.fleet import LATE_BY_LEAST, LATE_BY_PART, SPEED_OVER, STUCK_AFTER, Fleet, Live
from domain.outcome import Kind
from domain.platform import Budget
from domain.why import Why
from storage.engine import Ask, Database, together

_LIVE = text("SELECT * FROM fleet_campaigns()")
_OUTCOMES = text("SELECT * FROM fleet_outcomes()")
_SETTLED = text("SELECT * FROM fleet_settled(:since)")
_ACCOUNTS = text("SELECT * FROM fleet_accounts()")
_SPENT = text("SELECT * FROM fleet_spent(:since)")
_LATE = text("SELECT * FROM fleet_late(:part, :at_least)")
_STUCK = text("SELECT * FROM fleet_stuck(:before)")


class Fleets:
    """The store of what operators watch."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self, now: datetime) -> Fleet:
        """Everything, as of now. Raises `Unavailable`."""
        async with self._database.housekeeping() as tx:
            live, outcomes, settled, accounts, spent, late, stuck = await together(
                tx,
                Ask(_LIVE, {}),
                Ask(_OUTCOMES, {}),
                Ask(_SETTLED, {"since": now - SPEED_OVER}),
                Ask(_ACCOUNTS, {}),
                Ask(_SPENT, {"since": now - WINDOW - BUCKET}),
                Ask(_LATE, {"part": LATE_BY_PART, "at_least": LATE_BY_LEAST}),
                Ask(_STUCK, {"before": now - STUCK_AFTER}),
            )
        leases: Counter[str] = Counter()
        for row in accounts:
            leases[row["platform"]] += row["leases"]
        return Fleet(
            at=now,
            live=[
                Live(
                    row["platform"],
                    Wanted(row["wanted"]),
                    Phase(row["phase"]),
                    Why(row["why"]),
                    row["campaigns"],
                    row["people"],
                )
                for row in live
            ],
            outcomes={(row["platform"], Kind(row["kind"]), row["final"]): row["n"] for row in outcomes},
            settled={row["platform"]: row["n"] for row in settled},
            accounts={(row["platform"], AccountState(row["state"])): row["accounts"] for row in accounts},
            leases=leases,
            spent={(row["platform"], Budget(row["budget"])): row["amount"] for row in spent},
            late={row["platform"]: row["n"] for row in late},
            stuck={row["platform"]: row["n"] for row in stuck},
        )
