"""The languages that owners read."""

LANGUAGES = ("en", "ru")


def by_language(words: tuple[str, str]) -> dict[str, str]:
    """One sentence's wordings, in the order of `LANGUAGES`, by language code."""
    return dict(zip(LANGUAGES, words, strict=True))
