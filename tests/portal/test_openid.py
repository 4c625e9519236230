"""Signing in by OpenID Connect: an independent provider, and one of ours that lies."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from portal.accounts.sessions import Place
from portal.openid import provider as provider_module
from portal.openid.provider import is_safe
from portal.openid.settings import GroupRole, OpenIdSettings
from portal.security import csrf_token
from tests.portal.provider import CLIENT, SECRET, Liar, liar
from tests.portal.visitors import PASSWORD, SATURDAY, Browser, House, tell

GROUPS = (
    GroupRole("staff", "tutor", ("crewe",)),
    GroupRole("heads", "leadership"),
    GroupRole("gone", "tutor", ("closed-venue",)),
    GroupRole("admins", "administrator"),
)


@pytest.fixture
def lying() -> Iterator[Liar]:
    with liar(SATURDAY) as made:
        yield made


def settings(issuer: str, **more: Any) -> OpenIdSettings:
    return OpenIdSettings(issuer=issuer, client_id=CLIENT, client_secret=SECRET, **more)


async def prepare(house: House) -> None:
    """A venue, and addresses by which people are known."""
    async with house.services.store.writing() as writing:
        await writing.put("venues", "crewe", {"title": "Crewe", "networks": ["192.0.2.0/24"]})
        for id, role in (("ada", "administrator"), ("tom", "tutor")):
            roles = [{"role": role}]
            body = {"name": id.title(), "email": f"{id}@college.example", "roles": roles}
            await writing.put("people", id, body)


async def come(browser: Browser, provider: Liar, next: str = "/") -> httpx.Response:
    """Go to the provider and back."""
    there = await browser.get("/sign-in/openid", params={"next": next})
    assert there.status_code == 303, there.text
    return await browser.get(provider.authorize(there.headers["location"]))


async def _session(house: House, id: str) -> str:
    """A session of another administrator, who is made for it."""
    async with house.services.store.writing() as writing:
        body = {"name": id.title(), "roles": [{"role": "administrator"}]}
        await writing.put("people", id, body)
    accounts, place = house.services.accounts, Place("192.0.2.1", "test")
    person = await accounts.person(id)
    assert person is not None
    return await accounts.welcome(person, place=place, at=house.clock.at, method="oidc")


async def roles_of(house: House, id: str) -> set[tuple[str, tuple[str, ...]]]:
    person = await house.services.accounts.person(id)
    assert person is not None
    return {(grant.role, tuple(sorted(grant.venues))) for grant in person.roles}


def test_there_and_back_with_an_independent_provider(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mock = pytest.importorskip("oidc_provider_mock", reason="no oidc-provider-mock")
    claims = {"email": "ada@college.example", "email_verified": True, "groups": ["admins"]}
    user = mock.User(sub="ada-at-the-provider", claims=claims)
    with mock.run_server_in_thread(require_nonce=True, user_claims=[user]) as server:
        issuer = f"http://127.0.0.1:{server.server_port}"

        async def story(house: House) -> None:
            await prepare(house)
            house.clock.at = time.time()  # its tokens are of now
            ada = house.browser()
            page = await ada.see("/sign-in?next=/account")
            assert 'href="/sign-in/openid?next=/account"' in page.text
            there = await ada.get("/sign-in/openid?next=/account")
            assert there.headers["location"].startswith(f"{issuer}/")
            async with httpx.AsyncClient() as outside:
                agreed = await outside.post(
                    there.headers["location"], data={"sub": "ada-at-the-provider"}
                )
            answer = await ada.get(agreed.headers["location"])
            assert (answer.status_code, answer.headers["location"]) == (303, "/account")
            assert "SameSite=lax" in answer.headers["set-cookie"]
            assert (await ada.get("/account")).status_code == 200
            denied = await ada.get("/sign-in/openid")
            async with httpx.AsyncClient() as outside:
                said = await outside.post(denied.headers["location"], data={"action": "deny"})
            assert (await ada.get(said.headers["location"])).status_code in (400, 403)

        tell(tmp_path, story, openid=settings(issuer, groups=GROUPS))


def test_groups_give_and_take_roles_at_every_sign_in(tmp_path: Path, lying: Liar) -> None:
    async def story(house: House) -> None:
        await prepare(house)
        tom = {"sub": "7", "email": "Tom@College.example", "email_verified": True}
        lying.claims = tom | {"groups": ["staff", "heads", "gone", "others"]}
        browser = house.browser()
        assert (await come(browser, lying, "/account")).headers["location"] == "/account"
        assert await roles_of(house, "tom") == {("tutor", ("crewe",)), ("leadership", ())}
        audit = await house.audit()
        assert ("portal:openid", "person.change", "person:tom", "done") in audit
        assert ("portal:openid", "account.bind", "person:tom", "done") in audit
        from policy.commands.journal import entries

        async with house.services.store.reading() as connection:
            reasons = [entry.reason async for entry in entries(connection)]
        assert any("staff: tutor at crewe; heads: leadership" in reason for reason in reasons)
        before = len(audit)
        await come(house.browser(), lying)  # nothing changed: the sign-in alone is entered
        assert len(await house.audit()) == before + 1
        lying.claims = tom | {"groups": ["others"]}
        answer = await come(house.browser(), lying)
        assert answer.status_code == 403 and "None of your groups" in answer.text
        assert await roles_of(house, "tom") == set()
        lying.claims = tom | {"_claim_names": {"groups": "src1"}}
        assert "too many" in (await come(house.browser(), lying)).text

    tell(tmp_path, story, openid=settings(lying.url, groups=GROUPS))


def test_a_group_whose_venues_are_gone_gives_nothing(tmp_path: Path, lying: Liar) -> None:
    async def story(house: House) -> None:
        await prepare(house)
        lying.claims["groups"] = ["gone"]
        assert (await come(house.browser(), lying)).status_code == 403
        assert await roles_of(house, "ada") == set()

    tell(tmp_path, story, openid=settings(lying.url, groups=GROUPS))


def test_people_are_made_of_their_groups_only_where_it_is_set(tmp_path: Path, lying: Liar) -> None:
    new = {"sub": "9", "email": "J.O'Kafor@college.example", "email_verified": True}

    async def with_it(house: House) -> None:
        await prepare(house)
        lying.claims = new | {"name": "<b>J. Okafor</b>", "groups": ["staff"]}
        browser = house.browser()
        assert (await come(browser, lying)).status_code == 303
        page = await browser.see("/account")
        assert "&lt;b&gt;J. Okafor" in page.text and "<b>J." not in page.text
        assert await roles_of(house, "j-o-kafor") == {("tutor", ("crewe",))}
        lying.claims = new | {"sub": "10", "email": "x@college.example", "groups": ["others"]}
        assert (await come(house.browser(), lying)).status_code == 403

    async def without(house: House) -> None:
        await prepare(house)
        lying.claims = new | {"groups": ["staff"]}
        answer = await come(house.browser(), lying)
        assert answer.status_code == 403 and "Lychgate does not" in answer.text
        assert [entry[1] for entry in await house.audit()] == ["account.sign-in"]

    made = tmp_path / "made"
    made.mkdir()
    tell(made, with_it, openid=settings(lying.url, groups=GROUPS, make_people=True))
    tell(tmp_path, without, openid=settings(lying.url, groups=GROUPS))


def test_an_address_that_somebody_else_has_since_opens_nothing(tmp_path: Path, lying: Liar) -> None:
    async def story(house: House) -> None:
        await prepare(house)
        assert (await come(house.browser(), lying)).status_code == 303
        lying.claims["sub"] = "somebody who has the address now"
        answer = await come(house.browser(), lying)
        assert answer.status_code == 403 and "another account" in answer.text
        lying.claims |= {"sub": "1001", "email": "ada-married@college.example"}
        assert (await come(house.browser(), lying)).status_code == 303  # she is known by subject
        root = house.browser()
        root.cookies.update({"lychgate": await _session(house, "root")})
        page = await root.see("/people/id/ada")
        assert "End the link" in page.text
        assert (await root.submit("/people/id/ada/account", deed="unbind")).status_code == 303
        assert ("root", "account.unbind", "person:ada", "done") in await house.audit()
        lying.claims |= {"sub": "new at the provider", "email": "ada@college.example"}
        assert (await come(house.browser(), lying)).status_code == 303
        lying.claims |= {"sub": "2", "email": "tom@college.example", "email_verified": False}
        assert (await come(house.browser(), lying)).status_code == 403

    tell(tmp_path, story, openid=settings(lying.url))


def _other(name: str, value: Any) -> Callable[[Liar], None]:
    def change(provider: Liar) -> None:
        provider.change = lambda claims: claims.update({name: value})

    return change


def _without(name: str) -> Callable[[Liar], None]:
    def change(provider: Liar) -> None:
        provider.change = lambda claims: claims.pop(name)

    return change


def _wrong_key(provider: Liar) -> None:
    key = RSAKey.generate_key(2048)
    provider.sign_with = RSAKey.import_key({**key.as_dict(private=True), "kid": provider.key.kid})


def _shared_key(provider: Liar) -> None:
    """The old trick: the public key as if it were a shared secret."""
    provider.shared_secret = provider.key.as_pem(private=False)


LIES = {
    "nonce of another": _other("nonce", "x"),
    "no nonce": _without("nonce"),
    "issuer": _other("iss", "https://other.example"),
    "audience": _other("aud", "another client"),
    "one of several audiences": _other("aud", [CLIENT, "another"]),
    "for another party": _other("azp", "another"),
    "expired": _other("exp", int(SATURDAY) - 3600),
    "no expiry": _without("exp"),
    "of tomorrow": _other("iat", int(SATURDAY) + 86_400),
    "nobody": _without("sub"),
    "wrong key": _wrong_key,
    "shared key": _shared_key,
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.filterwarnings("ignore")
def test_what_proves_nothing_opens_nothing(tmp_path: Path, lying: Liar, lie: str) -> None:
    async def story(house: House) -> None:
        await prepare(house)
        LIES[lie](lying)
        browser = house.browser()
        answer = await come(browser, lying)
        assert answer.status_code == 403 and "cannot trust" in answer.text
        assert (await browser.get("/account")).status_code == 303
        assert ("portal:openid", "account.sign-in", "organisation", "refused") in (
            await house.audit()
        )

    tell(tmp_path, story, openid=settings(lying.url))


def test_keys_that_were_changed_are_fetched_again(tmp_path: Path, lying: Liar) -> None:
    async def story(house: House) -> None:
        await prepare(house)
        assert (await come(house.browser(), lying)).status_code == 303
        lying.key = lying.sign_with = RSAKey.generate_key(2048, auto_kid=True)
        house.clock.at += provider_module.KEYS_AGAIN_SECONDS
        lying.at = house.clock.at
        assert (await come(house.browser(), lying)).status_code == 303
        assert lying.asked.count("/keys") == 2
        assert lying.asked.count("/.well-known/openid-configuration") == 1
        stranger = RSAKey.generate_key(2048, auto_kid=True)
        lying.sign_with = stranger
        for _ in range(5):  # a flood of unknown keys asks the provider no more often
            assert (await come(house.browser(), lying)).status_code == 403
        assert lying.asked.count("/keys") == 2

    tell(tmp_path, story, openid=settings(lying.url))


def test_the_answer_belongs_to_the_browser_that_set_out(tmp_path: Path, lying: Liar) -> None:
    async def story(house: House) -> None:
        await prepare(house)
        attacker, victim = house.browser(), house.browser()
        there = await attacker.get("/sign-in/openid")
        back = lying.authorize(there.headers["location"])
        assert (await victim.get(back)).status_code == 400  # never set out
        await victim.get("/sign-in/openid")
        assert (await victim.get(back)).status_code == 400  # set out for another
        assert (await victim.get("/account")).status_code == 303
        house.clock.at += 3600
        assert (await attacker.get(back)).status_code == 400  # too old
        there = await attacker.get("/sign-in/openid")
        back = lying.authorize(there.headers["location"])
        lying.at = house.clock.at
        assert (await attacker.get(back)).status_code == 303
        assert (await attacker.get(back)).status_code == 400  # once
        for odd in ("?state=%C3%A9", "?code=x", "?state=&code=", "?error=access_denied"):
            answer = await attacker.get("/sign-in/openid/return" + odd)
            assert answer.status_code == 400

    tell(tmp_path, story, openid=settings(lying.url))


def test_nobody_is_sent_elsewhere_afterwards(tmp_path: Path, lying: Liar) -> None:
    async def story(house: House) -> None:
        await prepare(house)
        for hostile in ("//evil.example", "https://evil.example", "/\\evil.example", "/\r\nX: 1"):
            answer = await come(house.browser(), lying, hostile)
            assert answer.headers["location"] == "/", hostile

    tell(tmp_path, story, openid=settings(lying.url))


SAID: dict[str, dict[str, Any]] = {
    "another issuer": {"issuer": "https://other.example"},
    "keys by plain HTTP": {"jwks_uri": "http://keys.example/"},
    "sign-in by plain HTTP": {"authorization_endpoint": "http://sign-in.example/"},
    "no token endpoint": {"token_endpoint": None},
    "a script": {"authorization_endpoint": "javascript:alert(1)"},
}


@pytest.mark.parametrize("lie", SAID)
def test_a_description_that_is_wrong_is_not_used(tmp_path: Path, lying: Liar, lie: str) -> None:
    async def story(house: House) -> None:
        lying.said = SAID[lie]
        answer = await house.browser().get("/sign-in/openid")
        assert answer.status_code == 503 and "cannot be reached" in answer.text
        assert "location" not in answer.headers

    tell(tmp_path, story, openid=settings(lying.url))


def test_a_provider_that_redirects_or_is_silent_is_not_followed(
    tmp_path: Path, lying: Liar, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(house: House) -> None:
        lying.redirects_to = f"{lying.url}/elsewhere"
        assert (await house.browser().get("/sign-in/openid")).status_code == 503
        assert "/elsewhere" not in lying.asked
        lying.redirects_to = ""
        monkeypatch.setattr(provider_module, "ANSWER_OCTETS_MAX", 10)
        assert (await house.browser().get("/sign-in/openid")).status_code == 503

    tell(tmp_path, story, openid=settings(lying.url))

    async def silent(house: House) -> None:
        assert (await house.browser().get("/sign-in/openid")).status_code == 503
        assert "Sign in" in (await house.browser().see("/sign-in")).text

    nobody = tmp_path / "nobody"
    nobody.mkdir()
    tell(nobody, silent, openid=settings("http://127.0.0.1:9"))


def test_signing_out_leads_to_the_provider_too(tmp_path: Path, lying: Liar) -> None:
    async def story(house: House) -> None:
        await prepare(house)
        browser = house.browser()
        await come(browser, lying)
        await browser.see("/account")
        out = await browser.submit("/sign-out")
        page = await browser.see(out.headers["location"])
        assert 'href="/sign-in/openid/sign-out"' in page.text
        there = await browser.get("/sign-in/openid/sign-out")
        assert there.headers["location"].startswith(f"{lying.url}/leave?client_id=lychgate")
        assert (await browser.get("/account")).status_code == 303

    tell(tmp_path, story, openid=settings(lying.url))


def test_without_local_accounts_no_password_opens_anything(tmp_path: Path, lying: Liar) -> None:
    async def story(house: House) -> None:
        await prepare(house)
        browser = house.browser()
        page = await browser.see("/sign-in")
        assert 'name="password"' not in page.text and "/sign-in/openid" in page.text
        browser.csrf = csrf_token(browser.cookies["lychgate-form"])
        answer = await browser.submit("/sign-in", person="ada", password=PASSWORD)
        assert answer.status_code == 404
        accounts = house.services.accounts
        secret, _ = await accounts.sign_in("ada", PASSWORD, place=Place("", ""), at=house.clock.at)
        browser.cookies.set("lychgate", secret)  # a session of before they were turned off
        assert (await browser.get("/account")).status_code == 303
        assert (await come(house.browser(), lying)).status_code == 303

    tell(tmp_path, story, openid=settings(lying.url), local_accounts=False)


def test_secrets_are_not_shown(lying: Liar) -> None:
    assert SECRET not in repr(settings(lying.url))


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://login.example/x", True),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080", True),
        ("http://localhost:1", True),
        ("http://login.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("https://user@login.example", False),
        ("https://login.example:port", False),
        ("https://", False),
        ("ftp://login.example", False),
        ("https://login.example/\n", False),
    ],
)
def test_addresses_of_a_provider(address: str, safe: bool) -> None:
    assert is_safe(address) is safe
