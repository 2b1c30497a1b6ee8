"""Where secrets, people's data and texts go: each of them is a canary, and everywhere is looked for them."""

import base64
import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote

import httpx
import pytest
import sentry_sdk
from temporalio.client import Client

from tests.operations.aviary import BIRDS, BY_PHONE, ERASED, Aviary, aviary
from tests.operations.canaries import Canary, Found, Kind, search
from tests.operations.flight import REFUSALS, erase, fly, said
from tests.operations.outside import HOOK, SENTRY, SPANS
from tests.operations.places import PLACES, Contents

ANSWERS = "answers of the API"
PERSON = ("username", "phone", "user_id", "first_name", "last_name", "fields")
PEOPLE_IN = frozenset(
    {f"{table}.{column}" for table in ("audience_recipient", "recipient") for column in PERSON}
    | {"audience.name", "audience_page.content", "audience_dropped.content"}
    | {"address_book.identifier", "address_book.value", "peer.peer"}
    | {"suppression.identifier", "suppression.reason"}
)
"""The columns in which people's data may be, and an uploaded file's name."""
TEXTS_IN = frozenset({"campaign.texts", "campaign_message.texts"})
TOLD_ONCE = "webhook secret"
"""The one secret that is answered, to its owner who has just asked for it."""
SECRETS_IN = (
    (TOLD_ONCE, ANSWERS),
    ("idempotency key", "campaign.idempotency_key"),  # an owner's name for a request: it opens nothing
    ("sentry key", "what Sentry was told"),  # its own, by which it knows whose events they are
)
PAYLOAD = re.compile(rb"\n\x08encoding\x12.([a-z]+/[a-z-]+)", re.DOTALL)
"""How one says in which encoding it is."""
VAULT_TOKEN = re.compile(rb"(?<![\w.])(?:s|hvs|b|hvb)\.[A-Za-z0-9]{24,}")


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aviary]:
    with aviary(tmp_path_factory.mktemp("aviary")) as here:
        fly(here)
        yield here


@pytest.fixture(scope="module")
def contents(flown: Aviary) -> Mapping[str, Contents]:
    """Of every place, after the flight."""
    return {name: look(flown) for name, look in PLACES.items()}


@pytest.fixture(scope="module")
def canaries(flown: Aviary, contents: Mapping[str, Contents]) -> list[Canary]:
    return flown.canaries


class TestWhatHappened:
    """The search means something only if everything has gone wrong before."""

    @pytest.mark.parametrize(
        ("place", "sign"),
        [
            ("histories", b"InDoubt"),  # the platform answers what nobody knows, or nothing
            ("histories", b"IntegrityError"),  # the database refuses, in words that name the person
            ("histories", b"Heartbeat timeout"),  # the worker was stopped
            ("histories", b"ValidationError"),  # a workflow's task fails
            ("logs", b"platform unavailable"),
            ("logs", b"Completing activity as failed"),
            ("logs", b'"event": "recipient"'),  # at DEBUG
            ("logs", b"violates unique constraint"),
            ("logs", b"terminating connection due to administrator command"),
            ("logs", b"accounts_not_understood"),
            ("logs", b"vault_path_refused"),
            ("logs", b"import_failed"),
            ("logs", b"duration: "),  # every statement
            ("spans", b"CampaignWorkflow"),
            ("sentry", b"exception"),
            ("hook", b"campaign.state"),
            ("neighbours", b"/accounts/check"),
            ("metrics", b"invite_account_blocks_total"),
            ("metrics", b"temporal_activity_execution_failed"),
        ],
    )
    def test_each_failure_has_left_its_sign(self, contents: Mapping[str, Contents], place: str, sign: bytes) -> None:
        assert any(sign in content for content in contents[place].values())

    def test_the_platform_has_refused_in_every_way(self, flown: Aviary) -> None:
        assert said(flown) >= REFUSALS

    def test_each_workflow_has_a_history(self, contents: Mapping[str, Contents]) -> None:
        whole = b"".join(contents["histories"].values())
        kinds = "Campaign AccountRun AdminCheck AudienceImport Housekeeping Membership Retention Webhook"
        assert [kind for kind in kinds.split() if f"{kind}Workflow".encode() not in whole] == []

    def test_all_payloads_are_as_they_can_be_read(self, contents: Mapping[str, Contents]) -> None:
        whole = b"".join([*contents["histories"].values(), *contents["descriptions"].values()])
        assert {found[1] for found in PAYLOAD.finditer(whole)} == {b"json/plain", b"binary/null"}

    @pytest.mark.parametrize("status", [200, 201, 202, 204, 400, 401, 403, 404, 409, 413, 422, 500, 503])
    def test_each_kind_of_answer_was_given(self, flown: Aviary, status: int) -> None:
        assert any(each.status == status for each in flown.told)


class TestWhereTheyAre:
    def test_nothing_is_where_it_must_not_be(self, contents: Mapping[str, Contents], canaries: list[Canary]) -> None:
        found = [each for place in contents.values() for each in search(place, canaries)]
        leaked = [each for each in found if not _may(each)]
        assert not leaked, "\n".join(map(str, leaked))

    def test_people_are_in_all_columns_that_are_said_to_have_them(
        self, contents: Mapping[str, Contents], canaries: list[Canary]
    ) -> None:
        """Else a column stands in the list that need not be there."""
        found = {each.place for each in search(contents["database"], canaries) if each.canary.kind is Kind.PERSON}
        assert PEOPLE_IN - found <= {"audience_page.content", "recipient.user_id"}  # for a moment; as lists have them

    def test_no_place_has_a_token_of_vault(self, contents: Mapping[str, Contents]) -> None:
        everything = {name: content for place in contents.values() for name, content in place.items()}
        assert not [name for name, content in everything.items() if VAULT_TOKEN.search(content)]

    def test_a_problem_repeats_nothing_but_people_of_its_own_request(
        self, flown: Aviary, canaries: list[Canary]
    ) -> None:
        """Never a secret or a text; and whom we do not know is told nothing of anybody."""
        everything = [*canaries, *(canary for bird in BIRDS for canary in bird.canaries)]
        for each in flown.told:
            repeated = search({"answer": each.answer}, everything) if each.status >= 400 else []
            known = {found.canary for found in search({"request": each.request}, everything)} if repeated else set()
            wrong = [
                str(found)
                for found in repeated
                if found.canary.kind is not Kind.PERSON or found.canary not in known or each.status in (401, 403)
            ]
            assert not wrong

    def test_the_webhook_secret_is_answered_once(self, flown: Aviary, canaries: list[Canary]) -> None:
        [secret] = [each for each in canaries if each.name == TOLD_ONCE]
        told = [each.request.split()[0] for each in flown.told if search({"answer": each.answer}, [secret])]
        assert told == [b"PUT"]

    def test_whoever_is_erased_is_in_no_column(self, flown: Aviary, contents: Mapping[str, Contents]) -> None:
        gone = [canary for number in (ERASED, BY_PHONE) for canary in BIRDS[number].canaries]
        assert len({each.canary for each in search(contents["database"], gone)}) >= 9, "they were there"
        erase(flown)
        assert not [str(each) for each in search(PLACES["database"](flown), gone)]


def _may(found: Found) -> bool:
    canary, place = found.canary, found.place
    match canary.kind:
        case Kind.SECRET:
            return (canary.name, place) in SECRETS_IN
        case Kind.PERSON:
            return place in PEOPLE_IN or place == ANSWERS
        case Kind.TEXT:
            return place in TEXTS_IN or place == ANSWERS


PLANTED = Canary("planted", Kind.PERSON, "Kuckucksei im Nest & Korb, Größe 3")


def _in_a_log(here: Aviary) -> None:
    with here.worker.log.open("ab") as log:
        log.write(json.dumps({"event": PLANTED.value}).encode())


def _in_postgres(here: Aviary) -> None:
    here.rows(f"DO $$ BEGIN RAISE LOG '%', '{PLANTED.value}'; END $$")


def _as_input(here: Aviary) -> None:
    async def start(client: Client) -> None:
        await client.start_workflow("Planted", PLANTED.value, id="planted", task_queue="nobody's")

    here.temporal(start)


def _as_memo(here: Aviary) -> None:
    async def start(client: Client) -> None:
        await client.start_workflow("Planted", id="with a memo", task_queue="nobody's", memo={"of": PLANTED.value})

    here.temporal(start)


def _in_a_label(here: Aviary) -> None:
    here.outside.says("/metrics", f'invite_turns_total{{platform="{PLANTED.value}"}} 1'.encode())
    here.metrics.append(f"{here.outside.url}/metrics")


def _in_an_event(here: Aviary) -> None:
    client = sentry_sdk.Client(here.outside.url.replace("://", "://key@") + f"{SENTRY}/1", default_integrations=False)
    client.capture_event({"message": PLANTED.value})
    client.close(timeout=5)


def _in_a_body(path: str) -> Callable[[Aviary], None]:
    def post(here: Aviary) -> None:
        packed = gzip.compress(base64.b64encode(PLANTED.value.encode()))
        with httpx.Client(trust_env=False) as client:
            client.post(here.outside.url + path, content=packed, headers={"Content-Encoding": "gzip"})

    return post


def _in_a_column(here: Aviary) -> None:
    here.rows("INSERT INTO application_share VALUES (%s, 'x', 1, now())", PLANTED.value)


def _in_an_answer(here: Aviary) -> None:
    here.ask("POST", "/suppression", json={"identifiers": [PLANTED.value]}, expect=200)


class TestTheSearchCanFail:
    @pytest.mark.parametrize(
        ("place", "plant"),
        [
            ("logs", _in_a_log),
            ("logs", _in_postgres),
            ("histories", _as_input),
            ("descriptions", _as_memo),
            ("metrics", _in_a_label),
            ("sentry", _in_an_event),
            ("spans", _in_a_body(SPANS)),
            ("hook", _in_a_body(HOOK)),
            ("neighbours", _in_a_body("/parsing")),
            ("database", _in_a_column),
            ("answers", _in_an_answer),
        ],
    )
    def test_what_is_planted_is_found(self, flown: Aviary, place: str, plant: Callable[[Aviary], None]) -> None:
        before = len(search(PLACES[place](flown), [PLANTED]))
        plant(flown)
        flown.wait(lambda: len(search(PLACES[place](flown), [PLANTED])) == before + 1, "it is found")

    @pytest.mark.parametrize("value", [PLANTED.value, "+4915123456701", "kanarek_07", "Канарейка07"])
    def test_in_every_spelling(self, value: str) -> None:
        raw = value.encode()
        escaped = json.dumps(value)
        spelled = [
            raw,
            quote(value, safe="").encode(),
            escaped.encode(),
            json.dumps(escaped).encode(),
            repr(raw).encode(),
        ]
        spelled += [raw.hex().encode(), value.upper().encode(), gzip.compress(raw), b"..." + gzip.compress(raw)]
        spelled += [f"0{value[3:]}".encode() if value.startswith("+") else raw]
        for before in range(4):
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                spelled.append(encode(b"\xfb" * before + raw + b"behind"))
        canary = Canary("of the test", Kind.PERSON, value)
        for each in spelled:
            assert search({"it": b"before" + each + b"behind"}, [canary]), each
            assert not search({"it": each[:-9]}, [Canary("another", Kind.PERSON, "nobody at all")])

    def test_a_phone_written_backwards(self) -> None:
        assert search({"it": b"1076543215194+"}, [Canary("phone", Kind.PERSON, "+4915123456701")])

    def test_a_phone_within_a_longer_number_is_none(self) -> None:
        assert not search({"it": b"1795123456701123456"}, [Canary("phone", Kind.PERSON, "+4915123456701")])
