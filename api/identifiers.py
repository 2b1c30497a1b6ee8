"""Identifiers as owners write them: `@anna`, a link, a phone, an id."""

from domain.audience import Contact, DropReason
from domain.errors import Invalid
from domain.sentences import sentence
from storage.files.columns import Meaning
from storage.files.contacts import Contacts

_CONTACTS = Contacts(None)


def read(text: str) -> Contact | DropReason:
    """Somebody by one identifier, or why it is none."""
    return _CONTACTS.read([(Meaning.CONTACT, "", text)])


def read_one(text: str, field: str) -> Contact:
    """The same. Raises `Invalid`."""
    contact = read(text)
    if not isinstance(contact, Contact):
        raise Invalid(field, sentence(contact)["en"])
    return contact
