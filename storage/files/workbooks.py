"""XLSX: the archive is looked at first, then a process of its own turns one sheet into CSV.

A workbook is an archive of XML that strangers have made. What reads it may want any amount of memory or time, or die:
so it does that elsewhere, under limits that the kernel keeps, without our environment, and we read what it has written.
"""

import io
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, BinaryIO

from domain.audience import FileError, FileLimits, TooManyRows
from domain.errors import Invalid

SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
_READER = Path(__file__).with_name("sheet_reader.py")
_PATIENCE = timedelta(seconds=30)
_MEMORY = 3
"""So many times the unpacked size the reader may hold."""
_LEAST_MEMORY = 512 * 1024 * 1024
_MOST_ENTRIES = 5_000
"""Files in the archive; a workbook has one for each sheet, and a dozen more."""
_DENSEST = 100
"""A sheet packs to a tenth of its size, one of the same cell over and over to a seventeenth."""
_DENSE_FROM = 16 * 1024 * 1024
"""A smaller part of a workbook does no harm, however it is packed: bytes unpacked."""
_MACROS = "xl/vbaProject.bin"
_LINKS = "xl/externalLinks/"
_BOOK = "xl/workbook.xml"


@dataclass(frozen=True)
class Sheet:
    """One sheet as CSV in UTF-8. `first_row`: the number of its first row; `names`: all sheets of the workbook."""

    text: io.TextIOWrapper
    name: str
    first_row: int
    names: tuple[str, ...]


def is_archive(file: BinaryIO) -> bool:
    """Whether it may be a workbook."""
    file.seek(0)
    return file.read(4) in SIGNATURES


def open_sheet(file: BinaryIO, named: str | None, limits: FileLimits) -> Sheet:
    """The sheet of that name or number, from 1 on; else the first that is not hidden. Raises `FileError`, `Invalid`."""
    unpacked = _look_at_archive(file, limits)
    out = tempfile.TemporaryFile()  # noqa: SIM115  the sheet holds it
    try:
        told = _read(_real(file), out, named, limits, max(_LEAST_MEMORY, _MEMORY * unpacked))
    except BaseException:
        out.close()
        raise
    out.seek(0)
    text = io.TextIOWrapper(out, encoding="utf-8", newline="")
    return Sheet(text, told["sheet"], told["first_row"], tuple(told["sheets"]))


def _look_at_archive(file: BinaryIO, limits: FileLimits) -> int:
    """Its size unpacked, in bytes, as it says itself."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeError):
        raise FileError("The workbook is broken or cut off: it is not a whole ZIP archive.") from None
    names = {entry.filename for entry in entries}
    if _BOOK not in names:
        raise FileError(f"This is a ZIP archive and no XLSX workbook: {_BOOK} is missing.")
    if _MACROS in names:
        raise FileError(f"The workbook has macros ({_MACROS}). Save it as XLSX without macros.")
    linked = sorted(name for name in names if name.startswith(_LINKS))
    if linked:
        raise FileError(f"The workbook has links to other files ({linked[0][:100]}). Break them and save it again.")
    largest = max(entries, key=lambda entry: entry.file_size)
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > limits.unpacked or len(entries) > _MOST_ENTRIES:
        raise FileError(
            f"The workbook would take {unpacked} bytes unpacked, {largest.filename[:100]} the most of them; "
            f"{limits.unpacked} are allowed. Save the table as CSV, or split it."
        )
    bombs = [entry for entry in entries if _is_bomb(entry)]
    if bombs:
        raise FileError(
            f"The workbook is packed more than {_DENSEST} times ({bombs[0].filename[:100]}: {bombs[0].compress_size} "
            f"bytes would become {bombs[0].file_size}). Save the table as CSV."
        )
    return unpacked


def _is_bomb(entry: zipfile.ZipInfo) -> bool:
    return entry.file_size > max(_DENSE_FROM, _DENSEST * entry.compress_size)


def _real(file: BinaryIO) -> IO[bytes]:
    """A file that another process can read: one in memory is copied."""
    file.seek(0)
    try:
        file.fileno()  # an upload that is in memory yet goes to the disk by it
    except (OSError, AttributeError):
        copy = tempfile.TemporaryFile()  # noqa: SIM115  closed with its last reference
        shutil.copyfileobj(file, copy)
        copy.flush()
        copy.seek(0)
        return copy
    file.seek(0)
    return file


def _read(book: IO[bytes], out: IO[bytes], named: str | None, limits: FileLimits, memory: int) -> dict[str, Any]:
    wanted = {
        "sheet": named,
        "rows": limits.rows,
        "columns": limits.columns,
        "cell": limits.cell,
        "memory": memory,
        "output": limits.unpacked,
        "seconds": round(_PATIENCE.total_seconds()),
    }
    command = [sys.executable, "-E", "-s", "-P", str(_READER), json.dumps(wanted)]
    try:
        done = subprocess.run(  # noqa: S603  a program of ours
            command, stdin=book, stdout=out, stderr=subprocess.PIPE, timeout=_PATIENCE.total_seconds(), env={}, cwd="/"
        )
    except subprocess.TimeoutExpired:
        raise FileError("The workbook takes too long to read. Save the table as CSV.") from None
    told = _told(done.stderr)
    if done.returncode != 0 or told is None:
        raise FileError("The workbook cannot be read: it is broken, or needs too much memory. Save the table as CSV.")
    if "too_many_rows" in told:
        raise TooManyRows(limits.rows)
    if "field" in told:
        raise Invalid(told["field"], told["error"])
    if "error" in told:
        raise FileError(told["error"], told.get("row"), told.get("column", ""))
    return told


def _told(stderr: bytes) -> dict[str, Any] | None:
    """The reader's last words; a library may have written something before."""
    try:
        told = json.loads(stderr.splitlines()[-1])
    except (ValueError, IndexError):
        return None
    return told if isinstance(told, dict) else None
