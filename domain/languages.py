"""The languages that owners read."""

from enum import StrEnum


class Language(StrEnum):
    """One of them, where a text is written in one."""

    EN = "en"
    RU = "ru"


LANGUAGES = tuple(language.value for language in Language)


def by_language(words: tuple[str, str]) -> dict[str, str]:
    """One sentence's wordings, in the order of `LANGUAGES`, by language code."""
    return dict(zip(LANGUAGES, words, strict=True))
