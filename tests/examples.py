"""How long properties are searched for a counterexample: `EXAMPLES=2000 pytest` does for a long while."""

import os
from typing import Final

EXAMPLES: Final = int(os.environ.get("EXAMPLES", "30"))
"""How many examples each is tried with, others in every run."""
