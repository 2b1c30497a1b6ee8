"""What people did, as it is kept for the owner: who, what, to what, when and from where."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from domain.languages import by_language


class Event(StrEnum):
    """What can be done."""

    CAMPAIGN_CREATED = "campaign_created"
    CAMPAIGN_RETRIED = "campaign_retried"
    CAMPAIGN_EDITED = "campaign_edited"
    CAMPAIGN_COMMANDED = "campaign_commanded"
    TEST_MESSAGE = "test_message"
    AUDIENCE_UPLOADED = "audience_uploaded"
    AUDIENCE_IMPORT_STARTED = "audience_import_started"
    AUDIENCE_DELETED = "audience_deleted"
    ACCOUNT_ENABLED = "account_enabled"
    ACCOUNT_TOLD_OF = "account_told_of"
    ADMIN_CHECK = "admin_check"
    SUPPRESSED = "suppressed"
    ALLOWED_AGAIN = "allowed_again"
    ERASED = "erased"
    WEBHOOK_SET = "webhook_set"
    WEBHOOK_REMOVED = "webhook_removed"
    WEBHOOK_TESTED = "webhook_tested"
    READ_BY_ADMINISTRATOR = "read_by_administrator"
    OWNERS_READ = "owners_read"


class Kind(StrEnum):
    """What it can be done to, by its id: a person by a digest, data by the route; a list or webhook has none."""

    CAMPAIGN = "campaign"
    AUDIENCE = "audience"
    ACCOUNT = "account"
    CHECK = "check"
    PERSON = "person"
    DATA = "data"
    LIST = "list"
    WEBHOOK = "webhook"


_KINDS: dict[Event, Kind] = {
    Event.CAMPAIGN_CREATED: Kind.CAMPAIGN,
    Event.CAMPAIGN_RETRIED: Kind.CAMPAIGN,
    Event.CAMPAIGN_EDITED: Kind.CAMPAIGN,
    Event.CAMPAIGN_COMMANDED: Kind.CAMPAIGN,
    Event.TEST_MESSAGE: Kind.CAMPAIGN,
    Event.AUDIENCE_UPLOADED: Kind.AUDIENCE,
    Event.AUDIENCE_IMPORT_STARTED: Kind.AUDIENCE,
    Event.AUDIENCE_DELETED: Kind.AUDIENCE,
    Event.ACCOUNT_ENABLED: Kind.ACCOUNT,
    Event.ACCOUNT_TOLD_OF: Kind.ACCOUNT,
    Event.ADMIN_CHECK: Kind.CHECK,
    Event.ALLOWED_AGAIN: Kind.PERSON,
    Event.ERASED: Kind.PERSON,
    Event.SUPPRESSED: Kind.LIST,
    Event.WEBHOOK_SET: Kind.WEBHOOK,
    Event.WEBHOOK_REMOVED: Kind.WEBHOOK,
    Event.WEBHOOK_TESTED: Kind.WEBHOOK,
    Event.READ_BY_ADMINISTRATOR: Kind.DATA,
    Event.OWNERS_READ: Kind.LIST,
}

_SENTENCES: dict[Event, tuple[str, str]] = {
    Event.CAMPAIGN_CREATED: ("A campaign was made.", "Кампания создана."),
    Event.CAMPAIGN_RETRIED: (
        "A campaign was made of those whom an earlier one did not reach.",
        "Создана кампания по тем, до кого не дошла прежняя.",
    ),
    Event.CAMPAIGN_EDITED: ("A campaign was changed.", "Кампания изменена."),
    Event.CAMPAIGN_COMMANDED: ("A campaign was given a command.", "Кампании отдана команда."),
    Event.TEST_MESSAGE: ("A test message was asked for.", "Запрошено тестовое сообщение."),
    Event.AUDIENCE_UPLOADED: ("An audience was uploaded.", "Аудитория загружена."),
    Event.AUDIENCE_IMPORT_STARTED: (
        "The import of an audience was begun.",
        "Начат импорт аудитории.",
    ),
    Event.AUDIENCE_DELETED: ("An audience was deleted.", "Аудитория удалена."),
    Event.ACCOUNT_ENABLED: (
        "The block or rest of an account was ended.",
        "Снята блокировка или пауза аккаунта.",
    ),
    Event.ACCOUNT_TOLD_OF: (
        "integration-service told of a change of an account.",
        "Сервис интеграций сообщил об изменении аккаунта.",
    ),
    Event.ADMIN_CHECK: (
        "The accounts' rights at a destination were checked.",
        "Проверены права аккаунтов в группе или канале.",
    ),
    Event.SUPPRESSED: (
        "People were put onto the do-not-contact list.",
        "Люди внесены в список «не беспокоить».",
    ),
    Event.ALLOWED_AGAIN: (
        "Somebody was taken off the do-not-contact list.",
        "Человек исключён из списка «не беспокоить».",
    ),
    Event.ERASED: ("A person was erased.", "Данные человека стёрты."),
    Event.WEBHOOK_SET: (
        "It was set which server is told of campaigns.",
        "Задан сервер, которому сообщается о кампаниях.",
    ),
    Event.WEBHOOK_REMOVED: (
        "No server is told of campaigns any more.",
        "Серверу больше не сообщается о кампаниях.",
    ),
    Event.WEBHOOK_TESTED: (
        "A ping to the server that is told of campaigns was asked for.",
        "Запрошена проверка сервера, которому сообщается о кампаниях.",
    ),
    Event.READ_BY_ADMINISTRATOR: (
        "An administrator read your data.",
        "Администратор просмотрел ваши данные.",
    ),
    Event.OWNERS_READ: (
        "An administrator read the list of owners.",
        "Администратор просмотрел список владельцев.",
    ),
}


@dataclass(frozen=True)
class By:
    """Who did it. `address`: the client's, of IPv6 its network; "": it came by no request."""

    actor: str
    roles: tuple[str, ...]
    address: str = ""
    request_id: str = ""


OPERATOR = By("operator", ("operator",))
"""Whoever commands a workflow directly (Temporal's Web UI): Temporal does not tell who that is."""


@dataclass(frozen=True)
class Act:
    """What somebody did. `subject`: the id of what it was done to. `details`: numbers and names of fields, never texts
    or what identifies a person."""

    event: Event
    by: By
    at: datetime
    subject: str = ""
    details: Mapping[str, object] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """What the subject is."""
        return _KINDS[self.event]

    def to(self, subject: object, **details: object) -> "Act":
        """It, done to this."""
        return replace(self, subject=str(subject), details={**self.details, **details})


@dataclass(frozen=True)
class Kept:
    """An act as it was kept. `number`: its place in the order."""

    number: int
    act: Act


def sentence(event: Event) -> dict[str, str]:
    """The event in words, by language code."""
    return by_language(_SENTENCES[event])
