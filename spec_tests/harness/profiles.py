"""The settings of hypothesis: the same cases in each run, whatever else is imported."""

from hypothesis import HealthCheck, Phase, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants


class _WithoutLocalConstants(providers.HypothesisProvider):
    """Draw as hypothesis does, but not the constants in the source of imported local modules.

    With them, importing one more module changes which cases `derandomize` gives. Hypothesis has no
    setting for it; `test_drawn_cases.py` fails if a new version ignores this attribute.
    """

    _local_constants = Constants()


def load() -> None:
    """Register the profiles `default` and `sweep` (40 times as many cases); load `default`."""
    providers.AVAILABLE_PROVIDERS["hypothesis"] = _WithoutLocalConstants
    settings.register_profile(
        "default",
        deadline=None,
        database=None,
        derandomize=True,
        max_examples=25,
        report_multiple_bugs=False,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),  # nothing about lines that ran
        suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
    )
    settings.register_profile("sweep", settings.get_profile("default"), max_examples=1000)
    settings.load_profile("default")
