"""How many random cases the property-based tests try."""

import os

CASES = int(os.environ.get("VSDEOLDIFY_CASES", "1"))
"""The environment variable VSDEOLDIFY_CASES multiplies their number: 20 makes about 60,000."""
