from __future__ import annotations

import json

import pandas as pd
import pytest

from forecaster import read_keep_open_test
from forecaster.keep_open import KeepOpenTest
from forecaster.keep_open_json import from_json, to_json
from tests.unit.forecaster.test_keep_open import CHAIN


def test_a_test_that_was_kept_reads_the_same_sales_the_same():
    test = CHAIN.design()
    kept = from_json(json.loads(json.dumps(to_json(test))))
    sales = CHAIN.sales(test, dark=0.8, exact=False)
    assert kept == test
    pd.testing.assert_frame_equal(kept.shipments, test.shipments, check_dtype=False)
    before, after = (read_keep_open_test(one, sales, as_of=test.reads_on) for one in (test, kept))
    assert (after.verdict, after.reason) == (before.verdict, before.reason)
    assert (after.ratio, after.low, after.high) == pytest.approx((before.ratio, before.low, before.high))


def test_a_test_without_a_design_is_not_kept():
    with pytest.raises(ValueError, match="too_few_stores"):
        to_json(KeepOpenTest("swim", reason="too_few_stores:can_test=2"))
