"""Can a score tell what belongs from what does not? Without a threshold, and at one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def auc(belonging: ArrayLike, strange: ArrayLike) -> float:
    """Percent of couples of which the one that belongs has the higher score, ties half; NaN without either. 50 is chance.

    The area under the ROC curve (Mann and Whitney's U over the number of couples).

    Args:
        belonging, strange: (N,), (M,) scores.
    """
    from scipy.stats import rankdata

    high, low = np.asarray(belonging, float), np.asarray(strange, float)
    if not len(high) or not len(low):
        return float("nan")
    rank_sum = rankdata(np.concatenate([high, low]))[: len(high)].sum()
    return 100 * float((rank_sum - len(high) * (len(high) + 1) / 2) / (len(high) * len(low)))
