"""One-time links: the first administrator, and choosing a password."""

from __future__ import annotations

from pathlib import Path

from policy.commands.command import Actor
from tests.portal.visitors import PASSWORD, Browser, House, tell, value_in

NEWCOMER = {"name": "Jo <b>", "id": "jo-smith", "email": "", "password": PASSWORD}


async def open_set_up(house: House) -> tuple[str, Browser]:
    link = await house.services.accounts.set_up_link(house.clock.at)
    assert link is not None
    return link, house.browser()


def test_the_set_up_link_makes_an_administrator_once(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        link, jo = await open_set_up(house)
        late = house.browser()
        await late.see(f"/link/{link}")
        page = await jo.see(f"/link/{link}")
        assert page.url.path == "/set-up"  # the secret is out of the address
        answer = await jo.submit("/set-up", **NEWCOMER, again=PASSWORD)
        assert answer.headers["location"] == "/sign-in?done=set-up.done"
        assert (await jo.sign_in("jo-smith")).headers["location"] == "/"
        overview = await jo.see("/")
        assert "Jo &lt;b&gt;" in overview.text and "Jo <b>" not in overview.text
        person = await house.services.accounts.person("jo-smith")
        assert person is not None and person.roles[0].role == "administrator"

        assert (await late.submit("/set-up", **NEWCOMER, again=PASSWORD)).status_code == 404
        assert (await house.browser().see(f"/link/{link}")).status_code == 404
        assert await house.services.accounts.set_up_link(house.clock.at) is None
        actions = [action for _, action, *_ in await house.audit()]
        assert actions == ["person.add", "account.sign-in"]

    tell(tmp_path, story, people=False)


def test_a_new_link_voids_the_one_before_and_time_voids_it_too(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        first, jo = await open_set_up(house)
        second, _ = await open_set_up(house)
        assert (await jo.see(f"/link/{first}")).status_code == 404
        assert (await jo.see(f"/link/{second}")).status_code == 200
        house.clock.at += 25 * 3600
        assert (await house.browser().see(f"/link/{second}")).status_code == 404
        assert (await jo.see("/set-up")).status_code == 404

    tell(tmp_path, story, people=False)


def test_faults_of_the_form_stand_beside_the_fields(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        link, jo = await open_set_up(house)
        await jo.see(f"/link/{link}")
        answer = await jo.submit(
            "/set-up", name="", id="9 lives", email="x", password="password1234", again="y"
        )
        assert answer.status_code == 422
        for field in ("name", "id", "email", "password"):
            assert f'href="#{field}"' in answer.text, field
        assert value_in(answer.text, "id") == "9 lives"
        assert "password1234" not in answer.text
        differ = await jo.submit("/set-up", **NEWCOMER, again="another thing")
        assert "not the same" in differ.text
        assert await house.services.accounts.account("jo-smith") is None

    tell(tmp_path, story, people=False)


def test_somebody_the_policy_names_already(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.services.store.writing() as writing:
            body = {"name": "Jo", "roles": [{"role": "administrator"}]}
            await writing.put("people", "jo-smith", body)
            await writing.put("people", "tom", {"name": "Tom", "roles": [{"role": "tutor"}]})
        link, jo = await open_set_up(house)
        await jo.see(f"/link/{link}")
        tutor = await jo.submit("/set-up", **{**NEWCOMER, "id": "tom"}, again=PASSWORD)
        assert tutor.status_code == 422 and 'href="#id"' in tutor.text
        assert (await jo.submit("/set-up", **NEWCOMER, again=PASSWORD)).status_code == 303
        assert (await jo.sign_in("jo-smith")).status_code == 303

    tell(tmp_path, story, people=False)


def test_an_invitation_lets_somebody_choose_a_password(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        old = house.browser()
        await old.sign_in("tom")
        ada = Actor("ada", "Ada Admin", "portal")
        link = await house.services.accounts.invite(ada, "tom", house.clock.at)
        tom = house.browser()
        page = await tom.see(f"/link/{link}")
        assert "Tom Tutor" in page.text
        chosen = "seven quiet herons"
        weak = await tom.submit("/choose-password", password="tom", again="tom")
        assert weak.status_code == 422
        answer = await tom.submit("/choose-password", password=chosen, again=chosen)
        assert answer.headers["location"] == "/sign-in?done=choose.done"
        assert (await old.get("/account")).status_code == 303
        assert (await tom.sign_in("tom", PASSWORD)).status_code == 422
        assert (await tom.sign_in("tom", chosen)).status_code == 303
        assert (await house.browser().see(f"/link/{link}")).status_code == 404

    tell(tmp_path, story)


def test_another_password_may_be_demanded(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        ada = Actor("ada", "Ada Admin", "portal")
        await house.services.accounts.require_change(ada, "tom", house.clock.at)
        tom, elsewhere = house.browser(), house.browser()
        await tom.sign_in("tom")
        await elsewhere.sign_in("tom")
        assert (await tom.get("/account")).headers["location"] == "/account/password"
        new = "seven quiet herons"
        same = await tom.submit(
            "/account/password", old=PASSWORD, password=PASSWORD, again=PASSWORD
        )
        assert same.status_code == 422
        wrong = await tom.submit("/account/password", old="x", password=new, again=new)
        assert 'href="#old"' in wrong.text
        done = await tom.submit("/account/password", old=PASSWORD, password=new, again=new)
        assert done.headers["location"] == "/account?done=password-change.done"
        assert (await tom.get("/account")).status_code == 200
        assert (await elsewhere.get("/account")).headers["location"].startswith("/sign-in")

    tell(tmp_path, story)
