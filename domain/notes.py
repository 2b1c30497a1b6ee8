"""What an owner should know when reading a plan. It stops nothing."""

from enum import StrEnum

from domain.languages import by_language


class Note(StrEnum):
    """The notes."""

    AS_IF_STARTED = "as_if_started"
    WAITS_FOR_OWNER = "waits_for_owner"
    OTHER_CAMPAIGNS = "other_campaigns"
    RIGHTS_UNKNOWN = "rights_unknown"
    REFUSALS_ASSUMED = "refusals_assumed"
    ACCOUNTS_LIST_AWAY = "accounts_list_away"


_SENTENCES: dict[Note, tuple[str, str]] = {
    Note.AS_IF_STARTED: (
        "Planned as though the campaign were started now.",
        "План построен так, как если бы кампания была запущена сейчас.",
    ),
    Note.WAITS_FOR_OWNER: (
        "Planned as though you let the campaign go on now.",
        "План построен так, как если бы вы продолжили кампанию сейчас.",
    ),
    Note.OTHER_CAMPAIGNS: (
        "Other campaigns use some of these accounts too; what they will do is not in the plan.",
        "Некоторые из этих аккаунтов заняты и в других кампаниях; их будущие действия в плане не учтены.",
    ),
    Note.RIGHTS_UNKNOWN: (
        "It is not known yet whether all accounts may add people there.",
        "Пока не известно, все ли аккаунты могут добавлять туда людей.",
    ),
    Note.REFUSALS_ASSUMED: (
        "How many refuse the invite is not known yet: a typical share is assumed.",
        "Сколько человек откажутся от приглашения, пока не известно: взята обычная доля.",
    ),
    Note.ACCOUNTS_LIST_AWAY: (
        "The list of accounts cannot be read at the moment: planned with those that have worked before.",
        "Список аккаунтов сейчас недоступен: в плане те, которые уже работали.",
    ),
}


def sentence(note: Note) -> dict[str, str]:
    """The note in words, by language code."""
    return by_language(_SENTENCES[note])
