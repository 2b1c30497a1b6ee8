"""What bounds a plan: what would have to change for the campaign to end sooner, or at all."""

from datetime import datetime, timedelta
from enum import StrEnum

from domain.crews import Request
from domain.languages import by_language
from domain.platform import Action, Budget
from domain.spreading import Crew, Spread
from domain.standing import account_rest
from domain.terms import Pace

FULL = 0.8
"""A budget that gets so full bounds the plan."""
MOSTLY = 0.5
"""What takes more than that part of the time bounds the plan."""
CLOSE = 1.05
"""A pause so close to the safe one is the safe one."""


class Bound(StrEnum):
    """The bounds."""

    NOTHING_LEFT = "nothing_left"
    BUDGET = "budget"
    PACE = "pace"
    GAP = "gap"
    WINDOW = "window"
    START = "start"
    ACCOUNTS_RESTING = "accounts_resting"
    NO_ACCOUNTS = "no_accounts"
    ACCOUNTS_GONE = "accounts_gone"
    NO_ADMIN = "no_admin"
    FORBIDDEN = "forbidden"
    TOO_LONG = "too_long"


_SENTENCES: dict[Bound, tuple[str, str]] = {
    Bound.NOTHING_LEFT: ("Nobody is left to be served.", "Никого не осталось."),
    Bound.BUDGET: (
        "The daily limit of the accounts. More accounts would be faster.",
        "Дневной лимит аккаунтов. С большим числом аккаунтов будет быстрее.",
    ),
    Bound.PACE: (
        "The even pace: the actions are spread over the day. A fast pace would be faster.",
        "Равномерный темп: действия распределены на весь день. Быстрый темп был бы быстрее.",
    ),
    Bound.GAP: (
        "The safe pause between two actions of an account. More accounts would be faster.",
        "Безопасная пауза между двумя действиями аккаунта. С большим числом аккаунтов будет быстрее.",
    ),
    Bound.WINDOW: (
        "The hours that you have set. More hours, or more accounts, would be faster.",
        "Часы, которые вы задали. С большим числом часов или аккаунтов будет быстрее.",
    ),
    Bound.START: ("The start that you have set.", "Назначенное вами время начала."),
    Bound.ACCOUNTS_RESTING: (
        "Accounts that rest until the platform lets them work again.",
        "Аккаунты отдыхают, пока платформа не позволит им работать.",
    ),
    Bound.NO_ACCOUNTS: ("There is no account for it. Add one.", "Для этого нет ни одного аккаунта. Добавьте аккаунт."),
    Bound.ACCOUNTS_GONE: (
        "All accounts are blocked or switched off. Enable one or add one.",
        "Все аккаунты заблокированы или выключены. Включите или добавьте аккаунт.",
    ),
    Bound.NO_ADMIN: (
        "No account may add people there. Make one an administrator with that right.",
        "Ни один аккаунт не может добавлять туда людей. Сделайте один администратором с этим правом.",
    ),
    Bound.FORBIDDEN: (
        "A limit of 0 forbids it: the campaign's own, or the platform's.",
        "Это запрещает лимит, равный 0: самой кампании или платформы.",
    ),
    Bound.TOO_LONG: (
        "It would take more than ten years. Add accounts.",
        "Это заняло бы больше десяти лет. Добавьте аккаунты.",
    ),
}


def sentence(bound: Bound) -> dict[str, str]:
    """The bound in words, by language code."""
    return by_language(_SENTENCES[bound])


def bound(request: Request, crews: list[Crew], planned: Spread) -> tuple[Bound, Budget | None]:
    """What bounds a plan for people who wait, and the budget that does, if it is one."""
    if planned.end is None:
        return _why_never(request)
    if planned.end > request.now:
        waits = _waits(request, planned.end)
        if waits is not None:
            return waits, None
    budget = _fullest(crews, planned)
    if budget is not None:
        return Bound.BUDGET, budget
    if request.terms.pace is Pace.EVEN and planned.every > planned.gap * CLOSE:
        return Bound.PACE, None
    schedule = request.terms.schedule
    open_time = schedule.open_time(request.now, planned.end)
    closed = open_time < (planned.end - request.now) * MOSTLY
    return Bound.WINDOW if closed else Bound.GAP, None


def _why_never(request: Request) -> tuple[Bound, Budget | None]:
    if not request.members:
        return Bound.NO_ACCOUNTS, None
    working = [each for each in request.members if each.works]
    if not working:
        return Bound.ACCOUNTS_GONE, None
    due = [each for each in request.work if each.action is Action.INVITE or any(each.waiting.values())]
    if any(not any(request.may(member, work) for member in working) for work in due):
        return Bound.NO_ADMIN, None
    budgets = {
        budget
        for number, work in enumerate(request.work)
        for lane in request.lanes(number)
        if lane.share
        for budget in lane.waiting.budgets
        if not min(request.limits.daily[budget], request.terms.daily.get(budget, 1))
    }
    return (Bound.FORBIDDEN, min(budgets)) if budgets else (Bound.TOO_LONG, None)


def _waits(request: Request, end: datetime) -> Bound | None:
    """What keeps everybody waiting for most of the time, at the beginning of it."""
    whole = end - request.now
    start_at = request.terms.schedule.start_at
    if start_at is not None and start_at - request.now > whole * MOSTLY:
        return Bound.START
    rests = [account_rest(request.now, each.standing) for each in request.members if each.works]
    lost = sum(
        (max(min(rest.until, end) - request.now, timedelta(0)) for rest in rests if rest and rest.until), timedelta(0)
    )
    return Bound.ACCOUNTS_RESTING if lost > whole * MOSTLY * len(rests) else None


def _fullest(crews: list[Crew], planned: Spread) -> Budget | None:
    """The budget that the accounts use up for the work that ends last."""
    found = [
        (crew.size, *planned.full[planned.last, number])
        for number, crew in enumerate(crews)
        if (planned.last, number) in planned.full
    ]
    total = sum(size for size, _, _ in found)
    if not total or sum(size * full for size, full, _ in found) < FULL * total:
        return None
    return max(found, key=lambda each: (each[1], each[0]))[2]
