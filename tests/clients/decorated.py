"""Two jobs under the decorator of healthchecks-decorator; their ping addresses are in GOOD and BAD."""

import os

from healthchecks_decorator import healthcheck


@healthcheck(url=os.environ["GOOD"], send_start=True, send_diagnostics=True)
def good():
    return "seven files"


@healthcheck(url=os.environ["BAD"], send_start=True, send_diagnostics=True)
def bad():
    raise RuntimeError("no disk")


good()
try:
    bad()
except RuntimeError:
    pass
