#!/usr/bin/env python3
"""Uses poolwatch as a person would, in tmux: starts the demo, presses keys, resizes, reads the screen, and
leaves it by every way out, checking each time that the terminal is given back whole.

usage: terminal.py BINARY
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time

BINARY = os.path.abspath(sys.argv[1])
SOCKET = f"poolwatch-ci-{os.getpid()}"
HOME = tempfile.mkdtemp(prefix="poolwatch-ci-")
passed, failed = 0, []


def tmux(*args, check=True):
    done = subprocess.run(["tmux", "-L", SOCKET, *args], capture_output=True, text=True)
    if check and done.returncode:
        raise RuntimeError(f"tmux {' '.join(args)}: {done.stderr.strip()}")
    return done.stdout


def screen():
    return tmux("capture-pane", "-p", "-t", "t")


def wait(what, test, seconds=30):
    """Waits until test(screen) holds; says what was missing, with the last screen, if it never does."""
    end = time.monotonic() + seconds
    while True:
        shown = screen()
        if test(shown):
            return shown
        if time.monotonic() > end:
            raise AssertionError(f"never saw: {what}\n--- last screen\n{shown}\n---")
        time.sleep(0.1)


def sees(text, seconds=30):
    return wait(text, lambda shown: re.search(text, shown), seconds)


def keys(*names):
    tmux("send-keys", "-t", "t", *names)


def start(command, width=120, height=40, env=""):
    tmux("kill-server", check=False)
    time.sleep(0.2)
    tmux("-f", "/dev/null", "new-session", "-d", "-s", "t", "-x", str(width), "-y", str(height),
         f"env -u NO_COLOR HOME={HOME} PS1='prompt$ ' {env} bash --norc --noprofile")
    sees(r"prompt\$")
    keys(f"stty -a > {HOME}/before; {command}; echo code=$?; stty -a > {HOME}/after; cmp {HOME}/before {HOME}/after && echo stty-same", "Enter")


def pid():
    out = subprocess.run(["pgrep", "-f", f"^{re.escape(BINARY)} demo"], capture_output=True, text=True).stdout.split()
    if not out:
        raise AssertionError("poolwatch does not run")
    return int(out[-1])


def given_back(code):
    """The shell is back, with the terminal's settings as before, the cursor on, and the main screen."""
    sees(rf"code={code}")
    sees("stty-same")
    flags = tmux("display-message", "-p", "-t", "t", "#{alternate_on} #{cursor_flag} #{mouse_any_flag}").split()
    assert flags == ["0", "1", "0"], f"alternate screen, cursor, mouse after exit: {flags}"


def case(name):
    def run(body):
        global passed
        begun = time.monotonic()
        try:
            body()
            passed += 1
            print(f"ok    {name} ({time.monotonic() - begun:.1f} s)")
        except Exception as error:  # a failed case must not hide the others
            failed.append(name)
            print(f"FAIL  {name}: {error}")
        finally:
            tmux("kill-server", check=False)
    return run


DEMO = f"{shlex.quote(BINARY)} demo --scenario mirror-rebuild --speed 8"


@case("demo from start to quit, 120x40: verdict, hosts, a host goes down, rebuild, calm")
def _():
    start(DEMO)
    sees(r"xcp1")
    sees(r"reboot the next host")
    sees(r"NO", 60)
    sees(r"(?i)rebuild\w* .*\d+ %", 90)
    keys("?")
    sees(r"(?i)help")
    keys("Escape")
    keys(":")
    keys("theme")
    sees(r"(?i)theme")
    keys("Escape")
    keys("Tab")
    keys("z")
    keys("z")
    sees(r"YES", 120)
    keys("q")
    given_back(0)


@case("80x24 is enough to work with; 40x10 and 200x60 do not break")
def _():
    start(DEMO, 80, 24)
    sees(r"xcp1")
    for width, height in ((40, 10), (200, 60), (12, 3), (80, 24)):
        tmux("resize-window", "-t", "t", "-x", str(width), "-y", str(height))
        time.sleep(0.5)
        pid()
    sees(r"xcp1")
    keys("Enter")
    sees(r"(?i)gate")
    keys("Escape")
    keys("q")
    given_back(0)


@case("Ctrl-C quits")
def _():
    start(DEMO)
    sees(r"xcp1")
    keys("C-c")
    given_back(0)


@case("Ctrl-Z suspends and gives the terminal back; fg brings the screen back")
def _():
    start(DEMO)
    sees(r"xcp1")
    keys("C-z")
    sees(r"Stopped")
    assert tmux("display-message", "-p", "-t", "t", "#{alternate_on}").strip() == "0"
    keys("fg", "Enter")
    sees(r"xcp1")
    keys("q")
    sees(r"prompt\$")
    assert tmux("display-message", "-p", "-t", "t", "#{alternate_on} #{cursor_flag}").split() == ["0", "1"]


for name, number in (("SIGTERM", signal.SIGTERM), ("SIGHUP", signal.SIGHUP), ("SIGINT", signal.SIGINT)):
    @case(f"{name} gives the terminal back")
    def _(number=number):
        start(DEMO)
        sees(r"xcp1")
        os.kill(pid(), number)
        given_back(r"\d+")


@case("a closed terminal ends the program")
def _():
    start(DEMO)
    sees(r"xcp1")
    process = pid()
    tmux("kill-server")
    end = time.monotonic() + 10
    while os.path.exists(f"/proc/{process}"):
        assert time.monotonic() < end, "still runs 10 s after its terminal went away"
        time.sleep(0.1)


@case("NO_COLOR: no colour at all, and the words are enough")
def _():
    start(DEMO, env="NO_COLOR=1")
    sees(r"xcp1")
    raw = tmux("capture-pane", "-p", "-e", "-t", "t")
    assert not re.search(r"\x1b\[[0-9;]*(3[0-7]|4[0-7]|38|48|9[0-7])[;m]", raw), "a colour code got through"
    sees(r"live")
    keys("q")
    given_back(0)


@case("--ascii draws no character beyond ASCII")
def _():
    start(DEMO + " --ascii")
    shown = sees(r"xcp1")
    strange = {c for c in shown if ord(c) > 126}
    assert not strange, f"not ASCII: {strange}"
    keys("q")
    given_back(0)


print(f"{passed} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
