#!/usr/bin/env python3
"""Whole update rounds over the wire, against `poolwatch sim` over HTTPS, whose time runs faster: without a screen in both
dialects and for both products, from the wizard in tmux, killed and taken up again, with a coordinator that dies, and with a second
operator.

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
        done = subprocess.run([BINARY, "roll", sim.target, *ROUND], capture_output=True, text=True, env=env, timeout=400)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        tail = "\n".join(line["text"] for line in lines[-12:])
        assert done.returncode == 0, f"code {done.returncode}: {done.stderr[-600:]}\n{tail}"
        assert lines[-1]["result"] == "done", tail
        ended = reboots(lines)
        assert ended and len(ended) == len(set(ended)), f"each host is rebooted once: {ended}"
        return f"{len(ended)} hosts rebooted, {len(lines)} lines"
    finally:
        sim.close()


ROUND = ["--update", "--yes", "--json", "--soak", "5", "--sim-speed", SPEED]


class Roll:
    """`poolwatch roll` on a target, its lines read as they come."""

    def __init__(self, env, target, *args):
        self.process = subprocess.Popen([BINARY, "roll", target, *args], stdout=subprocess.PIPE, text=True, env=env)
        self.lines = []

    def until(self, fits):
        for line in self.process.stdout:
            self.lines.append(json.loads(line))
            if fits(self.lines[-1]):
                return True
        return False

    def end(self):
        self.until(lambda line: False)
        return self.process.wait()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def tail(self):
        return "\n".join(line["text"] for line in self.lines[-12:])


def reboots(lines):
    return [line["host"] for line in lines if line.get("stage") == "reboot" and re.match(r"Call \d+: reboot", line["text"])]


def killed(scenario, api):
    """kill -9 at five stages, each time taken up again: every host is rebooted once."""
    env = home()
    sim = Sim(env, scenario, api)
    said = []
    try:
        for number, stage in enumerate(["evacuate", "update", "up", "rebuild", "home"]):
            roll = Roll(env, sim.target, *(ROUND if number == 0 else ["--resume", *ROUND[1:3], "--sim-speed", SPEED]))
            assert roll.until(lambda line: line.get("stage") == stage and line["event"] != "stage"), f"never came to {stage}: {roll.tail()}"
            roll.kill()
            said += roll.lines
        roll = Roll(env, sim.target, "--resume", "--yes", "--json", "--sim-speed", SPEED)
        code = roll.end()
        assert code == 0 and roll.lines[-1]["result"] == "done", f"code {code}: {roll.tail()}"
        hosts = reboots(said + roll.lines)
        assert len(hosts) >= 3 and len(hosts) == len(set(hosts)), f"each host is rebooted once: {hosts}"
        return f"{len(hosts)} hosts rebooted"
    finally:
        sim.close()


def coordinator_dies(scenario, api):
    """The coordinator's power fails for a while in the middle of another host's turn: waited for, and every host done in the end."""
    env = home()
    sim = Sim(env, scenario, api)
    try:
        roll = Roll(env, sim.target, *ROUND)
        names = []
        second = lambda line: line.get("stage") == "evacuate" and line.get("host") and (names.append(line["host"]) or len(set(names)) == 2)
        assert roll.until(second), roll.tail()
        sim.process.stdin.write(f"reset host={names[0]}\n")
        sim.process.stdin.flush()
        assert roll.until(lambda line: "not seen" in line["text"]), roll.tail()
        code, said = roll.end(), list(roll.lines)
        for _ in range(6):
            if code == 0:
                break
            assert code == 1 and roll.lines[-1]["result"] == "stopped", f"code {code}: {roll.tail()}"
            roll = Roll(env, sim.target, "--resume", "--yes", "--json", "--sim-speed", SPEED)
            code = roll.end()
            said += roll.lines
        assert code == 0, roll.tail()
        hosts = reboots(said)
        assert len(hosts) >= 3 and len(hosts) == len(set(hosts)), f"each host is rebooted once: {hosts}"
        return f"{len(hosts)} hosts rebooted"
    finally:
        sim.close()


def second_operator(scenario, api):
    """Somebody else starts the same round on another machine: refused, and the first one goes on."""
    env, other = home(), home()
    sim = Sim(env, scenario, api)
    try:
        first = Roll(env, sim.target, *ROUND)
        assert first.until(lambda line: line.get("stage") == "evacuate"), first.tail()
        second = Roll(other, sim.target, *ROUND)
        code = second.end()
        assert code == 2 and second.lines[-1]["result"] == "refused", f"code {code}: {second.tail()}"
        assert any(line.get("code") == "claimed" for line in second.lines), second.tail()
        code = first.end()
        assert code == 0 and first.lines[-1]["result"] == "done", f"code {code}: {first.tail()}"
        return ""
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
    ("killed at five stages and taken up again", killed, "hotfix", "designed"),
    ("the coordinator's power fails meanwhile", coordinator_dies, "hotfix", "shipped"),
    ("a second operator starts the same round", second_operator, "hotfix", "designed"),
]
threads = [threading.Thread(target=attempt, args=case) for case in CASES]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(f"{len(CASES) - len(failed)} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
