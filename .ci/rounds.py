#!/usr/bin/env python3
"""Whole update rounds over the wire, against `poolwatch sim` over HTTPS, whose time runs faster: without a screen in both
dialects and for both products, and from the wizard in tmux.

usage: rounds.py BINARY
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

BINARY = os.path.abspath(sys.argv[1])
SOCKET = f"poolwatch-rounds-{os.getpid()}"
SPEED = "30"
failed = []


def home():
    folder = tempfile.mkdtemp(prefix="poolwatch-rounds-")
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TMUX")}
    return env | {"HOME": folder, "XDG_CONFIG_HOME": folder, "XDG_DATA_HOME": folder, "XDG_STATE_HOME": folder,
                  "POOLWATCH_PASSWORD": "poolwatch"}


class Sim:
    """`poolwatch sim` over HTTPS, ready."""

    def __init__(self, env, scenario, api):
        self.process = subprocess.Popen(
            [BINARY, "sim", "--json", "--tls", "--listen", "127.0.0.1:0", "--scenario", scenario, "--api", api, "--speed", SPEED],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        self.target = json.loads(self.process.stdout.readline())["pools"][0]["url"].removeprefix("https://")

    def close(self):
        self.process.terminate()
        self.process.wait()


def headless(scenario, api):
    """An update round to its end: code 0, every host once, and a look afterwards says that all is well."""
    env = home()
    sim = Sim(env, scenario, api)
    try:
        done = subprocess.run([BINARY, "roll", sim.target, "--update", "--yes", "--json", "--soak", "5", "--sim-speed", SPEED],
                              capture_output=True, text=True, env=env, timeout=400)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        tail = "\n".join(line["text"] for line in lines[-12:])
        assert done.returncode == 0, f"code {done.returncode}: {done.stderr[-600:]}\n{tail}"
        assert lines[-1]["result"] == "done", tail
        ended = [line["host"] for line in lines if line.get("stage") == "reboot" and re.match(r"Call \d+: reboot", line["text"])]
        assert ended and len(ended) == len(set(ended)), f"each host is rebooted once: {ended}"
        return f"{len(ended)} hosts rebooted, {len(lines)} lines"
    finally:
        sim.close()


def tmux(*args, check=True):
    done = subprocess.run(["tmux", "-L", SOCKET, *args], capture_output=True, text=True)
    if check and done.returncode:
        raise RuntimeError(f"tmux {' '.join(args)}: {done.stderr.strip()}")
    return done.stdout


def sees(text, seconds=30):
    end = time.monotonic() + seconds
    while True:
        shown = tmux("capture-pane", "-p", "-t", "t")
        if re.search(text, shown):
            return shown
        if time.monotonic() > end:
            raise AssertionError(f"never saw: {text}\n--- last screen\n{shown}\n---")
        time.sleep(0.1)


def wizard(scenario, api):
    """The same from the wizard: scope, plan, checks, the name typed, the run, the dashboard beside it, the report."""
    env = home()
    sim = Sim(env, scenario, api)
    try:
        passed_on = " ".join(f"{key}={env[key]}" for key in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "POOLWATCH_PASSWORD"))
        tmux("-f", "/dev/null", "new-session", "-d", "-s", "t", "-x", "120", "-y", "40",
             f"env {passed_on} {BINARY} watch {sim.target} --sim-speed {SPEED}; echo code=$?; sleep 600")
        keys = lambda *names: tmux("send-keys", "-t", "t", *names)
        sees(r"● live.*")
        sees(r"✓ YES")
        keys("w")
        sees(r"▸ scope")
        keys("Down")
        keys("Space")
        sees(r"\(●\) update")
        keys("Enter")
        sees(r"▸ plan")
        sees(r"evacuate")
        keys("Enter")
        sees(r"▸ preflight")
        sees(r"Nothing speaks against")
        keys("Enter")
        name = re.search(r"type the name of the pool, ([^:]+):", sees(r"type the name of the pool")).group(1)
        keys("-l", name)
        keys("Enter")
        sees(r"▸ run")
        sees(r"evacuat", 60)
        keys("w")
        sees(r"rollout: host \d of \d")
        keys("w")
        sees(r"▸ run")
        sees(r"Done|✓ all|report", 10)
        end = time.monotonic() + 400
        while "▸ report" not in (shown := tmux("capture-pane", "-p", "-t", "t")) and not re.search(r"4 of 4 done|3 of 3 done", shown):
            assert time.monotonic() < end, shown
            time.sleep(0.5)
        keys("Enter")
        shown = sees(r"▸ report", 60)
        sees(r"as it was found|as found|nothing is left", 20)
        keys("q")
        sees(r"code=0")
        return ""
    finally:
        tmux("kill-server", check=False)
        sim.close()


def attempt(name, body, *args):
    begun = time.monotonic()
    try:
        said = body(*args)
        print(f"ok    {name} ({time.monotonic() - begun:.0f} s) {said}", flush=True)
    except Exception as error:
        failed.append(name)
        print(f"FAIL  {name} ({time.monotonic() - begun:.0f} s): {error}", flush=True)


CASES = [
    ("XCP-ng update round over HTTPS, designed rules", headless, "hotfix", "designed"),
    ("XCP-ng update round over HTTPS, shipped rules", headless, "hotfix", "shipped"),
    ("XenServer update round over HTTPS, shipped rules", headless, "hotfix-xenserver", "shipped"),
    ("update round from the wizard", wizard, "hotfix", "designed"),
]
threads = [threading.Thread(target=attempt, args=case) for case in CASES]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(f"{len(CASES) - len(failed)} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
