"""`course explain`, and the claims that it searches."""

import time

from reference import claims


def test_claims_have_texts_in_both_languages() -> None:
    claim = claims.load()["saveload.whole-model"]
    assert claim.lesson == "P26"
    assert claim.text("en").startswith("UnpicklingError: Weights only load failed")
    assert claim.text("zh").startswith("报 UnpicklingError")
    assert "weights_only=False" in claim.write
    holds = claims.load()["saveload.state-dict-restores"]
    assert (holds.text("en"), holds.text("zh")) == (holds.says, holds.zh)
    assert claims.lesson_titles()["P26"] == {"en": "Saving and loading", "zh": "模型的保存与读取"}


def test_claims_are_read_in_20_ms() -> None:
    def seconds() -> float:
        claims.load.cache_clear()
        start = time.process_time()
        claims.load()
        return time.process_time() - start

    assert min(seconds() for _ in range(5)) < 0.02
