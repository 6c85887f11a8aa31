"""Which captured requests are replayed, what has to happen before each, and which differences are meant."""

import threading

# Differences that are meant: (capture, path, why), both by prefix.
# Beyond these, two things are never compared: the order of members (JSON objects and XML-RPC structs have none), and
# values that depend on what is in the pool.
TOLERATED = [
    ("json-event.next-not-registered", "body", "the parameter is xapi's internal tracking id of the session"),
    ("json-event.from-all", "body.result.events[bond add]", "the captured pool had no bonds"),
    ("json-event.from-all", "body.result.events[subject add]", "the captured pool had no users but root"),
    ("json-console.get_all_records", "body has no records", "simulated guests have no consoles"),
]

# Captures that are not replayed, with the reason.
SKIPPED = {
    "http-rrd-vm_rrd-local": "whole archives of a guest are not simulated",
    "http-rrd-vm_rrd-other-host-302": "whole archives of a guest are not simulated",
    "json-host.call_plugin-missing": "the plugin that answered was a stand-in of the captured pool",
}

# Bodies that must be equal to the last byte (after names of things are mapped), not only in shape.
EXACT = ("http-", "json-batch", "json-malformed", "json-id-null", "xml-malformed")
EXACT_NOT = ("http-rrd-updates-", "http-headers", "http-expect")


def new_task(pool):
    """A task of our own; in the captures it is this one."""
    task = pool.call("task.create", "lbl", "d")
    pool.names["OpaqueRef:05d270e2-b293-f817-34cf-de24df0743fa"] = task
    return task


def token(pool, *classes):
    return pool.call("event.from", list(classes), "", 0.0)["token"]


def now_or_later(pool, capture, *classes):
    """The captured request's token stands for the present."""
    captured = capture.captured_token()
    pool.names[captured] = token(pool, *classes)


def host_mod(pool, capture):
    now_or_later(pool, capture, "host")
    pool.call("host.set_name_description", pool.member, f"for {capture.name}")


def task_add(pool, capture):
    now_or_later(pool, capture, "task")
    pool.task = new_task(pool)


def task_mod(pool, capture):
    pool.task = new_task(pool)
    now_or_later(pool, capture, "task")
    pool.call("task.set_progress", pool.task, 0.25)


def task_del(pool, capture):
    pool.task = new_task(pool)
    pool.call("task.set_progress", pool.task, 0.25)
    now_or_later(pool, capture, "task")
    pool.call("task.destroy", pool.task)


def new_message(pool):
    return pool.call("message.create", "HOST_CLOCK_SKEW_DETECTED", 4, "Host", pool.call("host.get_uuid", pool.member), "a body")


def message_add(pool, capture):
    now_or_later(pool, capture, "message")
    new_message(pool)


def message_del(pool, capture):
    message = new_message(pool)
    now_or_later(pool, capture, "message")
    pool.call("message.destroy", message)


def idle(pool, capture):
    now_or_later(pool, capture, "host")


def logged_out(pool, capture):
    other = pool.log_in()
    pool.names["OpaqueRef:277a930f-de92-df0e-178e-2d4863eec9e2"] = other
    idle(pool, capture)
    # Late enough for the call to be waiting; if it is not, the answer is the same.
    threading.Timer(0.5, lambda: pool.raw_call("session.logout", other)).start()


def registered(pool, capture):
    pool.call("event.register", ["task", "host"])
    # What happened before is taken first.
    pool.call("host.set_name_description", pool.member, "something else")
    pool.call("event.next")
    pool.call("host.set_name_description", pool.member, f"for {capture.name}")


def failed_task(pool, capture):
    pool.call("host.enable", pool.member)
    task = pool.call("Async.host.reboot", pool.member)
    pool.finish(task)
    pool.names["OpaqueRef:049a26b2-70ec-3e17-aad4-9cbac89d3178"] = task


def disabled(pool, _):
    pool.call("host.disable", pool.member)


def disable_task(pool, _):
    task = pool.call("Async.host.disable", pool.member)
    pool.finish(task)
    pool.names["OpaqueRef:98148deb-15d4-7dc6-9bb8-5049cfcd3d00"] = task


def enabled(pool, _):
    pool.call("host.enable", pool.member)


def some_message(pool, _):
    new_message(pool)


def some_task(pool, _):
    new_task(pool)


# What happens before a request. Names without an entry need nothing.
BEFORE = {
    "json-event.from-timeout-2s-int": idle,
    "json-event.from-timeout-2s-float": idle,
    "xml-event.from-timeout-2s-double": idle,
    "xml-event.from-timeout-2s-int": idle,
    "json-event.from-host-mod": host_mod,
    "xml-event.from-host-mod": host_mod,
    "json-event.from-task-add": task_add,
    "json-event.from-task-mod": task_mod,
    "xml-event.from-task-mod-sameToken": task_mod,
    "json-event.from-task-del": task_del,
    "json-event.from-message-add": message_add,
    "xml-event.from-message-add": message_add,
    "json-event.from-message-del": message_del,
    "json-event.from-session-logged-out-meanwhile": logged_out,
    "json-event.next": registered,
    "xml-event.next": registered,
    "json-Async-task-record": disable_task,
    "json-Async-failed-task-record": failed_task,
    "xml-Async-failed-task-record": failed_task,
    "json-host.get_allowed_operations-disabled": disabled,
    "json-message.get_all_records": some_message,
    "xml-message.get_all_records": some_message,
    "json-message.get_since": some_message,
    "json-message.get_since-dashes": some_message,
    "xml-message.get_since": some_message,
    "json-event.from-first-some-classes": some_message,
    "xml-event.from-first-some-classes": some_message,
    "json-event.from-all": some_message,
    "json-task.get_all_records": some_task,
    "xml-task.get_all_records": some_task,
    # In the captures these hosts are enabled.
    "json-HOST_NOT_DISABLED": enabled,
    "xml-HOST_NOT_DISABLED": enabled,
    "json-host.get_allowed_operations": enabled,
    "xml-host.get_allowed_operations": enabled,
}

# What has to be before what: the rest follows in alphabetical order.
FIRST = ["json-event.next-not-registered"]
