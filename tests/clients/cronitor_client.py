"""Jobs and a heartbeat of Cronitor's client for Python, with another host in its addresses, as whoever moves has it."""

import os

import cronitor

base = os.environ["BELFRY"]
cronitor.api_key = os.environ["PING_KEY"]
cronitor.Monitor._ping_api_url = lambda self: f"{base}/p/{self.api_key}/{self.key}"


@cronitor.job("good")
def good():
    return "seven files"


@cronitor.job("bad")
def bad():
    raise RuntimeError("no disk")


good()
try:
    bad()
except RuntimeError:
    pass
answer = cronitor.Monitor("beat").ping(state="ok", message="here", metrics={"count": 7, "duration": 1.5})
print(answer.status_code)
