"""What histories are told of errors."""

from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError

from domain.errors import Invalid, Unavailable
from runtime.temporal import CONVERTER


def failure(error: BaseException) -> Failure:
    """As it is written."""
    written = Failure()
    CONVERTER.failure_converter.to_failure(error, CONVERTER.payload_converter, written)
    return written


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    """It, with a trace."""
    try:
        raise error from cause
    except type(error):
        return error


def test_an_error_of_others_is_told_by_its_type_and_place() -> None:
    written = failure(raised(KeyError("@anna"), ValueError("Key (username)=(anna)")))
    assert (written.message, written.application_failure_info.type) == ("KeyError", "KeyError")
    assert "in raised" in written.stack_trace
    assert (written.cause.message, written.cause.application_failure_info.type) == ("ValueError", "ValueError")
    assert "anna" not in str(written)


def test_our_own_errors_are_told_in_their_words_without_those_of_their_causes() -> None:
    written = failure(raised(Unavailable("Vault", "Timeout"), OSError("GET /owners/anna")))
    assert written.message == "Vault is not available: Timeout"
    assert written.cause.message == "OSError"
    assert failure(ApplicationError("of the SDK's kind")).message == "of the SDK's kind"


def test_what_a_caller_wrote_is_not_told() -> None:
    assert failure(Invalid("to", "anna k is no name")).message == "Invalid"
