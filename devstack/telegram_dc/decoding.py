"""Plain JSON values into dataclasses, with an error that says where the value is wrong."""

import types
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class DecodingError(ValueError):
    """The value does not have the shape of the dataclass."""


def decode(cls: type[T], value: object, where: str) -> T:
    """The dataclass `cls` made from the JSON object `value`; `where` names it in errors."""
    if not isinstance(value, dict):
        raise DecodingError(f"{where}: an object is expected, not {type(value).__name__}")
    shape: Any = cls  # mypy takes a class for unhashable
    hints = _hints(shape)
    unknown = sorted(set(value) - set(hints))
    if unknown:
        raise DecodingError(f"{where}: unknown field {unknown[0]!r}")
    missing = [name for name in _required(shape) if name not in value]
    if missing:
        raise DecodingError(f"{where}: field {missing[0]!r} is missing")
    return cls(**{name: _value(hints[name], item, f"{where}.{name}") for name, item in value.items()})


def _value(hint: Any, value: object, where: str) -> object:
    origin = get_origin(hint)
    if origin is Literal:
        return _one_of(get_args(hint), value, where)
    if origin in (Union, types.UnionType):
        return _either(get_args(hint), value, where)
    if origin is list:
        return _list(get_args(hint)[0], value, where)
    if origin is dict:
        return _dict(get_args(hint)[1], value, where)
    if is_dataclass(hint) and isinstance(hint, type):
        return decode(hint, value, where)
    return _plain(hint, value, where)


def _one_of(allowed: tuple[Any, ...], value: object, where: str) -> object:
    if value not in allowed:
        raise DecodingError(f"{where}: {value!r} is none of {', '.join(map(str, allowed))}")
    return value


def _either(options: tuple[Any, ...], value: object, where: str) -> object:
    if value is None and type(None) in options:
        return None
    failures: list[DecodingError] = []
    for option in options:
        if option is type(None):
            continue
        try:
            return _value(option, value, where)
        except DecodingError as failure:
            failures.append(failure)
    raise failures[0]


def _list(item_hint: Any, value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise DecodingError(f"{where}: a list is expected")
    return [_value(item_hint, item, f"{where}[{index}]") for index, item in enumerate(value)]


def _dict(item_hint: Any, value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise DecodingError(f"{where}: an object is expected")
    return {str(key): _value(item_hint, item, f"{where}.{key}") for key, item in value.items()}


def _plain(hint: Any, value: object, where: str) -> object:
    accepted: Callable[[object], bool] = {
        int: lambda item: isinstance(item, int) and not isinstance(item, bool),
        float: lambda item: isinstance(item, (int, float)) and not isinstance(item, bool),
    }.get(hint, lambda item: isinstance(item, hint))
    if not accepted(value):
        raise DecodingError(f"{where}: {hint.__name__} is expected, not {value!r}")
    return value


@cache
def _hints(cls: type[Any]) -> dict[str, Any]:
    return get_type_hints(cls)


@cache
def _required(cls: type[Any]) -> tuple[str, ...]:
    return tuple(f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING)
