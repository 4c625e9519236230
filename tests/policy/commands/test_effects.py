"""What a change means for whom, where no single command would bring it about; and bounds."""

from __future__ import annotations

from policy.commands.effects import SENTENCES_MAX, describe
from policy.document import read
from tests.policy.college import COLLEGE, TAXONOMY, policy


def test_the_same_policy_changes_nothing_for_anybody() -> None:
    assert describe(policy(), policy()) == ["Nobody is filtered otherwise than before."]


def test_sentences_are_bounded() -> None:
    more = "\n".join(
        f'[venues.v{number}]\nnetworks = ["10.{number}.0.0/16"]' for number in range(100, 200)
    )
    said = describe(policy(), policy(more))
    assert len(said) == SENTENCES_MAX + 1
    assert said[-1] == "And more of this kind."


def test_devices_count_among_those_who_have_a_profile() -> None:
    after = read(COLLEGE.replace('chat = "allow"', 'chat = "warn"', 2), TAXONOMY)
    said = describe(policy(), after)
    assert "Staff on 1 device: Chat and messaging goes from allow to warn." in said
    assert any('no longer "Sunday night", Sunday from 00:30 to 01:30' in line for line in said)


def test_a_profile_that_nobody_has_is_told_so() -> None:
    spare = '[profiles.spare]\ntitle = "Spare"\n'
    after = policy(spare + 'actions = { games = "warn" }')
    assert describe(policy(spare), after) == ["Spare (nobody now): Games goes from block to warn."]
