"""What stands at the head of a report's sheets, columns and lines, and what a report says of itself."""

from collections.abc import Mapping

from domain.campaign import State
from domain.languages import Language, by_language
from domain.outcome import Kind, Reason
from domain.platform import Action
from domain.sentences import sentence

_WORDS: Mapping[str, tuple[str, str]] = {
    # The English names of a person's columns are those of the JSON: programs read the table, too.
    "username": ("username", "Имя пользователя"),
    "phone": ("phone", "Телефон"),
    "user_id": ("user_id", "ID"),
    "first_name": ("first_name", "Имя"),
    "last_name": ("last_name", "Фамилия"),
    "outcome": ("outcome", "Итог (код)"),
    "reason": ("reason", "Причина (код)"),
    "text": ("text", "Что произошло"),
    "account_id": ("account_id", "Аккаунт"),
    "settled_at": ("settled_at", "Когда"),
    "membership": ("membership", "Участие (код)"),
    "summary": ("Summary", "Итоги"),
    "accounts": ("Accounts", "Аккаунты"),
    "not_reached": ("Not reached", "Не получили"),
    "rows": ("Everybody", "Все получатели"),
    "campaign": ("Campaign", "Кампания"),
    "state": ("State", "Состояние"),
    "why": ("Why", "Почему"),
    "as_of": ("As of", "На момент"),
    "note": ("Note", "Примечание"),
    "total": ("People in all", "Всего людей"),
    "processed": ("Handled", "Обработано"),
    "left": ("Left", "Осталось"),
    "percent": ("Handled, per cent", "Обработано, %"),
    "reached": ("Reached", "Получили"),
    "invited": ("Invited", "Приглашены"),
    "already_member": ("Were members already", "Уже были участниками"),
    "messaged": ("Messages sent", "Отправлено сообщений"),
    "messaged_instead": ("Messages in place of a refused invite", "Сообщения вместо отклонённого приглашения"),
    "forwarded": ("Posts forwarded", "Переслано записей"),
    "forwarded_instead": ("Posts in place of a refused invite", "Записи вместо отклонённого приглашения"),
    "link_sent": ("Links sent", "Отправлено ссылок"),
    "refused": ("Refused", "Отказы"),
    "unreachable": ("Unreachable", "Недоступны"),
    "failed": ("Failed", "Не удалось"),
    "uncertain": ("Uncertain", "Неизвестно, сделано ли"),
    "cancelled": ("Cancelled", "Отменены"),
    "skipped": ("Skipped", "Пропущены"),
    "contact_added": ("Added to the contacts", "Добавлены в контакты"),
    "contacts_added": ("Contacts added (actions)", "Добавлено контактов (действий)"),
    "memberships": ("Of those invited, by the last look", "Приглашённые, по последней проверке"),
    "membership_joined": ("Joined", "Вступили"),
    "membership_there": ("Still there", "Остаются"),
    "membership_left": ("Left again", "Вышли"),
    "membership_unknown": ("Not known", "Неизвестно"),
    "preflight": ("Preflight: accounts", "Предварительная проверка: аккаунтов"),
    "checked": ("Have looked", "Проверили"),
    "may_invite": ("May invite", "Могут приглашать"),
    "may_not_invite": ("May not invite", "Не могут приглашать"),
    "by_action": ("By action", "По действиям"),
    "by_reason": ("By reason", "По причинам"),
    "by_day": ("By day", "По дням"),
    "action": ("Action", "Действие"),
    "instead": ("In place of a refused invite", "Вместо отклонённого приглашения"),
    "recipients": ("People", "Людей"),
    "day": ("Day", "День"),
    "label": ("Name", "Название"),
    "until": ("Until", "До"),
    "warnings": ("Warnings", "Предупреждения"),
    "done": ("Done", "Сделано"),
    "errors": ("Errors", "Ошибки"),
    "without_account": ("(without an account)", "(без аккаунта)"),
    "yes": ("yes", "да"),
    "no": ("no", "нет"),
    "report": ("report", "отчёт"),
}

_STATES: Mapping[State, tuple[str, str]] = {
    State.DRAFT: ("draft", "черновик"),
    State.SCHEDULED: ("scheduled", "запланирована"),
    State.RUNNING: ("running", "идёт"),
    State.PAUSED: ("paused", "на паузе"),
    State.WAITING: ("waiting", "ждёт"),
    State.DONE: ("done", "завершена"),
    State.DONE_WITH_ERRORS: ("done with errors", "завершена с ошибками"),
    State.CANCELLED: ("cancelled", "отменена"),
    State.FAILED: ("failed", "не удалась"),
}

_ACCOUNT_STATES: Mapping[str, tuple[str, str]] = {
    "working": ("working", "работает"),
    "cooldown": ("rests as the platform asked", "отдыхает по требованию платформы"),
    "limited": ("limited", "ограничен"),
    "blocked": ("blocked", "заблокирован"),
    "inactive": ("switched off", "выключен"),
    "not_chosen": ("not chosen", "не выбран"),
    "not_admin": ("no administrator there", "не администратор там"),
}

_ACTIONS: Mapping[Action, tuple[str, str]] = {
    Action.INVITE: ("invite", "приглашение"),
    Action.MESSAGE: ("message", "сообщение"),
    Action.ADD_CONTACT: ("add to contacts", "добавление в контакты"),
}

_REASONS = frozenset(map(str, Reason))

_DRAFT = ("The campaign is a draft: nothing has been done yet.", "Кампания — черновик: ещё ничего не сделано.")
_NOT_BEGUN = ("Nothing has been done yet.", "Ещё ничего не сделано.")
_SO_FAR = (
    "The campaign has not ended: this is what has been done so far.",
    "Кампания не завершена: это сделанное к этому моменту.",
)
_FINAL = ("The campaign has ended: these numbers are final.", "Кампания завершена: это окончательные числа.")
_ENDED = frozenset({State.DONE, State.DONE_WITH_ERRORS, State.CANCELLED, State.FAILED})


def heading(name: str, language: Language) -> str:
    """What stands over a sheet, a column or beside a number."""
    return by_language(_WORDS[name])[language]


def state_word(state: State, language: Language) -> str:
    """The campaign's state."""
    return by_language(_STATES[state])[language]


def action_word(action: Action, language: Language) -> str:
    """What was done."""
    return by_language(_ACTIONS[action])[language]


def account_state_word(state: str, language: Language) -> str:
    """How an account stands in the campaign."""
    return by_language(_ACCOUNT_STATES[state])[language]


def done_word(done: str, language: Language) -> str:
    """What an account did (`domain.statistics.done_by`)."""
    if done in _WORDS:
        return heading(done, language)
    return f"{heading(done.removesuffix('_instead'), language)} ({heading('instead', language)})"


def error_word(error: str, language: Language) -> str:
    """What went wrong on an account (`domain.statistics.errors_of`)."""
    told = sentence(Reason(error) if error in _REASONS else Kind(error))
    return told[language].rstrip(".")


def note(state: State, processed: int) -> dict[str, str]:
    """How far the report's numbers are from the last word, by language code."""
    if state in _ENDED:
        return by_language(_FINAL)
    if state is State.DRAFT:
        return by_language(_DRAFT)
    return by_language(_SO_FAR if processed else _NOT_BEGUN)
