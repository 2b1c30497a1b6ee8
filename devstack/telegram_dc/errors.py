"""How the data centre says no, and how it turns a scenario down."""


class RpcError(Exception):
    """The answer to a request is this error; the connection goes on."""

    def __init__(self, code: int, name: str) -> None:
        super().__init__(f"{name} ({code})")
        self.code = code
        self.name = name


class ProtocolError(Exception):
    """The bytes are not what MTProto allows here; the connection is cut."""


class ScenarioError(ValueError):
    """The scenario cannot be read, or contradicts itself."""
