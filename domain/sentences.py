"""Outcomes, reasons and dropped lines in words, for reports: one sentence in each language."""

from domain.audience import DropReason, ImportFault
from domain.languages import by_language
from domain.outcome import Kind, Reason

_REASONS: dict[Reason, tuple[str, str]] = {
    Reason.NONE: ("", ""),
    Reason.PRIVACY: (
        "The person's privacy settings do not allow it.",
        "Этого не позволяют настройки приватности человека.",
    ),
    Reason.NOT_MUTUAL_CONTACT: (
        "Only the person's mutual contacts may do that.",
        "Это могут только взаимные контакты этого человека.",
    ),
    Reason.NEEDS_PREMIUM: (
        "The person accepts this from Premium accounts only.",
        "Человек принимает это только от аккаунтов Premium.",
    ),
    Reason.NEEDS_PAYMENT: (
        "The person asks to be paid for messages.",
        "Человек просит плату за сообщения.",
    ),
    Reason.OPTED_OUT: (
        "The person asked not to be contacted, and is on your do-not-contact list now.",
        "Человек попросил ему не писать и теперь есть в вашем списке «не беспокоить».",
    ),
    Reason.BLOCKED_US: ("The person has blocked the account.", "Человек заблокировал аккаунт."),
    Reason.TOO_MANY_CHANNELS: (
        "The person is in too many groups and channels already.",
        "Человек уже состоит в слишком многих группах и каналах.",
    ),
    Reason.WAS_REMOVED: (
        "The person left, or was removed from, the group before.",
        "Человек ранее вышел из группы или был из неё удалён.",
    ),
    Reason.DELETED: ("The person's account is deleted.", "Аккаунт человека удалён."),
    Reason.UNKNOWN_PERSON: (
        "The platform does not know such a person.",
        "Платформа не знает такого человека.",
    ),
    Reason.BOT: ("It is a bot, not a person.", "Это бот, а не человек."),
    Reason.NO_PATH: (
        "No account can find the person by what the list says of them.",
        "Ни один аккаунт не может найти человека по данным из списка.",
    ),
    Reason.JOIN_REQUESTED: (
        "The person's request to join waits for the group's administrators.",
        "Заявка человека ждёт решения администраторов группы.",
    ),
    Reason.FLOOD_WAIT: (
        "The platform asked the account to wait.",
        "Платформа попросила аккаунт подождать.",
    ),
    Reason.PEER_FLOOD: (
        "The platform limited the account for writing to or adding too many people.",
        "Платформа ограничила аккаунт: слишком много сообщений или приглашений.",
    ),
    Reason.BANNED: ("The account is banned.", "Аккаунт забанен."),
    Reason.SIGNED_OUT: ("The account was signed out.", "Аккаунт вышел из системы."),
    Reason.SESSION_DESTROYED: (
        "The account's session was ended by the platform.",
        "Платформа завершила сессию аккаунта.",
    ),
    Reason.FROZEN: ("The account is frozen.", "Аккаунт заморожен."),
    Reason.BAD_CREDENTIALS: (
        "The account's credentials are not accepted.",
        "Данные для входа аккаунта не приняты.",
    ),
    Reason.PROXY_UNSUPPORTED: (
        "The account's proxy is of a kind that cannot be used.",
        "Прокси аккаунта такого вида использовать нельзя.",
    ),
    Reason.RESTRICTED: (
        "The platform does not let the account do this.",
        "Платформа не позволяет аккаунту это делать.",
    ),
    Reason.NO_RIGHT_TO_INVITE: (
        "The account is not an administrator with the right to add people.",
        "Аккаунт не администратор с правом добавлять людей.",
    ),
    Reason.DESTINATION_FULL: ("The group or channel is full.", "Группа или канал заполнены."),
    Reason.DESTINATION_UNKNOWN: (
        "The platform does not know this group or channel.",
        "Платформа не знает такой группы или канала.",
    ),
    Reason.DESTINATION_PRIVATE: (
        "The group or channel is private.",
        "Группа или канал закрытые.",
    ),
    Reason.DESTINATION_CLOSED: (
        "The group or channel does not let anybody be added.",
        "Группа или канал не позволяют никого добавлять.",
    ),
    Reason.TEXT_TOO_LONG: ("The text is too long for the platform.", "Текст слишком длинный для платформы."),
    Reason.TEXT_REFUSED: ("The platform refused the text.", "Платформа не приняла текст."),
    Reason.POST_UNAVAILABLE: (
        "The post cannot be forwarded: it is gone, private, or its channel forbids it.",
        "Запись нельзя переслать: её нет, она закрыта или канал это запрещает.",
    ),
    Reason.NO_ANSWER: (
        "The platform did not answer: whether it was done is not known.",
        "Платформа не ответила: сделано ли это, неизвестно.",
    ),
    Reason.UNKNOWN_ERROR: (
        "The platform answered with an error that we do not know.",
        "Платформа ответила неизвестной нам ошибкой.",
    ),
    Reason.ACCOUNTS_EXHAUSTED: (
        "Several accounts tried and could not.",
        "Несколько аккаунтов пытались и не смогли.",
    ),
    Reason.ACCOUNT_GONE: (
        "The only account that could reach the person is gone.",
        "Единственный аккаунт, который мог найти человека, недоступен.",
    ),
    Reason.NO_ACCOUNT_LEFT: (
        "The campaign ended because no account was left to do it.",
        "Кампания завершилась: не осталось аккаунтов, которые могли бы это сделать.",
    ),
    Reason.CAMPAIGN_CANCELLED: (
        "The campaign was cancelled before it was this person's turn.",
        "Кампания отменена до того, как дошла очередь до этого человека.",
    ),
    Reason.SUPPRESSED: (
        "The person is on your do-not-contact list.",
        "Человек есть в вашем списке «не беспокоить».",
    ),
    Reason.REACHED_BEFORE: (
        "An earlier campaign that you have named reached the person.",
        "До человека дошла прежняя кампания, которую вы указали.",
    ),
    Reason.REFUSED_BEFORE: (
        "The person refused for good in an earlier campaign.",
        "В прежней кампании человек отказался окончательно.",
    ),
    Reason.SAME_PERSON: (
        "The same person is in the list under another identifier.",
        "Этот же человек есть в списке под другим идентификатором.",
    ),
    Reason.NOT_FOUND_BY_PHONE: (
        "Nobody can be found by this number: it is not registered, or hidden.",
        "По этому номеру никого не найти: он не зарегистрирован или скрыт.",
    ),
    Reason.LOOKUPS_SPENT: (
        "The platform lets this account look up no more people today.",
        "Сегодня платформа больше не даёт этому аккаунту искать людей.",
    ),
    Reason.CHANNEL_PAST_INVITES: (
        "A channel takes direct invites only up to 200 subscribers; this one has more.",
        "Напрямую в канал можно пригласить только первых 200 подписчиков; здесь их уже больше.",
    ),
    Reason.NEARLY_FULL: ("The group is nearly full.", "Группа почти заполнена."),
    Reason.SLOW_MODE: ("The group has slow mode switched on.", "В группе включён медленный режим."),
    Reason.LINK_ONLY: ("It can be joined by its link only.", "Вступить можно только по ссылке."),
    Reason.JOIN_NEEDED: (
        "It is private, and the account is not a member yet.",
        "Группа закрытая, и аккаунт пока не её участник.",
    ),
}

_KINDS: dict[Kind, tuple[str, str]] = {
    Kind.INVITED: ("Invited.", "Приглашён."),
    Kind.ALREADY_MEMBER: ("Was a member already.", "Уже был участником."),
    Kind.FORWARDED: ("The post was forwarded.", "Запись переслана."),
    Kind.MESSAGED: ("The message was sent.", "Сообщение отправлено."),
    Kind.CONTACT_ADDED: ("Added to the contacts.", "Добавлен в контакты."),
    Kind.LINK_SENT: ("The link was sent.", "Ссылка отправлена."),
    Kind.REFUSED: ("Refused by the person.", "Человек этого не допускает."),
    Kind.UNREACHABLE: ("The person cannot be reached.", "С человеком нельзя связаться."),
    Kind.RATE_LIMITED: ("The account had to wait.", "Аккаунту пришлось ждать."),
    Kind.LIMITED: ("The account was limited.", "Аккаунт был ограничен."),
    Kind.BLOCKED: ("The account was blocked.", "Аккаунт был заблокирован."),
    Kind.NOT_ADMIN: (
        "The account was not an administrator there.",
        "Аккаунт не был там администратором.",
    ),
    Kind.DESTINATION: ("The group or channel did not allow it.", "Группа или канал этого не позволили."),
    Kind.CONTENT: ("The text was not accepted.", "Текст не принят."),
    Kind.POSTPONED: ("Put off until later.", "Отложено на потом."),
    Kind.SKIPPED: ("Skipped.", "Пропущен."),
    Kind.UNAVAILABLE: ("The platform was not available.", "Платформа была недоступна."),
    Kind.UNCERTAIN: (
        "Whether it was done is not known; it is not repeated by itself.",
        "Сделано ли это, неизвестно; само по себе это не повторяется.",
    ),
    Kind.FAILED: ("It could not be done.", "Сделать это не удалось."),
    Kind.CANCELLED: ("The campaign was cancelled.", "Кампания отменена."),
}

_DROPPED: dict[DropReason, tuple[str, str]] = {
    DropReason.EMPTY: ("The line is empty.", "Строка пуста."),
    DropReason.NO_IDENTIFIER: (
        "There is no username, phone or id in the line.",
        "В строке нет ни имени пользователя, ни телефона, ни id.",
    ),
    DropReason.NOT_A_NAME: (
        "This is not a username or a link to a person.",
        "Это не имя пользователя и не ссылка на человека.",
    ),
    DropReason.BAD_PHONE: ("There is no such phone number.", "Такого телефонного номера не бывает."),
    DropReason.PHONE_WITHOUT_COUNTRY: (
        "The phone number has no country code; write it with +, or name the default country.",
        "В номере нет кода страны; запишите его с + или укажите страну по умолчанию.",
    ),
    DropReason.BAD_ID: ("This is not an id: only digits are.", "Это не id: он состоит только из цифр."),
    DropReason.ROUNDED: (
        "A spreadsheet has rounded this number; format the column as text and enter it again.",
        "Таблица округлила это число; задайте столбцу текстовый формат и введите его заново.",
    ),
    DropReason.TOO_LONG: ("A value is too long to be right.", "Значение слишком длинное."),
    DropReason.DUPLICATE: ("An earlier line names the same person.", "Этот человек уже есть в строке выше."),
}

_FAULTS: dict[ImportFault, tuple[str, str]] = {
    ImportFault.NOT_FOUND: (
        "parsing-service has no such data: look at `parsed_data_id`.",
        "В parsing-service нет таких данных: проверьте `parsed_data_id`.",
    ),
    ImportFault.REFUSED: (
        "parsing-service does not give these data to you.",
        "parsing-service не отдаёт вам эти данные.",
    ),
    ImportFault.WRONG_PLATFORM: (
        "These data are of another platform than the one that was asked for.",
        "Эти данные с другой платформы, чем указано.",
    ),
    ImportFault.TOO_MANY_ROWS: (
        "These data have more rows than an audience may have. Split them.",
        "В этих данных больше строк, чем допустимо в аудитории. Разделите их.",
    ),
    ImportFault.UNREADABLE: (
        "A row of these data is longer than allowed, or broken.",
        "Строка этих данных длиннее допустимого или повреждена.",
    ),
}

_WAITING = ("Not done yet.", "Ещё не сделано.")


def sentence(value: Reason | Kind | DropReason | ImportFault) -> dict[str, str]:
    """It in words, by language code."""
    if isinstance(value, Reason):
        words = _REASONS[value]
    elif isinstance(value, ImportFault):
        words = _FAULTS[value]
    else:
        words = _KINDS[value] if isinstance(value, Kind) else _DROPPED[value]
    return by_language(words)


def explanation(outcome: str | None, reason: str | None) -> dict[str, str]:
    """What became of a recipient: the reason's sentence, or the outcome's where there is none."""
    if outcome is None:
        return by_language(_WAITING)
    return sentence(Reason(reason)) if reason else sentence(Kind(outcome))
