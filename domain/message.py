"""Texts that campaigns send."""

import re
from collections.abc import Sequence

from domain.platform import Budget

_LINK = re.compile(
    r"""(?ix)
    \b[a-z][a-z0-9+.-]*://\S            # a scheme
    | \b(?:t|telegram)\.(?:me|dog)/\S   # a messenger's own short link
    | \bwww\.\S
    | (?<![@\w.])[\w-]+(?:\.[\w-]+)*\.(?:[a-z]{2,24}|xn--[a-z0-9-]+|рф|рус|укр|бел|қаз|онлайн|сайт)(?![\w@])
    """
)


def has_link(text: str) -> bool:
    """Whether a messenger would make some part of the text clickable. In doubt it says yes: that limit is lower."""
    return _LINK.search(text) is not None


def budget(texts: Sequence[str]) -> Budget:
    """What a message of the campaign is paid from: one text with a link makes all of them count as such (ACT-9)."""
    return Budget.MESSAGE_WITH_LINK if any(has_link(text) for text in texts) else Budget.MESSAGE


def choose(texts: Sequence[str], position: int) -> str:
    """The recipient's text: a stable draw, so that a retry sends the same one."""
    return texts[position % len(texts)]


def length(text: str) -> int:
    """Length in UTF-16 code units, as messengers count."""
    return len(text.encode("utf-16-le")) // 2
