"""The gate: names, slow requests, refusals in the log, caches, cookies."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import Request

from lychgate.portal_listening import Punctual
from policy.commands.command import Actor
from policy.commands.journal import entries
from policy.commands.people import AddPerson, RemovePerson
from policy.types import Person
from portal import security
from portal.identity import REFUSALS_MAX, REFUSALS_SECONDS, perform
from portal.limiting import KEYS_MAX, Attempts
from tests.portal.visitors import PASSWORD, House, tell


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("portal.example", 200),
        ("PORTAL.example:8453", 200),
        ("127.0.0.1:8453", 200),
        ("[::1]:8453", 200),
        ("localhost", 200),
        ("rebound.evil.example", 421),
        ("portal.example.evil.example", 421),
        ("portal.example@evil.example", 421),
        ("", 421),
        ("127.0.0.1.evil.example", 421),
        ("[::1", 421),
    ],
)
def test_only_names_that_are_ours_are_answered(tmp_path: Path, name: str, status: int) -> None:
    async def story(house: House) -> None:
        for path in ("/sign-in", "/healthz"):
            answer = await house.browser().get(path, headers={"Host": name})
            assert answer.status_code == status
        if status == 421:
            answer = await house.browser().get("/api/account", headers={"Host": name})
            assert answer.status_code == 421 and answer.json()["faults"]

    tell(tmp_path, story, public_url="http://portal.example", host_names=())


def test_without_https_an_origin_without_it_is_ours_and_with_it_is_not(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        ada = house.browser()
        await ada.sign_in("ada")
        answer = await ada.post(
            "/sign-out", data={"csrf": ada.csrf}, headers={"Origin": "http://portal.example"}
        )
        assert answer.status_code == 403

    tell(tmp_path, story, public_url="https://portal.example")


def test_nobody_is_signed_in_as_another_by_a_foreign_form(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        victim, mallory = house.browser(), house.browser()
        await mallory.see("/sign-in")
        await victim.see("/sign-in")
        for csrf in (mallory.csrf, ""):  # a token of the attacker's own browser is no use
            answer = await victim.post(
                "/sign-in", data={"csrf": csrf, "person": "mallory", "password": PASSWORD}
            )
            assert answer.status_code == 403
        assert (await victim.get("/account")).status_code == 303

    tell(tmp_path, story)


def test_a_session_that_somebody_planted_is_not_taken_over(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        ada = house.browser()
        await ada.see("/sign-in")
        ada.cookies.set("lychgate", "planted-by-mallory", domain="portal.example")
        await ada.see("/sign-in")
        answer = await ada.submit("/sign-in", person="ada", password=PASSWORD)
        assert answer.status_code == 303 and "planted" not in answer.headers["set-cookie"]
        first = answer.headers["set-cookie"].split(";")[0].partition("=")[2]
        mallory = house.browser()
        mallory.cookies.set("lychgate", "planted-by-mallory")
        assert (await mallory.get("/account")).status_code == 303
        await ada.get("/sign-in")
        ada.csrf = security.csrf_token(first)
        again = await ada.submit("/sign-in", person="ada", password=PASSWORD)
        second = again.headers["set-cookie"].split(";")[0].partition("=")[2]
        assert second != first
        old = house.browser()
        old.cookies.set("lychgate", first)
        assert (await old.get("/account")).status_code == 303  # the one before has ended

    tell(tmp_path, story)


def test_what_no_version_names_is_kept_for_an_hour(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        page = await house.browser().see("/sign-in")
        (versioned,) = re.findall(r'href="(/static/mark\.svg\?v=[0-9a-f]+)"', page.text)
        found = await house.browser().get(versioned)
        assert "immutable" in found.headers["cache-control"]
        plain = await house.browser().get("/static/mark.svg")
        assert plain.headers["cache-control"] == "public, max-age=3600"
        for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py"):
            assert (await house.browser().get(path)).status_code == 404

    tell(tmp_path, story)


def test_faults_of_ours_tell_nothing(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        @house.app.get("/broken")
        async def broken() -> None:
            raise RuntimeError("secret of the inside")

        @house.app.get("/api/broken")
        async def broken_too() -> None:
            raise RuntimeError("secret of the inside")

        for path in ("/broken", "/api/broken"):
            answer = await house.browser().get(path)
            assert answer.status_code == 500
            assert "secret" not in answer.text and "Traceback" not in answer.text
            assert answer.headers["content-security-policy"]

    tell(tmp_path, story)


def test_refusals_are_entered_so_often_and_no_oftener(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        @house.app.post("/try")
        async def attempt(request: Request) -> None:
            await perform(request, AddPerson("new", {"name": "New", "roles": []}))

        async def refused() -> int:
            return len([entry for entry in await house.audit() if entry[1] == "person.add"])

        tom, lea = house.browser(), house.browser()
        await tom.sign_in("tom")
        await lea.sign_in("lea")
        for _ in range(REFUSALS_MAX + 5):
            assert (await tom.submit("/try")).status_code == 403
        assert await refused() == REFUSALS_MAX
        assert (await lea.submit("/try")).status_code == 403  # others are entered all the same
        assert await refused() == REFUSALS_MAX + 1
        house.clock.at += REFUSALS_SECONDS
        await tom.sign_in("tom")
        assert (await tom.submit("/try")).status_code == 403
        assert await refused() == REFUSALS_MAX + 2

    tell(tmp_path, story)


def test_whoever_gets_an_id_again_finds_nothing_of_the_one_before(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        @house.app.post("/remove")
        async def remove(request: Request) -> None:
            await perform(request, RemovePerson("tom"))

        ada, tom = house.browser(), house.browser()
        await ada.sign_in("ada")
        await tom.sign_in("tom")
        assert (await ada.submit("/remove")).status_code == 200
        ada_as_actor = Actor("ada", "Ada", "portal", (await _person(house, "ada")).roles)
        body = {"name": "Another Tom", "roles": [{"role": "tutor"}]}
        await house.services.desk.perform(ada_as_actor, AddPerson("tom", body), at=house.clock.at)
        assert (await tom.get("/account")).status_code == 303
        assert (await house.browser().sign_in("tom")).status_code == 422
        assert ("ada", "account.forget", "person:tom", "done") in await house.audit()

    tell(tmp_path, story)


def test_a_role_that_is_taken_is_gone_at_the_next_request(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        lea = house.browser()
        await lea.sign_in("lea")
        assert "Changes today" in (await lea.see("/")).text
        async with house.services.store.writing() as writing:
            await writing.put("people", "lea", {"name": "Lea Leader", "roles": []})
        assert "Changes today" not in (await lea.see("/")).text

    tell(tmp_path, story)


def test_a_lock_can_be_ended_and_is_seen(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        guesser, care = house.browser(), house.services.accounts.care
        for _ in range(5):
            await guesser.sign_in("tom", "not the password")
        standing = (await care.standings())["tom"]
        assert standing.locked_until > house.clock.at and standing.failures == 5
        assert (await house.browser().sign_in("tom")).status_code == 422
        ada = Actor("ada", "Ada", "portal")
        assert await care.unlock(ada, "tom", house.clock.at)
        assert not await care.unlock(ada, "nobody", house.clock.at)
        assert (await house.browser().sign_in("tom")).status_code == 303
        assert ("ada", "account.unlock", "person:tom", "done") in await house.audit()

    tell(tmp_path, story)


def test_a_link_made_at_the_machine_signs_in_once(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        care, machine = house.services.accounts.care, Actor("cli:root", "root", "cli")
        secret = await care.make_entry(machine, "ada", house.clock.at)
        preview, ada = house.browser(), house.browser()
        assert "Ada Admin" in (await preview.see(f"/link/{secret}")).text  # looking uses nothing up
        await ada.see(f"/link/{secret}")
        answer = await ada.submit("/come-in")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert (await ada.get("/account")).status_code == 200
        assert (await preview.submit("/come-in")).status_code == 404
        assert ("cli:root", "account.portal-link", "person:ada", "done") in await house.audit()
        async with house.services.store.reading() as connection:
            reasons = [e.reason async for e in entries(connection) if e.action == "account.sign-in"]
        assert reasons == ["by a link made at the machine"]
        late = await care.make_entry(machine, "ada", house.clock.at)
        house.clock.at += 901
        assert (await house.browser().get(f"/link/{late}")).status_code == 404

    tell(tmp_path, story, local_accounts=False)


def test_what_is_remembered_of_addresses_is_bounded() -> None:
    attempts = Attempts(2, 60.0)
    for number in range(KEYS_MAX + 10):
        assert attempts.may(str(number), 0.0)
    assert len(attempts._counts) == KEYS_MAX
    assert attempts.may("x", 0.0) and attempts.may("x", 0.0) and not attempts.may("x", 0.0)
    assert attempts.is_used_up("x", 59.0) and not attempts.is_used_up("x", 60.0)


def test_a_body_that_drips_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "BODY_SECONDS_MAX", 0.2)

    async def story(house: House) -> None:
        async def drips() -> object:
            for _ in range(50):
                yield b"x"
                await asyncio.sleep(0.05)

        answer = await house.browser().post("/sign-in", content=drips())  # type: ignore[arg-type]
        assert answer.status_code == 408

    tell(tmp_path, story)


def test_whoever_says_nothing_or_drips_a_head_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Punctual, "head_seconds_max", 0.4)

    async def story(house: House) -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        config = uvicorn.Config(
            house.app, lifespan="off", log_level="error", access_log=False, http=Punctual
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))

        async def talk(*parts: bytes, pause: float) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                for part in parts:
                    writer.write(part)
                    await asyncio.sleep(pause)
                return await asyncio.wait_for(reader.read(), 5)
            except ConnectionError:  # cut off while it was talking
                return b""
            finally:
                writer.close()

        try:
            good = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            assert await talk(pause=0) == b""  # says nothing
            head = [good[i : i + 1] for i in range(len(good))]
            assert await talk(*head, pause=0.05) == b""  # two seconds for a head
            (accepted,) = await _while_connected(server, port)
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            closing = good.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
            assert (await talk(closing, pause=0)).startswith(b"HTTP/1.1 200")
            # A second request on the same connection that never comes to its end.
            found = await talk(good, b"GET /healthz HT", pause=0.1)
            assert found.count(b"HTTP/1.1 200") == 1

            # An answer that takes longer than a head may is not cut off.
            @house.app.get("/slow")
            async def slow() -> dict[str, str]:
                await asyncio.sleep(0.8)
                return {}

            slowly = closing.replace(b"/healthz", b"/slow")
            assert (await talk(slowly, pause=0)).startswith(b"HTTP/1.1 200")
        finally:
            server.should_exit = True
            await serving

    tell(tmp_path, story)


async def _while_connected(server: uvicorn.Server, port: int) -> list[Any]:
    """The sockets of the server's connections while there is one."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.sleep(0.1)
    found = [
        connection.transport.get_extra_info("socket")
        for connection in server.server_state.connections
    ]
    writer.close()
    return found


async def _person(house: House, id: str) -> Person:
    person = await house.services.accounts.person(id)
    assert person is not None
    return person
