"""What a map's checks say, in words: each with its value, and whether it passed.

Knows no drawing: sheet and page show the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from danqing.explanation.results import Explanation, Map
from danqing.pages.number_format import minus

__all__ = ["TITLES", "Verdict", "verdicts"]

TITLES = {
    "integrated-gradients": ("Integrated gradients", "积分梯度"),
    "gradient": ("Gradient", "梯度"),
    "smoothgrad": ("SmoothGrad", "平滑梯度"),
    "grad-cam": ("Grad-CAM", "类激活图"),
    "occlusion": ("Occlusion", "遮挡"),
}
_COMPLETE = 0.01
# One picture's correlation scatters around its mean over pictures, which is held to 0.1.
_UNLIKE = 0.3


@dataclass(frozen=True)
class Verdict:
    """One check of one map.

    Attributes
    ----------
    english, chinese : str
        Its name.
    value : str
    passed : bool
    """

    english: str
    chinese: str
    value: str
    passed: bool


def verdicts(one: Explanation, shown: Map) -> list[Verdict]:
    """Judge a map by its checks.

    Deletion and insertion pass if they are better than those of all maps that know nothing; the
    gap if it is at most 1 %; the rank correlation with the untrained network's map if it is at
    most 0.3.
    """
    others = one.compared.values()
    found = [
        Verdict(
            "deletion",
            "删除",
            minus(f"{shown.areas.deletion:.2f}"),
            all(shown.areas.deletion < other.deletion for other in others),
        ),
        Verdict(
            "insertion",
            "插入",
            minus(f"{shown.areas.insertion:.2f}"),
            all(shown.areas.insertion > other.insertion for other in others),
        ),
    ]
    if shown.randomised is not None:
        unlike = shown.randomised <= _UNLIKE
        found.append(Verdict("untrained", "未训练", minus(f"{shown.randomised:+.2f}"), unlike))
    if shown.gap is not None:
        value = f"{shown.gap:.2%} ({shown.steps})"
        found.append(Verdict("gap", "完备差距", value, shown.gap <= _COMPLETE))
    return found
