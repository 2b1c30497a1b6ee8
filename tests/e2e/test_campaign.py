"""Whole campaigns on the real parts: PostgreSQL, Temporal, Vault, Telethon over TCP, our processes."""

import time
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from pathlib import Path

from devstack.chaos.victims import freeze, thaw
from devstack.telegram_dc.journal import Joined, Message
from devstack.telegram_dc.scenario import Fault
from tests.e2e.agreement import assert_same_everywhere
from tests.e2e.receiver import receiver
from tests.e2e.town import Town, town, world

INVITE = "channels.InviteToChannel"
WORKER_FULL = "worker_full"
PER_SECOND, SECONDS = 8, 3
"""A third of what they would make."""
IN_FLIGHT, AWAY = 1.0, 4.0
"""Seconds: in which a call that was begun ends, and of an absence; long enough for a lease to be given up."""
STOPS_WITHIN = timedelta(seconds=20)
LONG_BEFORE_THE_LEASE_ENDS = 40
"""Seconds."""
HELD_UP = 4
"""Requests that a busy machine may hold up until they come with the next ones."""
SHORT_LEASE = {
    "INVITE_LEASE_LENGTH": "5s",
    "INVITE_LEASE_RENEW_EVERY": "1s",
    "INVITE_LEASE_DISCONNECT_AFTER": "2s",
    "INVITE_LEASE_CLOSING_MARGIN": "1s",
}


def _some_done(status: dict) -> bool:
    return status["counts"]["processed"] >= 10


def test_a_killed_worker_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    faults = [
        Fault(account="account1", method=INVITE, after=5, kind="flood_wait", seconds=2),
        Fault(account="account2", method=INVITE, after=2, kind="ban"),
        Fault(account="account3", method=INVITE, after=3, kind="drop_after"),
        Fault(account="account3", method="messages.SendMessage", after=2, kind="drop_before"),
    ]
    with town(tmp_path, world(accounts=4, people=80, faults=faults), settings=SHORT_LEASE) as here:
        campaign = here.campaign()
        here.wait(campaign, _some_done)
        here.stack.workers[0].kill()
        status = here.end(campaign)
        here.assert_agrees(status)
        assert_same_everywhere(here, campaign, status)
        banned = next(each for each in status["accounts"] if each["id"] == "account2")
        assert banned["state"] == "blocked"
        assert [report["account_id"] for report in here.stack.reports()] == ["account2"]


def test_a_stopped_worker_is_taken_over_and_no_session_is_destroyed(tmp_path: Path) -> None:
    """SIGSTOP for longer than the lease: Telegram's own timer has dropped its connections before another signs in."""
    with town(tmp_path, world(accounts=3, people=80), settings=SHORT_LEASE) as here:
        campaign = here.campaign()
        here.wait(campaign, _some_done)
        stopped = here.stack.workers[0]
        stopped.suspend()
        before = here.status(campaign)["counts"]["processed"]
        # The other worker's own accounts go on; all three work again only when the lease has ended.
        here.wait(campaign, lambda status: status["counts"]["processed"] >= before + 20)
        stopped.resume()
        here.assert_agrees(here.end(campaign))


def test_a_worker_that_is_told_to_stop_hands_its_accounts_over_without_waiting_for_their_leases(tmp_path: Path) -> None:
    """SIGTERM: its turns end, its clients close, its leases are given up. Leases of a minute: nothing else helps."""
    settings = {"INVITE_LEASE_LENGTH": "60s"}
    with town(tmp_path, world(accounts=4, people=1000), settings=settings) as here:
        campaign = here.campaign()
        here.wait(campaign, _some_done)
        leaving = here.stack.workers[0]
        leaving.ask_to_stop()
        assert leaving.running.wait(STOPS_WITHIN)
        assert leaving.running.status() == 0
        left = datetime.now(UTC)
        everybody = {account.name for account in here.world.accounts}
        here.wait(campaign, lambda _: _acted(here, left) == everybody, LONG_BEFORE_THE_LEASE_ENDS)
        here.say(campaign, "cancel")
        status = here.wait(campaign, lambda status: status["counts"]["left"] == 0)
        here.assert_agrees(status)
        assert status["counts"]["uncertain"] == 0


def test_what_is_away_while_it_runs(tmp_path: Path) -> None:
    """PostgreSQL: nothing is done to anybody until it is back. Vault and integration-service: what was read before
    carries on, also to sign in anew."""
    with town(tmp_path, world(accounts=2, people=60), workers=1, settings=SHORT_LEASE) as here:
        servers = {server.name: server for server in here.stack.processes}
        campaign = here.campaign()
        here.wait(campaign, lambda status: status["counts"]["processed"] >= 4)
        servers["integration-service"].kill()
        servers["Vault"].running.suspend()
        here.wait(campaign, _some_done)
        freeze(servers["PostgreSQL"].pid)
        try:
            time.sleep(IN_FLIGHT)
            before = here.effects().effects()
            assert before
            time.sleep(AWAY)
            assert here.effects().effects() == before
        finally:
            thaw(servers["PostgreSQL"].pid)
        here.assert_agrees(here.end(campaign))
        assert _signed_in(here) >= 2 * len(here.world.accounts), "once more, as their leases could not be renewed"


def test_pause_resume_and_cancel_are_obeyed_and_told(tmp_path: Path) -> None:
    with receiver() as told, town(tmp_path, world(accounts=2, people=200), workers=1) as here:
        here.have_told(told.url, "paused", "cancelled")
        campaign = here.campaign()
        here.wait(campaign, _some_done)
        here.say(campaign, "pause")
        here.say(campaign, "pause")
        here.wait(campaign, lambda status: status["state"] == "paused")
        _is_still(here)
        here.say(campaign, "resume")
        done = here.status(campaign)["counts"]["processed"]
        here.wait(campaign, lambda status: status["counts"]["processed"] > done)
        here.say(campaign, "cancel")
        status = here.wait(campaign, lambda status: status["counts"]["left"] == 0)
        here.assert_agrees(status)
        assert status["state"] == "cancelled"
        assert status["counts"]["cancelled"] > 0
        assert here.api.post(f"/invite/{campaign}/resume").status_code == 409
        assert told.states(campaign, 3) == ["paused", "cancelled", "cancelled"]


def test_a_dry_run_touches_nobody(tmp_path: Path) -> None:
    with town(tmp_path, world(accounts=2, people=20), workers=1) as here:
        status = here.end(here.campaign(dry_run=True))
        assert status["state"] == "done"
        assert status["counts"]["processed"] == 20
        assert not here.effects().effects()
        assert not here.effects().requests()


def test_a_campaign_waits_for_what_is_away_and_starts_when_it_is_back(tmp_path: Path) -> None:
    settings = {"INVITE_POLL_WAITING": "2s", "INVITE_VAULT_TIMEOUT": "1s"}
    with town(tmp_path, world(accounts=2, people=10), workers=1, settings=settings) as here:
        servers = {server.name: server for server in here.stack.processes}
        servers["integration-service"].kill()
        servers["Vault"].running.suspend()
        campaign = here.campaign()
        away = here.wait(campaign, lambda status: status["why"]["code"] == "integration_away")
        assert away["state"] == "waiting"
        assert away["why"]["until"]
        servers["integration-service"].start()
        here.wait(campaign, lambda status: status["why"]["code"] == "credentials_away")
        assert not here.effects().effects()
        servers["Vault"].running.resume()
        here.assert_agrees(here.end(campaign))


def test_full_workers_and_an_application_that_may_ask_little_share_what_there_is(tmp_path: Path) -> None:
    """Four accounts of one application, two workers with room for one each: the others wait, and say for what."""
    settings = SHORT_LEASE | {"INVITE_MAX_CLIENTS": "1"}
    with town(tmp_path, world(accounts=4, people=8), settings=settings, per_second=PER_SECOND) as here:
        campaign = here.campaign()
        waiting = here.wait(campaign, lambda status: WORKER_FULL in _reasons(status))
        assert all(each["why"]["until"] for each in waiting["accounts"] if each["why"]["code"] == WORKER_FULL)
        here.assert_agrees(here.end(campaign))
        requests = [each for each in here.effects().requests() if "Ping" not in each.method]
        moments = sorted(each.at.timestamp() for each in requests)
        fullest = max(bisect_left(moments, at + SECONDS) - place for place, at in enumerate(moments))
        assert fullest <= PER_SECOND * SECONDS + HELD_UP


def _signed_in(here: Town) -> int:
    return sum(each.method == "users.GetUsers" for each in here.effects().requests())


def _acted(here: Town, since: datetime) -> set[str]:
    """Which accounts have invited or written since then."""
    effects = here.effects()
    return {each.by for each in [*effects.of(Joined), *effects.of(Message)] if each.at > since}


def _reasons(status: dict) -> list[str]:
    return [each["why"]["code"] for each in status["accounts"]]


def _is_still(here: Town) -> None:
    """Nothing happens: two looks at the journal, a few gaps apart, are the same."""
    marks = []
    for _ in range(5):
        marks.append(len(here.effects().effects()))
        here.api.get("/readyz")
    assert len(set(marks)) == 1
