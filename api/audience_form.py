"""The form of an upload: what it may hold, for the OpenAPI, and how it is read."""

import json
from dataclasses import dataclass
from typing import Any, BinaryIO

from starlette.datastructures import FormData, UploadFile

from domain.audience import FileError
from domain.errors import Invalid
from storage.files.sources import Overrides

NAME_LENGTH = 200
PART_BYTES = 64 * 1024
"""A field that is no file may be so long."""
_MOST_MAPPED = 10
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}

_FIELDS: dict[str, dict[str, Any]] = {
    "file": {
        "type": "string",
        "format": "binary",
        "description": "CSV (`,` `;` tab or `|`), XLSX, a JSON list of objects or of strings, or JSON Lines; in UTF-8, "
        "UTF-16 or Windows-1251; with or without a header",
    },
    "name": {"type": "string", "maxLength": NAME_LENGTH, "description": "default: the file's"},
    "mapping": {
        "type": "string",
        "description": "JSON: username, phone, user_id, first_name, last_name or contact, each with the file's column "
        "(its header, or its number from 1 on). Columns that are not named are kept as they are",
        "examples": ['{"username": "Ник клиента", "first_name": "2"}'],
    },
    "encoding": {"type": "string", "examples": ["windows-1251"], "description": "instead of the one found out"},
    "delimiter": {"type": "string", "enum": [",", ";", "tab", "|"], "description": "instead of the one found out"},
    "header": {"type": "boolean", "description": "whether the first row names the columns; default: found out"},
    "sheet": {
        "type": "string",
        "examples": ["Клиенты"],
        "description": "a workbook's sheet, by its name or its number from 1 on; default: the first that is visible",
    },
    "default_country": {
        "type": "string",
        "examples": ["RU"],
        "description": "ISO code: whose numbers phones without a country code are",
    },
}

OPENAPI: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "additionalProperties": False,
                    "properties": _FIELDS,
                }
            }
        },
    }
}


@dataclass(frozen=True)
class Upload:
    """A form that can be tried."""

    file: BinaryIO
    overrides: Overrides
    name: str


def read_form(form: FormData) -> Upload:
    """The form's values. Raises `FileError`, `Invalid`."""
    unknown = sorted(set(form) - set(_FIELDS))
    if unknown:
        raise Invalid(_printable(unknown[0])[:50], "Unknown field.")
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise FileError("Send the file as the field `file` of a multipart/form-data body.")
    overrides = Overrides(
        mapping=_mapping(_text(form, "mapping")),
        encoding=_text(form, "encoding"),
        delimiter=_text(form, "delimiter"),
        default_country=_text(form, "default_country"),
        sheet=_text(form, "sheet"),
        header=_boolean(form, "header"),
    )
    name = _printable(_text(form, "name") or file.filename or "").strip()[:NAME_LENGTH] or "audience"
    return Upload(file.file, overrides, name)


def _text(form: FormData, key: str) -> str | None:
    value = form.get(key)
    if isinstance(value, UploadFile):
        raise Invalid(key, "This is not a file.")
    return value or None


def _boolean(form: FormData, key: str) -> bool | None:
    text = _text(form, key)
    if text is None:
        return None
    if text.lower() not in _BOOLEANS:
        raise Invalid(key, "Give `true` or `false`.")
    return _BOOLEANS[text.lower()]


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())


def _mapping(text: str | None) -> dict[str, str]:
    if text is None:
        return {}
    try:
        mapping = json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid("mapping", "This is not JSON.") from None
    if not isinstance(mapping, dict) or len(mapping) > _MOST_MAPPED:
        raise Invalid("mapping", 'Give an object such as {"username": "Ник клиента"}.')
    if not all(isinstance(column, str) for column in mapping.values()):
        raise Invalid("mapping", "Each value must be a column: its header, or its number as a string.")
    return mapping
