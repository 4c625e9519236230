"""Every form of every page, found by opening the pages: sent empty and with nonsense, it says what
is wrong beside the field, leads there from the top of the page, and keeps what was typed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import httpx

from portal import pages
from tests.portal.routes import READS, path_of
from tests.portal.two_venues import tell
from tests.portal.visitors import Browser, House

NONSENSE: Final = "\"'><b>zw\u00f6lf</b> /\\ 99999999999999"
"""No name, no number, no time, no address; and markup, were it not escaped."""
HIDES: Final = "password"
"""The type of field that never shows what was typed."""
MORE: Final = (
    "/account/password",
    "/account/second-factor",
    "/account/tokens/new",
    "/checks/names",
    "/here/ask",
    "/here/answer",
    "/rules/bundles/change?id=own",
    "/rules/bundles/remove?id=own",
    "/settings/texts/gambling",
)
"""Pages beside those that the table of permissions names."""
ELSEWHERE: Final = {
    "/account/sessions": "only while there are several sessions",
    "/account/tokens/renew": "only while there is a token; test_api.py",
    "/account/tokens/revoke": "only while there is a token; test_api.py",
    "/alerts/id/{number}/access": "only after a look behind a pseudonym; test_alerts.py",
    "/checks/names/remove": "only where there is one; test_checks.py",
    "/choose-password": "only by a link; test_setting_up.py",
    "/come-in": "only by a link; test_setting_up.py",
    "/lists/decide": "only where there are lists; test_lists.py",
    "/lists/refresh": "only where there are lists; test_lists.py",
    "/rules/suggestions": "only where something is suggested; test_suggestions.py",
    "/set-up": "only while nobody has an account; test_setting_up.py",
    "/sign-in": "not while somebody is signed in; test_signing_in.py",
    "/sign-in/code": "only after a password; test_signing_in.py",
    "/sign-out": "would end the test",
}
BUTTONS: Final = frozenset(
    {
        "/alerts/id/2/acknowledge",
        "/exceptions/id/1/end",
        "/exceptions/id/2/end",
        "/people/id/cara/account",
        "/people/id/cara/link",
        "/people/id/cara/remove",
        "/profiles/id/spare/actions",  # choices only, each of which may be
        "/profiles/id/spare/periods/remove",
        "/profiles/id/spare/remove",
        "/rules/1/remove",
        "/rules/bundles/remove?id=own",
        "/rules/essentials/remove?site=needed.example",
        "/settings/terms/remove",
        "/undo/1",
        "/venues/devices/id/laptop/give-back",
        "/venues/devices/id/laptop/remove",
        "/venues/id/crewe/rooms/it-suite/remove",
    }
)
"""Forms with nothing to type, or a reason that may be left out: nothing in them can be wrong."""
LAST: Final = ("/end", "/remove", "/give-back")
"""What takes away what other forms are about."""
ONCE: Final = {"/account/second-factor": "code"}
"""Fields for what is used once, and is not shown again."""


@dataclass
class Found:
    """A form of a page."""

    action: str
    typed: dict[str, str] = field(default_factory=dict)
    """Fields to type in, with what they show."""
    secrets: set[str] = field(default_factory=set)
    chosen: dict[str, str] = field(default_factory=dict)
    """Fields to choose from, with what is chosen."""
    hidden: dict[str, str] = field(default_factory=dict)


class Reader(HTMLParser):
    """The forms of a page, and the ids on it."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__()
        self.path = path
        self.forms: list[Found] = []
        self.ids: set[str] = set()
        self.summary: list[str] = []
        """Where the summary of faults leads."""
        self._form: Found | None = None
        self._area = ""
        self._select = ""
        self._in_summary = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        has = {key: value or "" for key, value in attributes}
        if "id" in has:
            self.ids.add(has["id"])
        if "govuk-error-summary__list" in has.get("class", ""):
            self._in_summary = 1
        if tag == "a" and self._in_summary:
            self.summary.append(has.get("href", ""))
        if tag == "form":
            sends = has.get("method", "get").lower() == "post"
            self._form = Found(has.get("action") or self.path) if sends else None
            if self._form:
                self.forms.append(self._form)
        name = has.get("name", "")
        if self._form is None:
            return
        if tag == "textarea":
            self._area = name
            self._form.typed[name] = ""
        elif tag == "select":
            self._select = name
            self._form.chosen.setdefault(name, "")
        elif tag == "option" and self._select and "selected" in has:
            self._form.chosen[self._select] = has.get("value", "")
        elif tag == "input" and name:
            self._input(self._form, has, name)

    def _input(self, form: Found, has: dict[str, str], name: str) -> None:
        kind = has.get("type", "text")
        if kind == "hidden":
            form.hidden[name] = has.get("value", "")
        elif kind in ("radio", "checkbox"):
            form.chosen.setdefault(name, "")
        else:
            form.typed[name] = has.get("value", "")
            if kind == HIDES or ONCE.get(form.action) == name:
                form.secrets.add(name)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "textarea":
            self._area = ""
        elif tag == "select":
            self._select = ""
        elif tag == "ul":
            self._in_summary = 0

    def handle_data(self, data: str) -> None:
        if self._form is not None and self._area:
            self._form.typed[self._area] += data


def test_every_form_says_what_is_wrong_and_keeps_what_was_typed(tmp_path: Path) -> None:
    async def story(made: House) -> None:
        people = {person: made.browser() for person in ("ada", "dan")}
        for person, browser in people.items():
            await browser.sign_in(person)
        forms: dict[str, tuple[Browser, str, Found]] = {}
        for path in (*map(path_of, READS), *MORE):
            if path.startswith("/api/"):
                continue
            browser = people["dan" if path.startswith("/alerts") else "ada"]
            path = path.replace("/alerts/id/1", "/alerts/id/2")  # noqa: PLW2901 - Derby's
            page = await browser.see(path)
            if page.status_code != 200 or "html" not in page.headers["content-type"]:
                continue
            for one in Reader(path, page.text).forms:
                forms.setdefault(one.action, (browser, path, one))
        wrong: list[str] = []
        told: set[str] = set()
        del forms["/sign-out"]
        ordered = sorted(forms.items(), key=lambda item: (item[0].endswith(LAST), item[0]))
        for action, (browser, path, one) in ordered:
            for content in ("", NONSENSE):
                sent = dict.fromkeys(one.typed, content)
                if content:
                    sent |= dict.fromkeys(one.chosen, "nonsense")
                answer = await _send(browser, path, one, sent)
                if answer.status_code == 422:
                    told.add(action)
                    wrong += [
                        f"{action} with {content!r}: {fault}"
                        for fault in _faults(action, answer.text, one, sent)
                    ]
                elif answer.status_code not in (200, 303):
                    wrong.append(f"{action} with {content!r}: {answer.status_code}")
        wrong += [f"{action}: nothing is ever wrong" for action in forms.keys() - told - BUTTONS]
        wrong += [f"{action}: no page shows this button" for action in BUTTONS - forms.keys()]
        wrong += [f"{route}: no page shows this form" for route in _unseen(forms)]
        assert not wrong, "\n".join(wrong)

    tell(tmp_path, story)


async def _send(browser: Browser, path: str, one: Found, sent: dict[str, str]) -> httpx.Response:
    await browser.see(path)  # for its token
    hidden = {name: value for name, value in one.hidden.items() if name != "csrf"}
    return await browser.submit(one.action, **{**hidden, **sent})


def _faults(action: str, text: str, one: Found, sent: dict[str, str]) -> Iterator[str]:
    seen = Reader(action, text)
    if "govuk-error-summary" not in text:
        yield "no summary of faults"
        return
    if not one.typed and not one.chosen:
        return
    if not seen.summary:
        yield "the summary leads to no field: " + _said(text)
    for href in seen.summary:
        if href.removeprefix("#") not in seen.ids:
            yield f"the summary leads to {href}, which is not on the page"
        if f"{href.removeprefix('#')}-error" not in seen.ids:
            yield f"nothing stands beside {href}"
    again = next((form for form in seen.forms if form.action == action), None)
    if again is None:
        yield "the form is not shown again"
        return
    for name in one.typed:
        if name in one.secrets:
            if again.typed.get(name):
                yield f"{name} shows a secret"
        elif again.typed.get(name, "").strip("\n") != sent[name]:
            yield f"{name} does not keep what was typed: {again.typed.get(name)!r}"


def _said(text: str) -> str:
    found = re.search(r"govuk-error-summary__list.*?</ul>", text, re.S)
    return re.sub(r"<[^>]*>|\s+", " ", found[0] if found else "")[:200]


def _unseen(forms: dict[str, tuple[Browser, str, Found]]) -> list[str]:
    routes = [
        route.path
        for module in pages.modules()
        for route in module.router.routes
        if "POST" in route.methods
    ]
    return [
        route
        for route in routes
        if route not in ELSEWHERE
        and not any(
            re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", route), action.partition("?")[0])
            for action in forms
        )
    ]
