"""The client application in whose name requests are made: Telegram's api_id."""

from dataclasses import dataclass
from datetime import timedelta

from domain.ports import Throttle

_NAME = "telegram"


@dataclass(frozen=True)
class Application:
    """Asks for the right to make requests. Without a `pace` there is nobody to ask."""

    api_id: str
    pace: Throttle | None

    async def sign_in(self) -> None:
        """Before a connection is made. Raises `Unavailable`."""
        if self.pace is not None:
            await self.pace.sign_in(_NAME, self.api_id)

    async def request(self, patience: timedelta) -> None:
        """Right before a request is sent. Raises `Unavailable`."""
        if self.pace is not None:
            await self.pace.request(_NAME, self.api_id, patience)
