"""What a turn's decision depends on, read within `begin`, and what is said of it afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from domain.account import ExternalStatus
from domain.campaign import Wanted
from domain.course import NO_PATH_IN
from domain.errors import NotFound
from domain.limits import PlatformLimits
from domain.platform import Action, Budget, Identifier
from domain.policy import Decision, GiveWay, NothingNow, Waiting
from domain.standing import Rest
from domain.terms import Terms
from domain.turn import TurnKey
from domain.why import Why
from storage import waiters
from storage.accounts import key
from storage.engine import Ask, Row
from storage.terms import terms

_CAMPAIGN = text("""
    SELECT c.wanted, c.ended_at, c.action, c.destination, c.message_budget, c.revision, c.priority, c.pace, c.schedule,
           c.limits, c.held, c.account_ids IS NULL OR ca.account_id = ANY (c.account_ids) AS chosen, ca.can_invite,
           ca.why, ca.post_unseen_no IS DISTINCT FROM c.control_no AS can_write
    FROM campaign c JOIN campaign_account ca ON ca.campaign_id = c.id AND ca.account_id = :account_id
    WHERE c.id = :campaign AND c.owner = :owner
""")

_SAY = text("""
    UPDATE campaign_account SET why = :why, until = :until, to_campaign = :to, kinds = :kinds,
                                since = CASE WHEN why = :why THEN since ELSE :now END
    WHERE campaign_id = :campaign AND account_id = :account_id
      AND (why, until, to_campaign, kinds) IS DISTINCT FROM (:why, :until, CAST(:to AS uuid), CAST(:kinds AS text[]))
""")

# Bounded: so many are enough to see that everybody may take a whole batch.
_SHARE = text("""
    SELECT accounts.n AS accounts,
           (SELECT count(*) FROM (SELECT FROM queue WHERE campaign_id = :campaign LIMIT accounts.n * :batch) enough)
               AS left
    FROM (SELECT count(*) AS n FROM campaign_account WHERE campaign_id = :campaign) accounts
""")


@dataclass(frozen=True)
class TurnCampaign:
    """The campaign, as a turn needs it. `chosen`: whether the account is (still) among those that may work for it."""

    wanted: Wanted
    ended: bool
    destination: str
    message_budget: Budget
    revision: int
    invites: bool
    can_invite: bool
    can_write: bool
    says: Why
    terms: Terms
    held: Why | None
    chosen: bool

    @property
    def halted(self) -> bool:
        """Whether it wants no actions now."""
        return self.wanted is not Wanted.RUN or self.ended


def asking(turn: TurnKey) -> Ask:
    """For the turn's campaign: see `campaign`."""
    return Ask(_CAMPAIGN, key(turn.ref) | {"campaign": turn.campaign_id})


def campaign(rows: Sequence[Row]) -> TurnCampaign:
    """The turn's campaign. Raises `NotFound`."""
    if not rows:
        raise NotFound("account in this campaign")
    [row] = rows
    return TurnCampaign(
        wanted=Wanted(row["wanted"]),
        ended=row["ended_at"] is not None,
        destination=row["destination"],
        message_budget=Budget(row["message_budget"]),
        revision=row["revision"],
        invites=row["action"] == Action.INVITE,
        can_invite=row["can_invite"],
        can_write=row["can_write"],
        says=Why(row["why"]),
        terms=terms(row),
        held=None if row["held"] is None else Why(row["held"]),
        chosen=row["chosen"],
    )


def kept_out(campaign: TurnCampaign, status: ExternalStatus) -> Rest | None:
    """What keeps the account from acting at all, before any policy: until somebody acts."""
    if status is not ExternalStatus.ACTIVE:  # switched off while its client was open
        return Rest(None, Why.ACCOUNT_INACTIVE)
    if not campaign.chosen:
        return Rest(None, Why.NOT_CHOSEN)
    return None if campaign.held is None else Rest(None, campaign.held)


def parting(turn: TurnKey, limits: PlatformLimits) -> Sequence[Ask]:
    """Among how many accounts who is left is parted, where a turn may hold several: see `share`."""
    return [] if limits.batch == 1 else [Ask(_SHARE, {"campaign": turn.campaign_id, "batch": limits.batch})]


def share(rows: Sequence[Row]) -> int:
    """A fair part of who is left."""
    [row] = rows
    return max(int(-(-row["left"] // row["accounts"])), 1)


def without_right(decision: Decision, found: TurnCampaign) -> Decision:
    """An account that finds nothing because it may not invite says that, or what is wrong with the destination; one
    that cannot forward the post says so."""
    if not isinstance(decision, NothingNow):
        return decision
    if found.invites and not found.can_invite:
        return Rest(None, found.says if found.says in NO_PATH_IN else Why.NOT_ADMIN)
    return decision if found.can_write else Rest(None, Why.POST_UNAVAILABLE)


_LOOKUPS = {Identifier.USERNAME: Budget.RESOLVE, Identifier.PHONE: Budget.ADD_CONTACT}


def waiting(action: Action, lane: Identifier, message: Budget) -> Waiting:
    """What serving the head of that lane is paid from."""
    budgets = {Action.INVITE: Budget.INVITE, Action.ADD_CONTACT: Budget.ADD_CONTACT}
    budget, lookup = budgets.get(action, message), _LOOKUPS.get(lane)
    return Waiting(action, budget, lane, None if lookup is budget else lookup)  # it is one adding of one contact


def say(turn: TurnKey, decision: Decision, now: datetime) -> Ask:
    """Let the campaign's line of this account say what it is doing. A gap is part of working."""
    why, until, to = _said(decision)
    names = {"campaign": turn.campaign_id, "account_id": turn.ref.account_id, "why": why.value, "until": until}
    kinds = waiters.kinds(decision.waiting) if isinstance(decision, GiveWay) else None
    return Ask(_SAY, names | {"to": to, "kinds": kinds, "now": now})


def _said(decision: Decision) -> tuple[Why, datetime | None, str | None]:
    match decision:
        case NothingNow():
            return Why.QUEUE_EMPTY, None, None
        case GiveWay(until, to):
            return Why.GIVES_WAY, until, to
        case Rest(until, why) if why is not Why.GAP:
            return why, until, None
        case _:
            return Why.WORKING, None, None
