"""Signing in and out, lock-out, sessions, second factors."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path

import pyotp
from sqlalchemy import select

from policy.commands.command import Actor
from portal.accounts import rows
from portal.accounts.lockout import ATTEMPTS_MAX, FAILURES_FREE, LOCK_SECONDS_MAX
from portal.accounts.sessions import PERSON_SESSIONS_MAX, Place, begin
from portal.accounts.tables import sessions
from tests.portal.visitors import PASSWORD, SATURDAY, House, tell, value_in

HERE = Place("192.0.2.1", "a browser")
ELSEWHERE = Place("192.0.2.9", "another browser")


def test_a_page_asks_who_it_is_and_goes_on_there(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        ada = house.browser()
        asked = await ada.get("/account?tab=1")
        assert asked.status_code == 303
        assert asked.headers["location"] == "/sign-in?next=/account%3Ftab%3D1"
        page = await ada.see(asked.headers["location"])
        assert "Sign in to see this page" in page.text
        answer = await ada.submit(
            "/sign-in", person="ada", password=PASSWORD, next=value_in(page.text, "next")
        )
        assert answer.headers["location"] == "/account?tab=1"
        assert "Ada Admin" in (await ada.see("/account")).text
        signed_out = await ada.submit("/sign-out")
        assert signed_out.headers["location"] == "/sign-in?done=sign-in.signed_out"
        assert (await ada.get("/account")).status_code == 303
        actions = [(actor, action) for actor, action, *_ in await house.audit()]
        assert actions == [("ada", "account.sign-in"), ("ada", "account.sign-out")]

    tell(tmp_path, story)


def test_nobody_is_sent_elsewhere(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        for hostile in ("//evil.example", "https://evil.example", "/\\evil.example", "/\n/x", "x"):
            ada = house.browser()
            await ada.see("/sign-in")
            answer = await ada.submit("/sign-in", person="ada", password=PASSWORD, next=hostile)
            assert answer.headers["location"] == "/", hostile

    tell(tmp_path, story)


def test_what_is_wrong_stands_beside_the_field_and_what_was_typed_stays(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        ada = house.browser()
        await ada.see("/sign-in")
        answer = await ada.submit("/sign-in", person="a<b>da", password="")
        assert answer.status_code == 422
        assert "<title>Error: Sign in – Lychgate</title>" in answer.text
        assert 'href="#password"' in answer.text and 'id="password-error"' in answer.text
        assert value_in(answer.text, "person") == "a<b>da"
        assert "a<b>da" not in answer.text
        for person in ("ada", "nobody"):
            wrong = await ada.submit("/sign-in", person=person, password="not the password")
            assert wrong.status_code == 422 and "wrong, or there were too many" in wrong.text

    tell(tmp_path, story)


def test_guessing_locks_the_account_for_a_growing_time(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        guesser, ada = house.browser(), house.browser()
        for _ in range(FAILURES_FREE + 1):
            assert (await guesser.sign_in("ada", "not the password")).status_code == 422
        assert (await ada.sign_in("ada")).status_code == 422  # locked: even the right one
        house.clock.at += 29
        assert (await ada.sign_in("ada")).status_code == 422
        house.clock.at += 2
        assert (await guesser.sign_in("ada", "not the password")).status_code == 422
        house.clock.at += 31  # now it is twice as long
        assert (await ada.sign_in("ada")).status_code == 422
        house.clock.at += 30
        assert (await ada.sign_in("ada")).status_code == 303
        account = await house.services.accounts.account("ada")
        assert account is not None and account.failures == 0
        refused = [entry for entry in await house.audit() if entry[3] == "refused"]
        assert len(refused) == FAILURES_FREE + 2  # attempts while it was locked are not in it

    tell(tmp_path, story)


def test_a_lock_is_bounded(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        guesser = house.browser()
        for _ in range(FAILURES_FREE + 12):
            house.clock.at += LOCK_SECONDS_MAX + 1
            assert (await guesser.sign_in("ada", "not the password")).status_code == 422
        house.clock.at += LOCK_SECONDS_MAX + 1
        assert (await house.browser().sign_in("ada")).status_code == 303

    tell(tmp_path, story)


def test_one_address_may_not_try_for_ever(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        guesser = house.browser()
        await guesser.see("/sign-in")
        for number in range(ATTEMPTS_MAX):
            answer = await guesser.submit("/sign-in", person=f"p{number}", password="x")
            assert answer.status_code == 422
        assert (await guesser.submit("/sign-in", person="p", password="x")).status_code == 429
        house.clock.at += 601
        assert (await guesser.sign_in("ada")).status_code == 303

    tell(tmp_path, story)


def test_a_session_ends_by_idling_and_by_age(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        ada = house.browser()
        await ada.sign_in("ada")
        for _ in range(11):  # an hour idle at most: every use counts anew
            house.clock.at += 3500
            assert (await ada.get("/account")).status_code == 200
        house.clock.at += 3601
        answer = await ada.get("/account")
        assert "sign-in.ended" in answer.headers["location"]
        await ada.sign_in("ada")
        for _ in range(13):
            house.clock.at += 3400
            last = await ada.get("/account")
        assert last.status_code == 303  # twelve hours are over

    tell(tmp_path, story)


def test_whoever_is_removed_is_out_at_once(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        tom = house.browser()
        await tom.sign_in("tom")
        async with house.services.store.writing() as writing:
            await writing.remove("people", "tom")
        assert (await tom.get("/account")).status_code == 303
        assert (await house.browser().sign_in("tom")).status_code == 422

    tell(tmp_path, story)


def test_sessions_can_be_revoked(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        here, there = house.browser(), house.browser()
        await there.sign_in("ada")
        house.clock.at += 1
        await here.sign_in("ada")
        page = await here.see("/account")
        answer = await here.submit("/account/sessions", digest=value_in(page.text, "digest"))
        assert answer.status_code == 303
        assert (await there.get("/account")).status_code == 303
        assert (await here.get("/account")).status_code == 200

    tell(tmp_path, story)


def test_the_store_holds_no_secret_of_a_session(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        ada = house.browser()
        await ada.sign_in("ada")
        secret = ada.cookies["lychgate"].encode()
        held = read_files(tmp_path)
        assert secret not in held and PASSWORD.encode() not in held

    tell(tmp_path, story)


def read_files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def test_a_second_factor_from_setting_up_to_recovery(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        ada = house.browser()
        await ada.sign_in("ada")
        page = await ada.see("/account/second-factor")
        assert "<svg" in page.text
        seed = value_in(page.text, "seed")
        totp = pyotp.TOTP(seed)
        wrong = await ada.submit("/account/second-factor", seed=seed, code="1", password=PASSWORD)
        assert wrong.status_code == 422 and value_in(wrong.text, "seed") == seed
        codes = await ada.submit(
            "/account/second-factor",
            seed=seed,
            code=totp.at(int(house.clock.at)),
            password=PASSWORD,
        )
        recovery = [part.split("<")[0] for part in codes.text.split("<li>")[1:11]]
        assert len(recovery) == 10 and all(len(code) == 19 for code in recovery)

        other = house.browser()
        answer = await other.sign_in("ada")
        assert answer.headers["location"] == "/sign-in/code"
        assert (await other.get("/account")).headers["location"] == "/sign-in/code"
        assert (await other.get("/account/password")).headers["location"] == "/sign-in/code"
        used = await other.submit("/sign-in/code", code=totp.at(int(house.clock.at)))
        assert used.status_code == 422  # the code that set it up was watched, perhaps
        house.clock.at += 30
        waiting = other.cookies["lychgate"]
        right = await other.submit("/sign-in/code", code=totp.at(int(house.clock.at)))
        assert right.headers["location"] == "/"
        assert other.cookies["lychgate"] != waiting
        assert (await other.get("/account")).status_code == 200

        for expected in (303, 422):  # a recovery code is good for once
            lost = house.browser()
            await lost.sign_in("ada")
            answer = await lost.submit("/sign-in/code", code=recovery[0].lower())
            assert answer.status_code == expected

    tell(tmp_path, story)


def test_a_known_password_does_not_help_to_guess_codes(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        accounts = house.services.accounts
        async with house.services.store.writing() as writing:
            from portal.accounts import rows

            await rows.change(writing.connection, "ada", totp_seed=pyotp.random_base32())
        statuses = []
        for _ in range(FAILURES_FREE + 2):
            thief = house.browser()
            await thief.sign_in("ada")
            statuses.append((await thief.submit("/sign-in/code", code="000000")).status_code)
        account = await accounts.account("ada")
        assert account is not None and account.locked_until > house.clock.at
        assert account.failures == FAILURES_FREE + 1
        assert house.clock.at == SATURDAY

    tell(tmp_path, story)


def test_a_known_password_alone_ends_nobodys_session(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        ada = house.browser()
        await ada.sign_in("ada")
        async with house.services.store.writing() as writing:
            await rows.change(writing.connection, "ada", totp_seed=pyotp.random_base32())
            for _ in range(PERSON_SESSIONS_MAX + 5):
                house.clock.at += 1
                await begin(
                    writing.connection,
                    house.services.accounts.rules,
                    "ada",
                    place=ELSEWHERE,
                    at=house.clock.at,
                    stage="code",
                )
        async with house.services.store.reading() as connection:
            query = select(sessions.c.stage).where(sessions.c.person_id == "ada")
            stages = Counter(await connection.scalars(query))
        assert stages == {"in": 1, "code": PERSON_SESSIONS_MAX}
        assert (await ada.get("/account")).status_code == 200

    tell(tmp_path, story)


def test_a_second_factor_may_be_required(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        ada = house.browser()
        await ada.sign_in("ada")
        assert (await ada.get("/")).headers["location"] == "/account/second-factor"
        assert (await ada.get("/account/second-factor")).status_code == 200

    tell(tmp_path, story, second_factor_required=True)


def test_a_code_is_good_once_even_for_two_at_the_same_moment(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        accounts, seed = house.services.accounts, pyotp.random_base32()
        async with house.services.store.writing() as writing:
            await rows.change(writing.connection, "ada", totp_seed=seed)
        waiting = []
        for _ in range(2):
            secret, stage = await accounts.sign_in(
                "ada", PASSWORD, place=ELSEWHERE, at=house.clock.at
            )
            assert stage == "code"
            visit = await house.services.visits.by_session(secret, house.clock.at)
            assert visit is not None and visit.session is not None
            waiting.append(visit.session)
        code = pyotp.TOTP(seed).at(house.clock.at)
        tried = await asyncio.gather(
            *(
                accounts.second_step(session, code, place=ELSEWHERE, at=house.clock.at)
                for session in waiting
            ),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in tried) == ["SignInRefused", "str"]

    tell(tmp_path, story)


def test_time_tells_nobody_whether_there_is_an_account_or_a_lock(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        calls: list[str | None] = []
        accounts = house.services.accounts
        verify = accounts._passwords.verify

        async def counted(kept: str | None, password: str) -> bool:
            calls.append(kept)
            return await verify(kept, password)

        accounts._passwords.verify = counted  # type: ignore[method-assign]
        guesser = house.browser()
        for _ in range(FAILURES_FREE + 1):
            await guesser.sign_in("ada", "not the password")
        calls.clear()
        accounts._wrong_seconds = 0.3  # type: ignore[misc]
        for person in ("ada", "nobody", "tom"):  # locked, unknown, wrong
            began = time.monotonic()
            assert (await guesser.sign_in(person, "not the password")).status_code == 422
            assert time.monotonic() - began >= 0.3
        assert len(calls) == 3 and calls[:2] == [None, None] and calls[2] is not None

    tell(tmp_path, story)


def test_who_changes_addresses_within_a_network_is_one(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        accounts, at = house.services.accounts, house.clock.at
        for number in range(ATTEMPTS_MAX):
            assert accounts.may_try(Place(f"2001:db8:7:1:{number:x}::{number:x}", ""), at)
        assert not accounts.may_try(Place("2001:db8:7:1:ffff::1", ""), at)
        assert accounts.may_try(Place("2001:db8:7:2::1", ""), at)

    tell(tmp_path, story)


def test_who_is_locked_out_by_others_comes_in_from_the_machine(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        accounts = house.services.accounts
        mallory, ada = house.browser(), house.browser()
        for _ in range(FAILURES_FREE + 6):  # who sees to it that the lock never ends
            house.clock.at += LOCK_SECONDS_MAX
            await mallory.sign_in("ada", "wrong")
        assert (await ada.sign_in("ada")).status_code == 422
        actor = Actor("cli:root", "root", "cli")
        entry = await accounts.care.make_entry(actor, "ada", house.clock.at)
        assert await accounts.come_in(entry, place=HERE, at=house.clock.at)
        assert await accounts.come_in(entry, place=HERE, at=house.clock.at) is None

    tell(tmp_path, story)
