"""The API's problems (`application/problem+json`) as errors with one sentence each."""

import json
import re
from datetime import timedelta
from typing import Any

import httpx

from cli.errors import CliError, NotFound, NotSignedIn, Refused, TooOften, Unreachable

_AWAY = (502, 503, 504)
_A_MOMENT = timedelta(seconds=5)


def of(answer: httpx.Response) -> CliError:
    """The error that an answer, which has been read, stands for."""
    problem = _body(answer)
    if problem is None and answer.status_code in _AWAY:  # a proxy before the API speaks
        return Unreachable(f"{_origin(answer)} answered {answer.status_code}. Try again a little later.")
    if problem is None:
        return Refused(
            f"{_origin(answer)} answered {answer.status_code}, not as Invite Service does: is its address right?"
        )
    sentence = _sentence(problem)
    match answer.status_code:
        case 401:
            return NotSignedIn(f"{sentence} The token is not accepted, or no longer: sign in with `invite login`.")
        case 403:
            return NotSignedIn(sentence)
        case 404:
            return NotFound(sentence)
        case 429:
            again_in = _again_in(answer)
            return TooOften(f"{sentence} Try again in {again_in.total_seconds():g} s.", again_in)
        case status if status in _AWAY:
            return Unreachable(f"{sentence} Try again a little later.")
        case _:
            return Refused(sentence)


def _body(answer: httpx.Response) -> dict[str, Any] | None:
    try:
        body = answer.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return None
    return body if isinstance(body, dict) and isinstance(body.get("title"), str) else None


def _sentence(problem: dict[str, Any]) -> str:
    errors = problem.get("errors") or []
    title = str(problem["title"])
    if errors:
        fields = "; ".join(f"{each['field']}: {str(each['message']).rstrip('.')}" for each in errors)
        return f"{title}: {fields}."
    return f"{title}: {problem['detail']}" if problem.get("detail") else f"{title}."


def _again_in(answer: httpx.Response) -> timedelta:
    """What it says in seconds, as Invite Service does; a moment where something else speaks."""
    said = answer.headers.get("Retry-After", "")
    return timedelta(seconds=int(said)) if re.fullmatch("[0-9]{1,6}", said) else _A_MOMENT


def _origin(answer: httpx.Response) -> str:
    url = answer.request.url
    return f"{url.scheme}://{url.netloc.decode()}"
