"""The textbook has something to say of every kind of layer."""

from __future__ import annotations

import json
import re

from danqing.explanation.textbook.assembly import assemble
from danqing.recipe.layer_kinds import ACTIVATIONS, LAYER_KINDS

BY_FORMULA = {"dense", "conv", "batchnorm"}  # their chain rule needs no words
LAST = {"softmax", "rescale"}  # back-propagation begins before them


def test_every_kind_has_its_words() -> None:
    page = assemble({"data": {"name": "d"}, "run": {"network": "n"}})
    found = re.search(r'<script[^>]*id="words"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert found
    words = json.loads(found[1])
    kinds = set(LAYER_KINDS) - set(ACTIVATIONS)
    needed = {"kind-activation", *(f"kind-{kind}" for kind in kinds)}
    needed |= {f"chain-{kind}" for kind in kinds - BY_FORMULA - LAST}
    assert needed <= set(words)
