"""The accounts of a plan: as their owner's list has them, and as we have met them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from domain.account import AccountState, ExternalStatus, KnownAccount
from domain.crews import Member
from domain.standing import Standing


def members(
    met: Mapping[str, Member], listed: Sequence[KnownAccount] | None, chosen: Collection[str] | None
) -> list[Member]:
    """Those that may work. `listed`: None, if the list cannot be read; `chosen`: None for all of the platform.

    Whom we have not met is new to us: it has spent nothing, and may invite until it is looked up. Whom the list does
    not have any more is switched off.
    """
    if listed is None:
        found = list(met.values())
    else:
        names = {each.account_id for each in listed}
        found = [_joined(met.get(each.account_id), each) for each in listed]
        found += [replace(member, active=False) for name, member in met.items() if name not in names]
    return sorted(
        (each for each in found if chosen is None or each.account_id in chosen), key=lambda each: each.account_id
    )


def _joined(met: Member | None, listed: KnownAccount) -> Member:
    active = listed.status is ExternalStatus.ACTIVE
    if met is None:
        new = Standing(AccountState.ACTIVE, created_at=listed.created_at)
        return Member(listed.account_id, listed.label, new, active=active)
    standing = replace(met.standing, created_at=listed.created_at)
    return replace(met, label=listed.label, standing=standing, active=active)
