"""`python -m conversations_async` is the command `conversations-async`."""

import sys

from conversations_async.cli import main

sys.exit(main())
