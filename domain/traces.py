"""By what somebody is recognised in what a stranger has written: a line of a file, a row of parsing-service."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from domain.platform import Identifier

_NATIONAL = 10
"""By so many last digits a phone is recognised, however its country is written."""


@dataclass(frozen=True)
class Traces:
    """`words`: names and ids, as patterns of whole words. `digits`: of phones, one after another in the text's own."""

    words: Sequence[str]
    digits: Sequence[str]

    @classmethod
    def of(cls, names: Collection[str]) -> "Traces":
        """Of identifiers such as `username:anna`, `phone:+7…`, `user_id:5`."""
        ids = [f"0*{number}" for number in values(names, Identifier.USER_ID)]
        phones = values(names, Identifier.PHONE)
        return cls(
            [*values(names, Identifier.USERNAME), *ids], [each.removeprefix("+")[-_NATIONAL:] for each in phones]
        )

    def are_in(self, text: str) -> bool:
        """Whether the text may speak of them."""
        written = re.sub("[^0-9]", "", text)
        return any(each in written for each in self.digits) or any(
            re.search(rf"\b{word}\b", text, re.IGNORECASE) for word in self.words
        )


def values(names: Collection[str], kind: Identifier) -> Sequence[str]:
    """The identifiers of one kind, without its name."""
    return sorted(value for each, _, value in (name.partition(":") for name in names) if each == kind.value)
