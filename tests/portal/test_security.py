"""Headers, forged requests, sizes, hostile names, the API and its tokens."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import Request

from policy.commands.command import Actor, Refused
from policy.commands.people import AddPerson
from portal.identity import perform
from portal.security import ANYBODY_OCTETS_MAX, BODY_OCTETS_MAX, HEADERS
from tests.portal.test_places_api import program
from tests.portal.visitors import PASSWORD, House, tell

HOSTILE = '"><img src=x onerror=alert(1)>{{7*7}}'


@pytest.mark.parametrize("path", ["/sign-in", "/", "/nothing", "/static/lychgate.css", "/healthz"])
def test_every_answer_has_the_headers(tmp_path: Path, path: str) -> None:
    async def story(house: House) -> None:
        answer = await house.browser().get(path)
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert "Strict-Transport-Security" not in answer.headers
        if not path.startswith("/static") or answer.status_code != 200:
            assert answer.headers["cache-control"] == "no-store"

    tell(tmp_path, story)


def test_by_https_cookies_go_by_nothing_else(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        ada = house.browser()
        answer = await ada.sign_in("ada")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-lychgate=")
        for word in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
            assert word in cookie
        assert "Strict-Transport-Security" in answer.headers

    tell(tmp_path, story, public_url="https://portal.example")


def test_no_page_has_inline_script_or_style(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        ada = house.browser()
        pages = [await ada.see("/sign-in")]
        await ada.sign_in("ada")
        for path in ("/", "/account", "/account/second-factor", "/account/tokens/new", "/api/docs"):
            pages.append(await ada.see(path))
        for page in pages:
            assert page.status_code == 200
            assert " style=" not in page.text and "<style" not in page.text
            for part in page.text.split("<script")[1:]:
                assert " src=" in part.split(">")[0]
        titles = [page.text.split("<title>")[1].split("<")[0] for page in pages]
        assert len(set(titles)) == len(titles)

    tell(tmp_path, story)


def test_a_form_without_its_token_changes_nothing(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        ada, mallory = house.browser(), house.browser()
        await ada.sign_in("ada")
        await mallory.sign_in("mallory")
        for token in ("", "0" * 64, mallory.csrf, "é"):
            answer = await ada.post("/sign-out", data={"csrf": token})
            assert answer.status_code == 403 and "too old" in answer.text
        for headers in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
        ):
            answer = await ada.post("/sign-out", data={"csrf": ada.csrf}, headers=headers)
            assert answer.status_code == 403, headers
        assert (await ada.get("/account")).status_code == 200
        origin = {"Origin": "http://portal.example", "Sec-Fetch-Site": "same-origin"}
        answer = await ada.post("/sign-out", data={"csrf": ada.csrf}, headers=origin)
        assert answer.status_code == 303

    tell(tmp_path, story)


def test_an_address_is_never_enough_to_change_something(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        ada = house.browser()
        await ada.sign_in("ada")
        for path in ("/sign-out", "/account/sessions", "/account/tokens/revoke"):
            assert (await ada.get(path)).status_code == 405

    tell(tmp_path, story)


def test_what_is_too_large_is_not_read(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        anybody = house.browser()
        await anybody.see("/sign-in")
        large = "x" * (BODY_OCTETS_MAX + 1)
        assert (await anybody.submit("/sign-in", person=large)).status_code == 413

        async def pieces() -> object:
            for _ in range(20):
                yield b"x" * 100_000

        answer = await anybody.post("/sign-in", content=pieces())  # type: ignore[arg-type]
        assert answer.status_code == 413

    tell(tmp_path, story)


def test_a_form_names_no_encoding_and_a_stranger_sends_no_large_one(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        ada = house.browser()
        await ada.see("/sign-in")
        part = f'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{ada.csrf}\r\n--b--\r\n'
        for encoding in ("utf-8", "punycode", "undefined", "unicode_escape"):
            kind = {"content-type": f"multipart/form-data; boundary=b; charset={encoding}"}
            answer = await ada.post("/sign-in", content=part.encode(), headers=kind)
            assert answer.status_code == 403, encoding
        fields = {"person": "ada", "password": PASSWORD, "more": "x" * ANYBODY_OCTETS_MAX}
        assert (await ada.submit("/sign-in", **fields)).status_code == 413
        await ada.sign_in("ada")
        assert (await ada.submit("/sign-out", more=fields["more"])).status_code == 303
        stranger = house.browser()
        answer = await stranger.post("/api/rules", content=b"x" * (ANYBODY_OCTETS_MAX + 1))
        assert answer.status_code == 413

    tell(tmp_path, story)


@pytest.mark.parametrize("half", ["\\ud83d", "\\uDE00\\ud83d"])
def test_half_a_character_is_no_text(tmp_path: Path, half: str) -> None:
    async def story(house: House) -> None:
        api = await program(house, "ada")
        api.headers["content-type"] = "application/json"
        for inside in (f'"id": "pc", "title": "{half}"', f'"id": "{half}"', f'"{half}": 1'):
            answer = await api.post("/api/devices", content=f"{{{inside}}}")
            assert answer.status_code == 400 and answer.json()["faults"]
        octets = b'{"id": "pc", "title": "\xed\xa0\x80"}'
        assert (await api.post("/api/devices", content=octets)).status_code == 400
        whole = '{"id": "pc", "title": "\\ud83d\\ude00", "hostnames": ["pc"]}'
        assert (await api.post("/api/devices", content=whole)).status_code == 201

    tell(tmp_path, story)


def test_odd_requests_get_an_answer_and_no_fault(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        ada = house.browser()
        await ada.see("/sign-in")
        for fields in (
            {"person": "ada\x00", "password": "x"},
            {"person": "a" * 5000, "password": "p" * 5000},
            {"person": "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16")},
        ):
            answer = await ada.submit("/sign-in", **fields)
            assert answer.status_code == 422
        odd = await ada.post("/sign-in", content=b"\xff\xfe&csrf=1", headers={"content-type": "x"})
        assert odd.status_code == 403
        broken = {"content-type": "multipart/form-data; boundary=b"}
        answer = await ada.post("/sign-in", content=b"--b\r\nnothing", headers=broken)
        assert answer.status_code == 403
        ada.cookies.set("lychgate", "x" * 3000)
        assert (await ada.get("/")).status_code == 303

    tell(tmp_path, story)


def test_hostile_names_are_shown_as_text(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        mallory = house.browser()
        await mallory.sign_in("mallory")
        for path in ("/", "/account"):
            page = await mallory.see(path)
            assert "<script>alert" not in page.text
            assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
        ada = house.browser()
        answer = await ada.sign_in(HOSTILE, "x")
        assert "<img" not in answer.text and "onerror=alert(1)&gt;{{7*7}}" in answer.text
        async with house.services.store.writing() as writing:
            from policy.commands import journal

            await journal.append(
                writing.connection,
                Actor("ada", "Ada", "portal"),
                at=house.clock.at,
                action="rule.deny",
                subject=f"rule:{HOSTILE}",
                reason=HOSTILE,
            )
        await ada.sign_in("ada")
        overview = await ada.see("/")
        assert "<img" not in overview.text and "&lt;img src=x" in overview.text
        notice = await ada.see(f"/?done={HOSTILE}")
        assert "<img" not in notice.text

    tell(tmp_path, story)


def test_who_may_not_is_told_who_can(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        @house.app.post("/try")
        async def attempt(request: Request) -> None:
            await perform(request, AddPerson("new", {"name": "New", "roles": []}))

        tom = house.browser()
        await tom.sign_in("tom")
        answer = await tom.submit("/try")
        assert answer.status_code == 403
        assert "administrator" in answer.text and "Your roles do not permit" in answer.text
        assert ("tom", "person.add", "organisation", "refused") in await house.audit()
        overview = await tom.see("/")
        assert "Changes today" not in overview.text  # a tutor may not read the audit log
        lea = house.browser()
        await lea.sign_in("lea")
        assert "Changes today" in (await lea.see("/")).text

    tell(tmp_path, story)


def test_a_token_acts_within_its_scopes_until_it_is_revoked(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        @house.app.post("/api/try")
        async def attempt(request: Request) -> dict[str, str]:
            body = {"name": "New", "roles": [{"role": "leadership"}]}
            return {"subject": (await perform(request, AddPerson("new", body))).subject}

        ada = house.browser()
        await ada.sign_in("ada")
        await ada.see("/account/tokens/new")
        none = await ada.submit("/account/tokens/new", title="report", days="x")
        assert 'href="#scopes"' in none.text and 'href="#days"' in none.text
        secrets = []
        for scopes in (["read"], ["read", "person"]):
            made = await ada.submit("/account/tokens/new", title="x", days="30", scopes=scopes)
            secrets.append(made.text.split("<code>")[1].split("<")[0])
        program = house.browser()
        assert (await program.get("/api/account")).status_code == 401
        reader, writer = ({"Authorization": f"Bearer {secret}"} for secret in secrets)
        shown = await program.get("/api/account", headers=reader)
        assert shown.json()["id"] == "ada" and shown.json()["scopes"] == ["read"]
        refused = await program.post("/api/try", headers=reader)
        assert refused.status_code == 403 and "scopes read" in refused.json()["faults"][0]
        assert (await program.post("/api/try", headers=writer)).json()["subject"] == "person:new"
        assert (await ada.post("/api/try")).status_code == 401  # cookies are nothing to the API
        for token in await house.services.visits.tokens("ada"):
            await ada.submit("/account/tokens/revoke", id=token.id)
        assert (await program.get("/api/account", headers=writer)).status_code == 401

    tell(tmp_path, story)


def test_nobody_revokes_what_is_not_theirs(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        visits, at = house.services.visits, house.clock.at
        ada = Actor("ada", "Ada", "portal")
        secret = await visits.make_token(ada, title="x", scopes=["read"], at=at, expires_at=at + 9)
        (token,) = await visits.tokens("ada")
        tom = house.browser()
        await tom.sign_in("tom")
        await tom.submit("/account/tokens/revoke", id=token.id)
        assert secret is not None and await visits.by_token(secret, at) is not None
        assert await visits.by_token(secret, at + 9) is None

    tell(tmp_path, story)


def test_a_store_that_fails_is_said_and_nothing_of_it_shown(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        ada = house.browser()
        await ada.sign_in("ada")
        remove_files(tmp_path)
        answer = await ada.get("/account")
        assert answer.status_code == 503 and "Filtering goes on" in answer.text
        assert str(tmp_path) not in answer.text

    tell(tmp_path, story)


def remove_files(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def test_a_fault_of_ours_shows_no_traceback(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        @house.app.get("/broken")
        async def broken() -> None:
            raise RuntimeError("secret detail")

        @house.app.get("/refused")
        async def refused() -> None:
            raise Refused("rule.deny: rules: <b>; allowed: less")

        anybody = house.browser()
        answer = await anybody.get("/broken")
        assert answer.status_code == 500 and "secret detail" not in answer.text
        assert all(answer.headers[name] == value for name, value in HEADERS.items())
        assert "<b>" not in (await anybody.get("/refused")).text
        assert PASSWORD not in answer.text

    tell(tmp_path, story)
