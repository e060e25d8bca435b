"""For tests and doctests alike: pictures are cached in a folder that goes with them."""

from __future__ import annotations

import os
import tempfile

_cache = tempfile.TemporaryDirectory(prefix="danqing-cache-")
os.environ["DANQING_CACHE"] = _cache.name
