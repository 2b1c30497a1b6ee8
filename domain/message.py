"""What a campaign sends to people: one of its texts, drawn for each, or a post that is forwarded."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from domain.links import is_risky, may_link
from domain.platform import Budget
from domain.recipient import Person
from domain.rendering import Column, has_choice, length, render, values
from domain.template import Choice, Node, parse, standing_for

DRAWS = 64
"""So many draws are looked at for a text that differs from the account's last one."""
_BITS_PER_BYTE = 8


@dataclass(frozen=True)
class Message:
    """What the owner has written: `texts` are templates, `post` is the link of what is forwarded. One of the two."""

    texts: tuple[str, ...] = ()
    post: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to send."""
        return not self.texts and not self.post

    @property
    def node(self) -> Node:
        """The texts as alternatives of one template."""
        return _one(self.texts)


@dataclass(frozen=True)
class Written:
    """The text for one person. `draw`: the number by which the same text is written again."""

    text: str
    draw: int

    @property
    def fingerprint(self) -> int:
        """64 bits, signed, that tell two texts apart and nothing about either."""
        return int.from_bytes(
            hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).digest()[:8], "big", signed=True
        )


def budget(message: Message, columns: Mapping[str, Column]) -> Budget:
    """What each message of the campaign is paid from: if any rendering may have a link, all count as such (ACT-9).

    An account's next action is decided before it is known whose it is; and a text without a link in a campaign of
    links spares nobody.
    """
    if message.post:
        return Budget.FORWARD
    linked = any(may_link(parse(text), columns) for text in message.texts)
    return Budget.MESSAGE_WITH_LINK if linked else Budget.MESSAGE


def columns_of(person: Person) -> Mapping[str, Column]:
    """One person as an audience of their own: what is said of its longest text is exact."""
    found = {
        name: Column(length(value), False, varied=False, risky=is_risky(value))
        for name, value in values(person).items()
    }
    if person.phone:  # by which they are found in the end, perhaps: then nobody has the username
        gone = [name for name in found if name == "username" or standing_for(name) == "username"]
        found |= {name: replace(found[name], some_empty=True) for name in gone}
    return found


def write(message: Message, person: Person, seed: str, draw: int) -> Written:
    """The person's text of this draw: the same for the same `seed` (the campaign), person and draw, for ever."""
    node = message.node
    number = _number(f"{seed}/{person.position}", sum(map(len, message.texts))) + draw
    return Written(render(node, values(person), number), draw)


def choose(message: Message, person: Person, seed: str, last: int | None) -> Written:
    """The person's text: the first draw that differs from the text whose fingerprint is `last`, if there is one."""
    first = write(message, person, seed, 0)
    if first.fingerprint != last or not has_choice(message.node):
        return first
    others = (write(message, person, seed, draw) for draw in range(1, DRAWS))
    return next((each for each in others if each.fingerprint != last), first)


def _number(seed: str, characters: int) -> int:
    """Evenly drawn, with a bit for each character of the templates: no alternative needs more."""
    return int.from_bytes(hashlib.shake_256(seed.encode()).digest(16 + characters // _BITS_PER_BYTE), "big")


@lru_cache(maxsize=100)
def _one(texts: Sequence[str]) -> Node:
    nodes = tuple(parse(text) for text in texts)
    return nodes[0] if len(nodes) == 1 else Choice(nodes)
