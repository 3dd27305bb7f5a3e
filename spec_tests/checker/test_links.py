"""The rules of `course check` and the claims of the register name each other."""

import pytest

from reference.checker import rules
from reference.checker.rule import Rule
from reference.checker.syntax import check
from reference.checker.syntax.rule import SyntaxRule
from spec_tests.harness import claims

REGISTER = claims.load()
RULES = (*rules.RULES, *check.RULES)
NAMES = {rule.name: rule for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_claims_of_a_rule_name_it(rule: type[Rule] | type[SyntaxRule]) -> None:
    assert [name for name in rule.claims if rule.name not in REGISTER[name].rules] == []


@pytest.mark.parametrize(
    "claim", [claim for claim in REGISTER.values() if claim.rules], ids=lambda claim: claim.id
)
def test_the_rules_of_a_claim_name_it(claim: claims.Claim) -> None:
    unknown = [name for name in claim.rules if name not in NAMES]
    assert unknown == []
    assert [name for name in claim.rules if claim.id not in NAMES[name].claims] == []
