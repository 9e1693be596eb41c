"""The exit codes, which pipelines rely on."""

from __future__ import annotations

OK = 0
FAILED = 1
"""The command failed; for `doctor`: a check failed."""
USAGE = 2
DIFFERS = 3
"""`tasks --stack`: the stack and the project don't agree."""
TASK_FAILED = 4
"""`watch`: a task failed or was stopped."""
TIMED_OUT = 5
"""`watch`: the time is over, and tasks are still running."""
INTERRUPTED = 130
