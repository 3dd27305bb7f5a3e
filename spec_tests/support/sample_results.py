"""The results of a run in which every test passes, for the tests of the page."""

from spec_tests.harness import claims
from spec_tests.report import results
from spec_tests.report.results import Results, TestOutcome


def sample_results(*columns: str) -> Results:
    """Return the results of a run over the whole register, with one test for each claim.

    Args:
        columns: the IDs of the columns, which are also their titles.
    """
    register, specification = claims.load(), results.specification()
    outcomes = [
        TestOutcome(
            test=f"spec_tests/course/test_topic.py::test[{name}]",
            column=column,
            outcome="passed",
            claims=(name,),
        )
        for column in columns
        for name, claim in register.items()
        if not claim.untestable
    ]
    outcomes += [
        TestOutcome(
            test=f"spec_tests/operators/test_{operator}.py::test_vector[{case['name']}]",
            column=column,
            outcome="passed",
            vector=(operator, case["name"]),
        )
        for column in columns
        for operator, cases in specification["vectors"].items()
        for case in cases
    ]
    return results.collect(
        outcomes,
        register=register,
        columns=[{"id": name, "title": name, "device": "cpu"} for name in columns],
        run={
            "command": "pytest spec_tests --report report",
            "partial": "",
            "python": "3.11.2",
            "platform": "Linux",
            "packages": {"torch": "2.15.0", "torchvision": "0.29.2"},
        },
        created="2026-11-20T11:31:05Z",
        **specification,
    )
