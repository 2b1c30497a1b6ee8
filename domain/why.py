"""Why a campaign or an account stands where it stands, and what would end it: one machine-readable word each, and one
sentence in each language."""

from datetime import datetime
from enum import StrEnum

from domain.languages import by_language


class Why(StrEnum):
    """The reasons. The time at which one ends by itself stands beside it, where there is one."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    OUTSIDE_WINDOW = "outside_window"
    PREPARING = "preparing"
    WORKING = "working"
    GAP = "gap"
    PACE = "pace"
    GIVES_WAY = "gives_way"
    COOLDOWN = "cooldown"
    ACCOUNT_LIMITED = "account_limited"
    ACCOUNT_BLOCKED = "account_blocked"
    ACCOUNT_INACTIVE = "account_inactive"
    NOT_CHOSEN = "not_chosen"
    ACCOUNT_BUSY = "account_busy"
    ACCOUNT_ELSEWHERE = "account_elsewhere"
    WORKER_FULL = "worker_full"
    NOT_ADMIN = "not_admin"
    BUDGET_SPENT = "budget_spent"
    QUEUE_EMPTY = "queue_empty"
    NO_ACCOUNTS = "no_accounts"
    ACCOUNTS_RESTING = "accounts_resting"
    UNTRIED_RESTS = "untried_rests"
    ACCOUNTS_GONE = "accounts_gone"
    NO_ADMIN = "no_admin"
    TOO_MANY_REFUSALS = "too_many_refusals"
    TOO_MANY_FLOODS = "too_many_floods"
    TOO_MANY_BLOCKS = "too_many_blocks"
    DESTINATION_UNKNOWN = "destination_unknown"
    DESTINATION_PRIVATE = "destination_private"
    DESTINATION_FULL = "destination_full"
    DESTINATION_CLOSED = "destination_closed"
    POST_UNAVAILABLE = "post_unavailable"
    INTEGRATION_AWAY = "integration_away"
    CREDENTIALS_AWAY = "credentials_away"
    PLATFORM_AWAY = "platform_away"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    ENDED = "ended"
    OWN_ERROR = "own_error"


GUARDRAILS = (Why.TOO_MANY_BLOCKS, Why.TOO_MANY_FLOODS, Why.TOO_MANY_REFUSALS)
"""A campaign waits by itself until its owner says that it may go on; the most damaging first."""


class EndedBy(StrEnum):
    """What would end it."""

    TIME = "time"
    """It ends by itself, at `until` where that is known."""
    OWNER = "owner"
    PLATFORM = "platform"
    OPERATORS = "operators"
    OTHER_CAMPAIGN = "other_campaign"
    WORK = "work"
    """It goes on as the work does: somebody joins the queue, or the last one leaves it."""
    NOTHING = "nothing"


_SENTENCES: dict[Why, tuple[str, str]] = {
    Why.DRAFT: ("A draft: start it when you are ready.", "Черновик: запустите, когда будете готовы."),
    Why.SCHEDULED: ("It starts at the time that you have set.", "Начнётся в назначенное вами время."),
    Why.OUTSIDE_WINDOW: (
        "Outside the hours that you have set for this campaign.",
        "Сейчас не те часы, которые вы задали для этой кампании.",
    ),
    Why.PREPARING: (
        "Accounts are signing in and their rights are being checked.",
        "Аккаунты входят, проверяются их права.",
    ),
    Why.WORKING: ("At work.", "Работает."),
    Why.GAP: ("The safe pause between two actions.", "Безопасная пауза между двумя действиями."),
    Why.PACE: (
        "The day's limit is spread evenly over the day: the next action has its time.",
        "Дневной лимит распределён на весь день: у следующего действия есть своё время.",
    ),
    Why.GIVES_WAY: (
        "A campaign of yours with a higher priority has this account.",
        "Аккаунт занят вашей кампанией с более высоким приоритетом.",
    ),
    Why.COOLDOWN: (
        "The platform asked this account to wait (FloodWait).",
        "Платформа попросила этот аккаунт подождать (FloodWait).",
    ),
    Why.ACCOUNT_LIMITED: (
        "The platform limited this account for a time; it rests and then goes on. You may end the rest earlier.",
        "Платформа временно ограничила этот аккаунт; он отдохнёт и продолжит. Вы можете закончить отдых раньше.",
    ),
    Why.ACCOUNT_BLOCKED: (
        "The account is signed out or banned. Check it and enable it again.",
        "Аккаунт отключён или заблокирован. Проверьте его и включите снова.",
    ),
    Why.ACCOUNT_INACTIVE: (
        "The account is switched off in your account list.",
        "Аккаунт выключен в вашем списке аккаунтов.",
    ),
    Why.NOT_CHOSEN: (
        "You have taken the account out of this campaign.",
        "Вы убрали аккаунт из этой кампании.",
    ),
    Why.ACCOUNT_BUSY: (
        "The account is finishing an action of another campaign.",
        "Аккаунт заканчивает действие другой кампании.",
    ),
    Why.ACCOUNT_ELSEWHERE: (
        "The account is still held by another worker; it is taken over when that one's lease ends.",
        "Аккаунт ещё занят другим обработчиком; его переймут, когда истечёт аренда.",
    ),
    Why.WORKER_FULL: (
        "All connections of our workers are in use; the account takes the next one that becomes free.",
        "Все соединения наших обработчиков заняты; аккаунт займёт первое освободившееся.",
    ),
    Why.NOT_ADMIN: (
        "The account is not an administrator with the right to add people; it can only send messages.",
        "Аккаунт не администратор с правом добавлять людей; он может только писать сообщения.",
    ),
    Why.BUDGET_SPENT: ("Today's limit of this account is used up.", "Дневной лимит этого аккаунта исчерпан."),
    Why.QUEUE_EMPTY: (
        "Nobody is left in the queue for this account at the moment.",
        "Сейчас в очереди для этого аккаунта никого нет.",
    ),
    Why.NO_ACCOUNTS: (
        "None of the chosen accounts is there any more. Add one, or cancel the campaign.",
        "Ни одного из выбранных аккаунтов больше нет. Добавьте аккаунт или отмените кампанию.",
    ),
    Why.ACCOUNTS_RESTING: ("All accounts rest at the moment.", "Сейчас все аккаунты отдыхают."),
    Why.UNTRIED_RESTS: (
        "The accounts that could act have failed with everybody who is left: those wait for an account that rests.",
        "Свободные аккаунты уже не справились со всеми оставшимися: те ждут аккаунт, который отдыхает.",
    ),
    Why.ACCOUNTS_GONE: (
        "All accounts are blocked or switched off. Enable one or add one.",
        "Все аккаунты заблокированы или выключены. Включите или добавьте аккаунт.",
    ),
    Why.NO_ADMIN: (
        "No account may add people there. Make one an administrator with that right.",
        "Ни один аккаунт не может добавлять туда людей. Сделайте один администратором с этим правом.",
    ),
    Why.TOO_MANY_REFUSALS: (
        "Too many people refuse. Look at your list and your text; resume the campaign when you want it to go on.",
        "Слишком много отказов. Проверьте список и текст; возобновите кампанию, если она должна продолжаться.",
    ),
    Why.TOO_MANY_FLOODS: (
        "The platform slows the accounts down too often. Resume the campaign when you want it to go on.",
        "Платформа слишком часто тормозит аккаунты. Возобновите кампанию, если она должна продолжаться.",
    ),
    Why.TOO_MANY_BLOCKS: (
        "Too many accounts were blocked. Resume the campaign only when you know why.",
        "Заблокировано слишком много аккаунтов. Возобновите кампанию, только когда поймёте почему.",
    ),
    Why.DESTINATION_UNKNOWN: (
        "The platform does not know this group or channel. Check the link.",
        "Платформа не знает такой группы или канала. Проверьте ссылку.",
    ),
    Why.DESTINATION_PRIVATE: (
        "The group or channel is private, and the accounts are not in it.",
        "Группа или канал закрытые, и аккаунтов в них нет.",
    ),
    Why.DESTINATION_FULL: ("The group or channel is full.", "Группа или канал заполнены."),
    Why.DESTINATION_CLOSED: (
        "The group or channel does not let anybody be added at the moment.",
        "Группа или канал сейчас не позволяют никого добавлять.",
    ),
    Why.POST_UNAVAILABLE: (
        "The post is gone, private or not to be forwarded. Change the message, or mend that and resume the campaign.",
        "Запись удалена, закрыта или её нельзя пересылать. Смените сообщение или откройте её и возобновите кампанию.",
    ),
    Why.INTEGRATION_AWAY: (
        "The list of accounts cannot be read at the moment; it is tried again.",
        "Список аккаунтов сейчас недоступен; попытки повторяются.",
    ),
    Why.CREDENTIALS_AWAY: (
        "The accounts' credentials cannot be read at the moment; it is tried again.",
        "Данные для входа аккаунтов сейчас недоступны; попытки повторяются.",
    ),
    Why.PLATFORM_AWAY: (
        "The platform does not answer this account; it is tried again.",
        "Платформа не отвечает этому аккаунту; попытки повторяются.",
    ),
    Why.PAUSED: ("Paused by you.", "Приостановлена вами."),
    Why.CANCELLING: (
        "Cancelled; actions in flight are being settled.",
        "Отменена; завершаются начатые действия.",
    ),
    Why.ENDED: ("It has ended.", "Завершена."),
    Why.OWN_ERROR: (
        "An error of ours stopped it. Our operators are told.",
        "Её остановила наша ошибка. Операторы оповещены.",
    ),
}


_ENDED_BY: dict[EndedBy, tuple[frozenset[Why], str, str]] = {
    EndedBy.TIME: (
        frozenset(
            {
                Why.SCHEDULED,
                Why.OUTSIDE_WINDOW,
                Why.PREPARING,
                Why.GAP,
                Why.PACE,
                Why.COOLDOWN,
                Why.ACCOUNT_LIMITED,
                Why.BUDGET_SPENT,
                Why.ACCOUNT_BUSY,
                Why.ACCOUNT_ELSEWHERE,
                Why.WORKER_FULL,
                Why.ACCOUNTS_RESTING,
                Why.UNTRIED_RESTS,
                Why.INTEGRATION_AWAY,
                Why.CREDENTIALS_AWAY,
                Why.PLATFORM_AWAY,
                Why.CANCELLING,
            }
        ),
        "It ends by itself.",
        "Закончится само.",
    ),
    EndedBy.OWNER: (
        frozenset(
            {
                Why.DRAFT,
                Why.PAUSED,
                Why.ACCOUNT_BLOCKED,
                Why.ACCOUNT_INACTIVE,
                Why.NOT_CHOSEN,
                Why.NOT_ADMIN,
                Why.NO_ACCOUNTS,
                Why.ACCOUNTS_GONE,
                Why.NO_ADMIN,
                *GUARDRAILS,
                Why.DESTINATION_UNKNOWN,
                Why.DESTINATION_PRIVATE,
                Why.DESTINATION_FULL,
                Why.POST_UNAVAILABLE,
            }
        ),
        "You can end it.",
        "Можете закончить вы.",
    ),
    EndedBy.PLATFORM: (frozenset({Why.DESTINATION_CLOSED}), "The platform must allow it.", "Решает платформа."),
    EndedBy.OPERATORS: (frozenset({Why.OWN_ERROR}), "Our operators must act.", "Должны вмешаться наши операторы."),
    EndedBy.OTHER_CAMPAIGN: (
        frozenset({Why.GIVES_WAY}),
        "It ends when the other campaign rests, pauses or ends.",
        "Закончится, когда другая кампания отдохнёт, приостановится или завершится.",
    ),
    EndedBy.WORK: (frozenset({Why.WORKING, Why.QUEUE_EMPTY}), "It goes on with the work.", "Идёт вместе с работой."),
    EndedBy.NOTHING: (frozenset({Why.ENDED}), "It is over.", "Это конец."),
}
_WHO_ENDS = {why: by for by, (ended, _, _) in _ENDED_BY.items() for why in ended}


def ended_by(why: Why) -> EndedBy:
    """What would end it."""
    return _WHO_ENDS[why]


def ending(by: EndedBy) -> dict[str, str]:
    """What would end it, in words, by language code."""
    _, english, russian = _ENDED_BY[by]
    return by_language((english, russian))


def sentence(why: Why) -> dict[str, str]:
    """The reason in words, by language code."""
    return by_language(_SENTENCES[why])


def told(why: Why, since: datetime | None, until: datetime | None, to: str | None = None) -> dict[str, str | None]:
    """A reason with its times and its end, flat, for workflows' queries. `to`: the campaign that is given way to."""
    return {
        "code": why.value,
        **sentence(why),
        "since": None if since is None else since.isoformat(),
        "until": None if until is None else until.isoformat(),
        "ended_by": ended_by(why).value,
        "to": to,
    }


def in_short(why: Why, until: datetime | None, to: str | None = None) -> str:
    """The same in one English line, for operators."""
    by = ended_by(why)
    end = "" if by in (EndedBy.WORK, EndedBy.NOTHING) else f" {ending(by)['en']}"
    ends = f" Until {until:%Y-%m-%d %H:%M:%S} UTC." if until else ""
    other = f" To campaign {to}." if to else ""
    return f"{sentence(why)['en']}{other}{ends}{end}"
