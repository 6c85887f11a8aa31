#!/usr/bin/env python3
"""Lets the official Python client (`XenAPI` on PyPI) work with a simulated pool.

usage: xenapi_client.py URL [USER [PASSWORD]]

The pool has three hosts or more, all well; its clock should run fast. Ends with `N passed, N failed`; the exit code is 1
if anything failed.
"""

import sys
import threading
import time
import traceback
import xmlrpc.client

import XenAPI

CLASSES = """pool host host_metrics VM VM_metrics VM_guest_metrics SR PBD VDI VBD VIF PIF PIF_metrics Bond network SM task
message Cluster Cluster_host Certificate console host_crashdump pool_update Repository""".split()
PATIENCE = 120


def open_session(url, user, password):
    session = XenAPI.Session(url, ignore_ssl=True)
    session.xenapi.login_with_password(user, password, "1.0", "conformance")
    return session


class Watcher(threading.Thread):
    """Follows the pool with event.from, as the client's documentation shows."""

    def __init__(self, session):
        super().__init__(daemon=True)
        self.session, self.seen, self.error = session, [], None
        self.changed = threading.Condition()
        self.hosts, self.metrics = {}, {}
        self.token = ""

    def run(self):
        try:
            while True:
                batch = event_from(self.session, ["host", "host_metrics", "pool", "task"], self.token, 30.0)
                with self.changed:
                    self.token = batch["token"]
                    for event in batch["events"]:
                        self.take(event)
                    counts = batch["valid_ref_counts"]
                    check(counts["host"] == len(self.hosts), f"{counts['host']} hosts are counted, {len(self.hosts)} were seen")
                    self.changed.notify_all()
        except Exception as error:
            with self.changed:
                self.error = error
                self.changed.notify_all()

    def take(self, event):
        self.seen.append(event)
        cache = {"host": self.hosts, "host_metrics": self.metrics}.get(event["class"])
        if event["operation"] == "del":
            check("snapshot" not in event, f"a deletion has a snapshot: {event}")
        elif cache is not None:
            cache[event["ref"]] = event["snapshot"]

    def wait_for(self, what, condition):
        with self.changed:
            if not self.changed.wait_for(lambda: self.error or condition(), PATIENCE):
                raise AssertionError(f"{what}: no event said so in {PATIENCE} s")
            if self.error:
                raise AssertionError(f"{what}: the event loop ended with {self.error!r}")


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def refused(act, *want):
    try:
        act()
    except XenAPI.Failure as failure:
        check(failure.details[: len(want)] == list(want), f"wanted {want}, got {failure.details}")
        return
    raise AssertionError(f"wanted {want}, but it was accepted")


class Conformance:
    def __init__(self, url, user, password):
        self.url, self.user, self.password = url, user, password
        self.session = open_session(url, user, password)
        self.api = self.session.xenapi
        pool = self.api.pool.get_all()[0]
        self.coordinator = self.api.pool.get_master(pool)
        members = [host for host in sorted(self.api.host.get_all()) if host != self.coordinator]
        self.member = next(host for host in members if not self.api.host.get_vms_which_prevent_evacuation(host))

    def test_records_of_every_class_are_what_get_all_says(self):
        for name in CLASSES:
            cls = getattr(self.api, name)
            records = cls.get_all_records()
            check(name in ("task",) or set(records) == set(cls.get_all()), f"{name}: get_all and get_all_records differ")
            for ref, record in list(records.items())[:3]:
                check(cls.get_uuid(ref) == record["uuid"], f"{name}.get_uuid")
                check(name == "message" or cls.get_by_uuid(record["uuid"]) == ref, f"{name}.get_by_uuid")
                if name != "task":
                    check(set(cls.get_record(ref)) == set(record), f"{name}.get_record has other fields than get_all_records")

    def test_values_have_the_types_that_the_client_expects(self):
        host = self.api.host.get_record(self.member)
        check(host["API_version_major"].isdigit(), "integers are text in XML-RPC")
        check(host["enabled"] is True, "booleans are booleans")
        check(isinstance(host["software_version"], dict) and isinstance(host["PBDs"], list), "maps and sets")
        check(isinstance(self.api.host.get_servertime(self.member), xmlrpc.client.DateTime), "dates are dates")
        check(self.session.API_version.startswith("2."), f"API version {self.session.API_version}")

    def test_fields_are_written_and_read(self):
        self.api.host.set_name_description(self.member, "naïve <text> & \"quotes\"")
        check(self.api.host.get_name_description(self.member) == "naïve <text> & \"quotes\"", "a text comes back changed")
        self.api.host.add_to_other_config(self.member, "conformance", "1")
        refused(lambda: self.api.host.add_to_other_config(self.member, "conformance", "2"), "MAP_DUPLICATE_KEY", "host", "other_config")
        self.api.host.remove_from_other_config(self.member, "conformance")
        self.api.host.remove_from_other_config(self.member, "conformance")
        check("conformance" not in self.api.host.get_other_config(self.member), "a key is still there after it was removed")

    def test_errors_are_failures_with_their_parameters(self):
        bad = "OpaqueRef:00000000-dead-beef-0000-000000000000"
        refused(lambda: self.api.host.get_record(bad), "HANDLE_INVALID", "host", bad)
        refused(lambda: self.api.host.get_by_uuid("nonsense"), "UUID_INVALID", "host", "nonsense")
        refused(lambda: self.api.host.reboot(self.member), "HOST_NOT_DISABLED")
        refused(lambda: self.api.host.no_such_method(), "MESSAGE_METHOD_UNKNOWN", "host.no_such_method")
        refused(lambda: self.api.host.get_record(), "MESSAGE_PARAMETER_COUNT_MISMATCH", "host.get_record", "1", "0")
        refused(lambda: open_session(self.url, self.user, "wrong"), "SESSION_AUTHENTICATION_FAILED", self.user)

    def test_an_async_call_is_a_task_that_ends(self):
        good = self.wait_task(self.api.Async.host.disable(self.member))
        check(good["status"] == "success" and good["progress"] == 1.0, f"disabling: {good}")
        check(self.api.host.get_enabled(self.member) is False, "the host is still enabled")
        self.api.host.enable(self.member)
        failed = self.wait_task(self.api.Async.host.reboot(self.member))
        check(failed["status"] == "failure" and failed["error_info"] == ["HOST_NOT_DISABLED"], f"rebooting: {failed}")

    def test_a_session_that_is_logged_out_is_gone(self):
        other = open_session(self.url, self.user, self.password)
        ref = other._session
        other.xenapi.session.logout()
        plain = xmlrpc.client.ServerProxy(self.url, context=unverified())
        answer = plain.host.get_all(ref)
        check(answer == {"Status": "Failure", "ErrorDescription": ["SESSION_INVALID", ref]}, f"it answered {answer}")

    def test_an_idle_pool_answers_event_from_when_its_time_is_over(self):
        token = event_from(self.session, ["pool"], "", 0.0)["token"]
        batch = event_from(self.session, ["pool"], token, 5.0)
        check(batch["events"] == [] and batch["token"] == token, f"{batch}")

    def test_a_host_goes_through_a_reboot_and_every_step_is_an_event(self):
        watching = open_session(self.url, self.user, self.password)
        watcher = Watcher(watching)
        watcher.start()
        host, metrics = self.member, self.api.host.get_metrics(self.member)
        watcher.wait_for("all hosts are told at first", lambda: host in watcher.hosts and metrics in watcher.metrics)
        booted = self.api.host.get_other_config(host)["boot_time"]
        self.api.host.disable(host)
        watcher.wait_for("disabled", lambda: not watcher.hosts[host]["enabled"])
        moved = self.wait_task(self.api.Async.host.evacuate(host))
        check(moved["status"] == "success", f"evacuation: {moved['error_info']}")
        watcher.wait_for("empty but for its own", lambda: len(watcher.hosts[host]["resident_VMs"]) <= 1)
        watcher.wait_for("reboot is allowed", lambda: "reboot" in watcher.hosts[host]["allowed_operations"])
        task = self.wait_task(self.api.Async.host.reboot(host))
        check(task["status"] == "success", f"reboot: {task['error_info']}")
        watcher.wait_for("on its way down", lambda: "shutdown" in watcher.hosts[host]["current_operations"].values())
        watcher.wait_for("down", lambda: not watcher.metrics[metrics]["live"])
        watcher.wait_for("live", lambda: watcher.metrics[metrics]["live"])
        watcher.wait_for("enabled again", lambda: watcher.hosts[host]["enabled"])
        check(watcher.hosts[host]["other_config"]["boot_time"] != booted, "it was enabled again without a new boot time")
        pbds = self.api.PBD.get_all_records().values()
        check(all(pbd["currently_attached"] for pbd in pbds if pbd["host"] == host), "its storage is not attached again")

    def wait_task(self, task):
        deadline = time.monotonic() + PATIENCE
        while True:
            record = self.api.task.get_record(task)
            if record["status"] not in ("pending", "cancelling"):
                self.api.task.destroy(task)
                return record
            check(time.monotonic() < deadline, f"the task {record['name_label']} does not end")
            time.sleep(0.05)


def event_from(session, classes, token, timeout):
    # `from` is a word of the language: it cannot be written as an attribute.
    return getattr(session.xenapi.event, "from")(classes, token, timeout)


def unverified():
    import ssl

    return ssl._create_unverified_context()


def main():
    url, user, password = (*sys.argv[1:], *["root", "poolwatch"][len(sys.argv) - 2 :])
    conformance = Conformance(url, user, password)
    passed = failed = 0
    for name in [name for name in vars(Conformance) if name.startswith("test_")]:
        try:
            getattr(conformance, name)()
            passed += 1
            print(f"ok   {name}")
        except Exception as error:
            failed += 1
            print(f"FAIL {name}: {error}")
            if not isinstance(error, AssertionError):
                traceback.print_exc(file=sys.stdout)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
