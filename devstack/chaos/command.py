"""`./run chaos`: the command line, the stack around the course, the verdict as an exit status."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import SystemRandom

from rich.console import Console

from devstack.chaos import facts, tables, town
from devstack.chaos.course import Course
from devstack.chaos.owner import Owner
from devstack.chaos.plan import DROPS, Plan, Shape, plan
from devstack.chaos.relay import Relay
from devstack.chaos.verdict import Times, Verdict, edited, judged
from devstack.demo.campaign import TEXTS
from devstack.demo.client import ApiClient
from devstack.demo.kept_logs import logs_kept
from devstack.demo.picture import console
from devstack.demo.registration import PLATFORM, register
from devstack.demo.verdict import Claims, Truth
from devstack.demo.world import World
from devstack.errors import DevstackError
from devstack.progress import Progress
from devstack.stack import Stack
from devstack.state import State, temporary_state
from devstack.telegram_dc import journal, scenario
from domain.account import LeaseTimes

_ABOUT = (
    "Run a campaign while workers, API, Temporal, PostgreSQL, Vault, integration-service and connections are killed, "
    "stopped and restarted at random, and the campaign is paused and resumed. The exit status is 0 if nobody is "
    "lost, nobody is reached twice, nothing is left in doubt, and all numbers agree."
)
OWNER = "chaos-owner"
TOKEN_TTL = timedelta(days=7)
SPACING = {"production": timedelta(seconds=5), "short": timedelta(seconds=2.5)}
"""Mean time between two strikes, by the lease times."""
LEASES = {"production": LeaseTimes(), "short": town.SHORT_LEASE}
IN_FLIGHT = timedelta(seconds=20)
"""The deadline of one platform request."""


@dataclass(frozen=True)
class Options:
    """What to run."""

    faults: int = 100
    seed: int = 0
    recipients: int = 2000
    accounts: int = 20
    workers: int = 3
    leases: str = "production"
    keep: bool = False

    @property
    def shape(self) -> Shape:
        """What the planner must know."""
        each = max(1, round(0.4 * self.recipients / self.accounts))
        return Shape(self.workers, self.accounts, each, LEASES[self.leases], SPACING[self.leases])


def main(argv: list[str]) -> int:
    """Run chaos once; 1 when anything was violated."""
    options = _options(argv)
    out = console()
    out.print(f"chaos with {options.faults} faults, seed {options.seed}", markup=False)
    try:
        return 1 if run(options, out).wrong else 0
    except Violated:
        return 1


def run(options: Options, out: Console) -> Verdict:
    """Run it and print the table. The logs are kept, and `Violated` raised, when anything is wrong."""
    planned = plan(options.seed, options.faults, options.shape)
    world = town.world(options.recipients, options.accounts, options.seed, planned)
    with temporary_state() as passing, logs_kept(passing, out, "invite-chaos-", always=options.keep):
        # Its servers come back with what they had, as those of a kept state do.
        state = replace(passing, kept=True)
        began = time.monotonic()
        verdict, struck, died = _played(state, options, world, planned, _teller(out, state))
        tables.show(out, options.seed, struck, died, verdict)
        out.print(f"{time.monotonic() - began:.0f} s in all")
        if verdict.wrong:
            raise Violated(f"seed {options.seed}: " + "; ".join(map(str, verdict.wrong)))
    return verdict


def _options(argv: Sequence[str]) -> Options:
    parser = argparse.ArgumentParser(prog="./run chaos", description=_ABOUT)
    for name, text in (
        ("faults", "how many faults"),
        ("recipients", "how many people"),
        ("accounts", "how many accounts"),
        ("workers", "how many workers"),
    ):
        default = getattr(Options, name)
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{text} ({default})")
    parser.add_argument("--seed", type=int, help="repeat this one's faults; else one is drawn and printed")
    parser.add_argument("--leases", choices=sorted(LEASES), default="production", help="lease times (production)")
    parser.add_argument("--keep", action="store_true", help="keep the logs, and print where")
    found = parser.parse_args(argv)
    if min(found.recipients, found.accounts, found.workers) < 1 or found.faults < 0:
        parser.error("give positive numbers")
    if found.seed is None:
        found.seed = SystemRandom().randrange(1_000_000)
    return Options(**vars(found))


def _teller(out: Console, state: State) -> Callable[[str], None]:
    began = time.monotonic()
    log = (state.logs / "chaos.log").open("a", buffering=1)

    def say(text: str) -> None:
        out.print(f"{time.monotonic() - began:7.1f} s  {text}", markup=False)
        print(f"{time.strftime('%H:%M:%S', time.gmtime())} {text}", file=log)

    return say


def _played(
    state: State, options: Options, world: World, planned: Plan, say: Callable[[str], None]
) -> tuple[Verdict, Counter[str], dict[str, int]]:
    files = state.folder / "scenario.json", state.folder / "telegram.jsonl"
    scenario.dump(world.scenario, files[0])
    pace = town.Pace(state.folder / "limits.toml")
    pace.last(planned.length, options.recipients, options.accounts)
    lease = options.shape.lease
    stack = Stack(
        state,
        workers=options.workers,
        temporal_ui=False,
        limits_file=pace.path,
        settings=town.lease_settings(lease),
        ports=town.free_ports(),
        progress=Progress(quiet=True),
    )
    with stack, Relay(stack.start_data_centre(*files).port) as relay:
        register(stack, world, OWNER, relay.port)
        token = stack.token(OWNER, ttl=TOKEN_TTL)
        with ApiClient(stack.api_url, token) as api, ApiClient(stack.api_url, token) as watching:
            say("everything runs")
            stored, campaign_id = _campaign(api, world)
            with Owner(watching, campaign_id) as owner:
                course = Course(stack, relay, owner, planned, options.seed, pace.quicken, say)
                course.run()
            found = facts.of(stack.infrastructure, campaign_id)  # its workflows have ended then, and answer at once
            verdict = judged(
                _claims(api, stored, campaign_id),
                _truth(stack, world, files[1]),
                found,
                Times(course.began, course.ended, owner.pauses, owner.quiet),
                lease.length + IN_FLIGHT,
                course.silences(),
                edited=[edited(api.campaign(campaign_id)["priority"], owner.priorities)],
            )
        struck = course.struck + _dropped(planned, files[1])
        return verdict, struck, course.died


def _campaign(api: ApiClient, world: World) -> tuple[int, str]:
    audience = api.upload(world.file_name, world.content)
    campaign = {
        "name": "Chaos",
        "platform": PLATFORM,
        "audience_id": audience["id"],
        "action": "invite",
        "pace": "fast",
        "destination": f"https://t.me/{world.group}",
        "message": {"texts": TEXTS},
        "message_when_refused": True,
    }
    return int(audience["stored"]), str(api.invite(campaign, key="chaos")["id"])


def _claims(api: ApiClient, stored: int, campaign_id: str) -> Claims:
    status, workflow = api.status(campaign_id), api.status(campaign_id, "workflow")
    return Claims(stored, status, workflow, api.report(campaign_id))


def _truth(stack: Stack, world: World, path: Path) -> Truth:
    told = frozenset(report["account_id"] for report in stack.reports())
    return Truth(journal.read(path), world.people, world.expected, told=told)


def _dropped(planned: Plan, path: Path) -> Counter[str]:
    """The drops that struck: a request that came too late for its drop did not."""
    requests = journal.read(path).requests()
    seen = {
        "drop_before": sum(each.outcome == "drop_before" for each in requests),
        "drop_after": sum(not each.answered and each.outcome not in ("drop_before", "silence") for each in requests),
    }
    return Counter({f"{blow.replace('_', ' ')} request": seen[blow] for blow in sorted(DROPS) if seen[blow]})


class Violated(DevstackError):
    """Something was lost, done twice, left in doubt, or does not agree."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
