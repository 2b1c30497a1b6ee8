"""What an owner should know of a message before it is sent. Nothing of it stops the campaign."""

from enum import StrEnum

from domain.languages import by_language


class Hint(StrEnum):
    """The hints."""

    NO_VARIATION = "no_variation"
    NO_FALLBACK = "no_fallback"
    LINKS = "links"
    FORWARD = "forward"


_SENTENCES: dict[Hint, tuple[str, str]] = {
    Hint.NO_VARIATION: (
        "Everybody gets the same text, as spam does. Write several texts, {one|another}, or use {{first_name}}.",
        "Все получат один и тот же текст, как спам. Напишите несколько текстов, {один|другой} или вставьте {{имя}}.",
    ),
    Hint.NO_FALLBACK: (
        "Some people have nothing in a column that has no fallback: their text has a gap. Write {{column|fallback}}.",
        "У некоторых людей столбец пуст, а замены нет: в их тексте будет пропуск. Напишите {{столбец|замена}}.",
    ),
    Hint.LINKS: (
        "There is, or may be, a link in the text: the lower daily limit for messages with links holds.",
        "В тексте есть или может оказаться ссылка: действует меньший дневной лимит сообщений со ссылками.",
    ),
    Hint.FORWARD: (
        "The post is forwarded as it is, to everybody the same, within the daily limit of forwards.",
        "Запись пересылается как есть, всем одна и та же, в пределах дневного лимита пересылок.",
    ),
}


def sentence(hint: Hint) -> dict[str, str]:
    """The hint in words, by language code."""
    return by_language(_SENTENCES[hint])
