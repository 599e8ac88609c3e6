"""A sensor that reports through the API, with nothing but Python's own library.

It is started while an enabled rule uses its trigger, and started anew when such a rule changes: so it may read its rules once.
"""

import json
import os
import signal
import sys
import threading
import urllib.error
import urllib.request

API = os.environ["ATTUNE_API_URL"] + "/api/v1/events"
TOKEN = os.environ["ATTUNE_API_TOKEN"]
RULES = json.loads(os.environ["ATTUNE_SENSOR_TRIGGERS"])  # [{"id", "ref", "trigger_ref", "config"}]
EVERY = float(os.environ.get("ATTUNE_SENSOR_CONFIG_EVERY", "1"))

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())  # five seconds are left from now on


def report(rule, payload):
    """One event, for this rule alone. Tried again while the API is away."""
    body = {"trigger_ref": rule["trigger_ref"], "trigger_instance_id": f"rule_{rule['id']}", "payload": payload}
    request = urllib.request.Request(API, json.dumps(body).encode(), {
        "Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
    while not stop.is_set():
        try:
            urllib.request.urlopen(request, timeout=30).read()
            return
        except urllib.error.HTTPError as refused:
            if refused.code < 500 and refused.code != 429:
                raise  # what is wrong with it does not pass
        except OSError as away:
            print(f"the API is away: {away}", file=sys.stderr, flush=True)
        stop.wait(1)


count = {rule["id"]: 0 for rule in RULES}
print(f"counting for {len(RULES)} rules", flush=True)
while not stop.wait(EVERY):
    for rule in RULES:
        count[rule["id"]] += rule["config"].get("step", 1)
        report(rule, {"count": count[rule["id"]]})
