"""A day of the client healthchecks-io: what it can ask, asked of the server in BELFRY; what it was told as JSON."""

import json
import os

from healthchecks_io import CheckCreate, CheckNotFoundError, CheckTrap, CheckUpdate, Client, HCAPIAuthError

base, key, ping_key = (os.environ[name] for name in ("BELFRY", "API_KEY", "PING_KEY"))


def client(api_key=key):
    api = f"{base}/compat/healthchecks/api/"
    return Client(api_key=api_key, ping_key=ping_key, api_url=api, ping_url=f"{base}/ping/")


said = {}
with client() as hc:
    made = hc.create_check(CheckCreate(name="Client", tags="a b", timeout=600, grace=120, unique=["name"]))
    again = hc.create_check(CheckCreate(name="Client", tags="a b", timeout=900, grace=120, unique=["name"]))
    said["made"] = [made.status, made.timeout, again.timeout, made.uuid == again.uuid]
    uuid = made.uuid

    said["pings"] = [
        hc.start_ping(uuid=uuid),
        hc.success_ping(uuid=uuid, data="all well"),
        hc.fail_ping(slug=made.slug, data="no disk"),
        hc.exit_code_ping(3, uuid=uuid),
        hc.exit_code_ping(0, uuid=uuid),
    ]
    with CheckTrap(hc, uuid=uuid) as trap:
        trap.add_log("in the trap")
    try:
        with CheckTrap(hc, uuid=uuid) as trap:
            trap.add_log("before it broke")
            raise RuntimeError("broken")
    except RuntimeError:
        pass

    listed = hc.get_check_pings(uuid)
    said["listed"] = [ping.type for ping in listed]
    said["agent"] = listed[0].user_agent.startswith("py-healthchecks.io/")
    said["durations"] = [ping.duration is not None for ping in listed if ping.type in ("success", "fail")]
    # Not get_check_flips, which expects a bare list: healthchecks.io answers {"flips": […]}, too.
    said["read"] = [hc.get_check(uuid).status, hc.get_check(uuid).n_pings]
    said["tagged"] = [[check.name for check in hc.get_checks(tags=tags)] for tags in (["a", "b"], ["a", "c"])]
    said["all"] = sorted(check.name for check in hc.get_checks())
    updated = hc.update_check(uuid, CheckUpdate(desc="renamed", schedule="0 3 * * *", tz="Europe/Berlin"))
    said["updated"] = [updated.name, updated.desc]
    said["paused"] = hc.pause_check(uuid).status
    said["channels"] = sorted(channel.name for channel in hc.get_integrations())
    said["badges"] = sorted(hc.get_badges())
    said["deleted"] = hc.delete_check(uuid).name
    try:
        hc.get_check(uuid)
    except CheckNotFoundError:
        said["gone"] = True
    try:
        hc.success_ping(uuid=uuid)
    except CheckNotFoundError:
        said["unheard"] = True
with client("hcw_" + 28 * "x") as stranger:
    try:
        stranger.get_checks()
    except HCAPIAuthError:
        said["stranger"] = "refused"
print(json.dumps(said))
