"""TLS to what stands around us: whom we believe, and the certificate that we show (mTLS)."""

import ssl
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import structlog
from temporalio.service import TLSConfig

_log = structlog.get_logger("error")


@dataclass(frozen=True)
class TlsFiles:
    """PEM files. `ca`: who vouches for the other side; none: whoever this machine believes. `certificate` (with what
    leads to its CA), `key` (without a password): what we show; none: nothing."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """For connections of ours. Raises `ValueError`, which tells what is wrong with which file."""
        try:
            made = ssl.create_default_context(cafile=self.ca) if self.ca else httpx.create_ssl_context()
        except (OSError, ValueError) as error:
            raise ValueError(f"{self.ca}: {_words(error)}") from None
        self.show(made)
        return made

    def show(self, context: ssl.SSLContext) -> None:
        """Have the context show the certificate. Raises `ValueError`, which tells what is wrong with which file."""
        if self.certificate is None or self.key is None:
            return
        for file in (self.certificate, self.key):
            try:
                file.read_bytes()
            except OSError as error:
                raise ValueError(f"{file}: {_words(error)}") from None
        try:
            # With a password at hand, though a wrong one, nobody is asked for it at the terminal.
            context.load_cert_chain(self.certificate, self.key, password="")
        except (OSError, ValueError) as error:
            raise ValueError(f"{self.certificate} and {self.key}: {_words(error)}") from None

    def of_temporal(self) -> TLSConfig:
        """The same for Temporal's client, which reads the files once. Raises `OSError`."""
        ca, certificate, key = (each.read_bytes() if each else None for each in (self.ca, self.certificate, self.key))
        return TLSConfig(server_root_ca_cert=ca, client_cert=certificate, client_private_key=key)


class FollowedTls:
    """A context that follows its files: what was renewed there serves the next connection, without a restart.

    A CA is only ever added: to take one away, the process is started anew.
    """

    def __init__(self, files: TlsFiles) -> None:
        """Raises `ValueError` where the files cannot be used."""
        self._files = files
        self._seen = self._stamps()
        self.context = files.context()

    async def follow(self, request: httpx.Request) -> None:
        """Before each request (a hook of httpx): look whether the files have changed."""
        stamps = self._stamps()
        if stamps == self._seen:
            return
        self._seen = stamps
        try:
            self._files.context()  # first elsewhere: half of a renewal would leave the context without a certificate
            self._files.show(self.context)
            if self._files.ca is not None:
                self.context.load_verify_locations(self._files.ca)
        except (OSError, ValueError) as error:
            _log.error("certificate_not_renewed", what=str(error), do="mend the files: the old ones serve meanwhile")

    def _stamps(self) -> list[tuple[int, int, int] | None]:
        return [_stamp(each) for each in (self._files.ca, self._files.certificate, self._files.key)]


def neighbours_client(files: TlsFiles, timeout: timedelta) -> httpx.AsyncClient:
    """Asks the services beside ours. `timeout`: of each step. Raises `ValueError` for files that cannot be used."""
    tls = FollowedTls(files)
    hooks = {"request": [tls.follow]}
    return httpx.AsyncClient(verify=tls.context, timeout=timeout.total_seconds(), event_hooks=hooks)


def _stamp(file: Path | None) -> tuple[int, int, int] | None:
    if file is None:
        return None
    try:
        found = file.stat()
    except OSError:  # between two versions
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        if error.reason == "KEY_VALUES_MISMATCH":
            return "the key is not that of the certificate"
        return "this is not PEM of the right kind, or its key has a password"
    return getattr(error, "strerror", None) or str(error)
