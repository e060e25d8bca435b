"""For tests and doctests alike: where pictures are cached, and which examples Hypothesis makes."""

from __future__ import annotations

import os
import tempfile

from hypothesis import settings

_cache = tempfile.TemporaryDirectory(prefix="danqing-cache-")
os.environ["DANQING_CACHE"] = _cache.name

# What is found by chance is found at a desk; a gate gives the same answer twice.
settings.register_profile("gate", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("gate")
