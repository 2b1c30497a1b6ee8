"""Connections to Temporal: one data converter for the API, the workers and the tests."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from temporalio.api.failure.v1 import Failure
from temporalio.client import Client, Interceptor
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DefaultFailureConverter, PayloadConverter
from temporalio.exceptions import FailureError
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError, TLSConfig
from temporalio.worker import WorkerDeploymentConfig

from domain.errors import Error, Invalid, Unavailable


class BareFailures(DefaultFailureConverter):
    """Writes of an error what it is and where it happened. Its words only where they are ours: those of a database, a
    library or a platform may hold people's data (SEC-5), and a history keeps them for weeks."""

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        """As the SDK asks for it, once for each error of a chain."""
        super().to_failure(exception, payload_converter, failure)
        if not isinstance(exception, (Error, FailureError)) or isinstance(exception, Invalid):
            failure.message = type(exception).__name__


CONVERTER = replace(pydantic_data_converter, failure_converter_class=BareFailures)
"""Dataclasses, enums and moments in payloads, checked on the way in."""

CONNECT_TIMEOUT = timedelta(seconds=10)


async def connect(
    address: str,
    namespace: str,
    tls: TLSConfig | None = None,
    interceptors: Sequence[Interceptor] = (),
    *,
    lazy: bool = False,
) -> Client:
    """A client. `tls`: none, without. `interceptors`: also for its workers. `lazy`: connect at the first call.

    Raises `Unavailable`.
    """
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT.total_seconds()):
            return await Client.connect(
                address,
                namespace=namespace,
                data_converter=CONVERTER,
                interceptors=interceptors,
                lazy=lazy,
                tls=tls or False,
            )
    except (RPCError, RuntimeError, TimeoutError) as error:
        raise Unavailable("Temporal", str(error) or type(error).__name__) from error


def measure_temporal(address: str | None) -> None:
    """Have Temporal's own metrics answered at host:port, for all clients and workers of this process to come."""
    if address is not None:
        Runtime.set_default(measured(address))


def measured(address: str) -> Runtime:
    """A runtime whose clients and workers are measured, answered at host:port."""
    return Runtime(telemetry=TelemetryConfig(metrics=PrometheusConfig(bind_address=address)))


def deployment(name: str, build_id: str | None) -> WorkerDeploymentConfig | None:
    """Worker versioning for the shared queue's workers; None, off, without a build id.

    Every workflow upgrades by itself: campaigns live for weeks, and one that is paused would pin its old version's
    workers for ever (docs/decisions/0010-auto-upgrade.md).
    """
    if build_id is None:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment_name=name, build_id=build_id),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )
