"""Three weeks in half a minute: limits, pauses, priorities and hours over everything that was done."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url

from bench import simulation as benchmark
from devstack.postgres import Postgres
from domain.why import EndedBy, Why, ended_by
from tests.simulation.course import POLL, QUIET, Course, Plan, play
from tests.simulation.invariants import CLOSE, shares, took_and_planned, violations
from tests.simulation.town import Town, town

RECIPIENTS = 300
FLOOR = timedelta(seconds=10)


@pytest.fixture
def limits_file(tmp_path: Path) -> Path:
    file = tmp_path / "limits.toml"
    file.write_text(Plan(RECIPIENTS).limits)
    return file


async def test_three_weeks(
    postgres: Postgres, database_urls: Mapping[str, str], limits_file: Path, tmp_path: Path
) -> None:
    plan = Plan(RECIPIENTS)
    admin = make_conninfo(postgres.admin_dsn, dbname=make_url(database_urls["invite_owner"]).database)
    async with town(database_urls["invite_worker"], database_urls["invite_api"], admin, limits_file, POLL) as played:

        async def look() -> None:
            await everything_that_waits_says_why_and_what_would_end_it(played)

        course = await play(played, plan, look)
        journal = played.platform.journal
        assert not violations(journal, course, plan.daily, FLOOR)
        await the_numbers_agree(played)
        took, planned = took_and_planned(journal, course)
        assert abs(took - planned) <= CLOSE * took, f"it took {took}, and was planned to take {planned}"
        evenly = shares(journal, QUIET)
        assert max(evenly.values()) - min(evenly.values()) <= 1
        await the_benchmark_tells_of_it(played, plan, course, tmp_path / "picture.svg")


async def the_benchmark_tells_of_it(town: Town, plan: Plan, course: Course, picture: Path) -> None:
    await benchmark.show(town, 1)
    assert benchmark.told(plan, town, course, 1, picture) == 0
    dots = ElementTree.parse(picture).iter("{http://www.w3.org/2000/svg}path")
    assert len(list(dots)) >= len({each.account_id for each in town.platform.journal})


async def everything_that_waits_says_why_and_what_would_end_it(town: Town) -> None:
    for label, made in town.campaigns.items():
        found = await town.reports.snapshot(made.owner, made.id, await town.now())
        why = Why(found.why)
        if found.state == "waiting":
            assert found.until is not None or ended_by(why) is EndedBy.OWNER, (label, found)
        for line in found.accounts:
            assert line.since is not None or line.why == Why.ACCOUNT_INACTIVE, line
            assert (line.to is not None) == (line.why == Why.GIVES_WAY), line


async def the_numbers_agree(town: Town) -> None:
    for label, made in town.campaigns.items():
        done = [each for each in town.platform.journal if each.campaign == label]
        numbers = (await town.reports.snapshot(made.owner, made.id, await town.now())).numbers
        assert numbers.left == 0
        assert numbers.invited == sum(each.kind == "invited" for each in done)
        assert numbers.messaged + numbers.messaged_instead == sum(each.kind == "messaged" for each in done)
