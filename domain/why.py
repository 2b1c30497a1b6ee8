"""Why a campaign or an account stands where it stands: one machine-readable word, one sentence in each language."""

from enum import StrEnum


class Why(StrEnum):
    """The reasons. The time at which one ends by itself stands beside it, where there is one."""

    DRAFT = "draft"
    PREPARING = "preparing"
    WORKING = "working"
    GAP = "gap"
    COOLDOWN = "cooldown"
    ACCOUNT_LIMITED = "account_limited"
    ACCOUNT_BLOCKED = "account_blocked"
    ACCOUNT_INACTIVE = "account_inactive"
    ACCOUNT_BUSY = "account_busy"
    ACCOUNT_ELSEWHERE = "account_elsewhere"
    WORKER_FULL = "worker_full"
    NOT_ADMIN = "not_admin"
    BUDGET_SPENT = "budget_spent"
    QUEUE_EMPTY = "queue_empty"
    NO_ACCOUNTS = "no_accounts"
    ACCOUNTS_RESTING = "accounts_resting"
    ACCOUNTS_GONE = "accounts_gone"
    NO_ADMIN = "no_admin"
    DESTINATION_UNKNOWN = "destination_unknown"
    DESTINATION_PRIVATE = "destination_private"
    DESTINATION_FULL = "destination_full"
    DESTINATION_CLOSED = "destination_closed"
    INTEGRATION_AWAY = "integration_away"
    CREDENTIALS_AWAY = "credentials_away"
    PLATFORM_AWAY = "platform_away"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    ENDED = "ended"
    OWN_ERROR = "own_error"


_SENTENCES: dict[Why, tuple[str, str]] = {
    Why.DRAFT: ("A draft: start it when you are ready.", "Черновик: запустите, когда будете готовы."),
    Why.PREPARING: (
        "Accounts are signing in and their rights are being checked.",
        "Аккаунты входят, проверяются их права.",
    ),
    Why.WORKING: ("At work.", "Работает."),
    Why.GAP: ("The safe pause between two actions.", "Безопасная пауза между двумя действиями."),
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
    Why.ACCOUNTS_GONE: (
        "All accounts are blocked or switched off. Enable one or add one.",
        "Все аккаунты заблокированы или выключены. Включите или добавьте аккаунт.",
    ),
    Why.NO_ADMIN: (
        "No account may add people there. Make one an administrator with that right.",
        "Ни один аккаунт не может добавлять туда людей. Сделайте один администратором с этим правом.",
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


def sentence(why: Why) -> dict[str, str]:
    """The reason in words, by language code."""
    english, russian = _SENTENCES[why]
    return {"en": english, "ru": russian}
