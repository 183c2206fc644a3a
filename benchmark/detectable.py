"""The smallest true difference that a joint test can see: it would be called apart in 80 of 100 such samples.

The test's statistic is Student's t, but for its form: of G equal groups, u = sum / root of the sum of squares is
t = u * root((G - 1) / (G - u^2)), with the effective groups as G. A true difference of d standard errors shifts t by d
(the noncentral t); d is chosen so that t exceeds what the family's joint test, and the comparison's own interval, ask.
"""

from __future__ import annotations

import numpy as np
from scipy.special import nctdtrinc

from benchmark.intervals import t_quantile

POWER = 0.8


def smallest_difference(error: float, critical: float, effective: float) -> float | None:
    """The smallest true difference that is called apart with 80 % power, in the unit of its standard error.

    error: standard error by the jackknife; critical: least u that the joint test calls apart; effective: groups. None
    where no u is large enough.
    """
    if critical**2 >= effective or not np.isfinite(error):
        return None
    joint = critical * np.sqrt((effective - 1) / (effective - critical**2))
    needed = max(float(joint), t_quantile(effective))
    return error * float(nctdtrinc(effective - 1, 1 - POWER, needed))
