"""Who may do what: the table of `permissions.toml`, and what it must never say."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from policy.commands.command import Actor, Permission, Refused
from policy.commands.permissions import PERMITTED, check, exception_hours_max, is_permitted
from policy.people import EXCEPTION_HOURS_MAX, ROLES
from policy.types import Grant
from tests.policy.commands.desks import LEADER, TUTOR

ROWS = tomllib.loads(Path(__file__).with_name("permissions.toml").read_text("utf-8"))["rows"]


@pytest.mark.parametrize(
    "row",
    ROWS,
    ids=lambda row: f"{row['role']}@{row.get('at', '')}-{row['action']}-{row['where']}",
)
def test_table(row: dict[str, Any]) -> None:
    grant = Grant(row["role"], frozenset(row.get("at", "").split()))
    where = None if row["where"] == "everywhere" else frozenset(row["where"].split())
    assert is_permitted([grant], Permission(row["action"], where)) is row["allowed"]


def test_every_action_has_an_answer_for_every_role() -> None:
    for cells in PERMITTED.values():
        assert tuple(cells) == ROLES
        assert set(cells.values()) <= {"E", "V", "-"}


def test_an_administrator_may_do_everything() -> None:
    for action in PERMITTED:
        assert is_permitted([Grant("administrator")], Permission(action, None))
        assert is_permitted([Grant("administrator")], Permission(action, frozenset({"crewe"})))


def test_without_a_role_nothing_is_permitted() -> None:
    assert not any(is_permitted([], Permission(action, None)) for action in PERMITTED)


def test_roles_given_for_venues_never_reach_the_whole_organisation() -> None:
    for action in PERMITTED.keys() - {"policy.read"}:
        for role in ROLES:
            grant = Grant(role, frozenset({"crewe"}))
            assert not is_permitted([grant], Permission(action, None))
            assert not is_permitted([grant], Permission(action, frozenset()))
            assert not is_permitted([grant], Permission(action, frozenset({"crewe", "stoke"})))


def test_roles_add_up_but_venues_of_two_roles_do_not() -> None:
    grants = [Grant("tutor", frozenset({"crewe"})), Grant("tutor", frozenset({"chester"}))]
    for venue in ("crewe", "chester"):
        assert is_permitted(grants, Permission("exception.grant", frozenset({venue})))
    both = frozenset({"crewe", "chester"})
    assert not is_permitted(grants, Permission("exception.grant", both))


@pytest.mark.parametrize(
    ("actor", "needed", "said"),
    [
        (
            TUTOR,
            Permission("exception.grant", frozenset({"crewe"})),
            "exception.grant at crewe: Sam Tutor is tutor at ellesmere-port; "
            "allowed: administrator, partner-administrator or tutor there",
        ),
        (
            LEADER,
            Permission("profile.change", None),
            "profile.change everywhere: Lou Leader is leadership; "
            "allowed: administrator of the whole organisation",
        ),
        (
            Actor("jo", "Jo", "api"),
            Permission("rule.deny", None),
            "rule.deny everywhere: Jo is without a role; "
            "allowed: administrator or safeguarding-lead of the whole organisation",
        ),
    ],
)
def test_a_refusal_says_who_could(actor: Actor, needed: Permission, said: str) -> None:
    with pytest.raises(Refused) as refused:
        check(actor, needed)
    assert refused.value.permission
    assert refused.value.faults == (said,)


def test_the_best_role_there_sets_the_length_of_an_exception() -> None:
    crewe = frozenset({"crewe"})
    tutor, partner = Grant("tutor"), Grant("partner-administrator", frozenset({"stoke"}))
    hours = dict(EXCEPTION_HOURS_MAX)
    assert exception_hours_max([tutor, partner], crewe, hours) == hours["tutor"]
    stoke = frozenset({"stoke"})
    assert exception_hours_max([tutor, partner], stoke, hours) == hours["partner-administrator"]
    assert exception_hours_max([Grant("leadership")], crewe, hours) == 0
    assert exception_hours_max([tutor], None, hours) == 0
