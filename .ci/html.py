#!/usr/bin/env python3
"""`crash --html` in a real browser: the page is there, with verdict and time line, it says nothing on its console, and it asks for nothing.

    .ci/html.py POOLWATCH [FOLDER]

Crashes a host of the simulated pool, reads it with `crash --html`, and opens the file in headless Chromium (from PATH, or installed by package name)
without a network. FOLDER: keeps the page and a picture of it there.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def browser():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    subprocess.run(["apt-get", "update", "-qq"], check=True)
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"], check=True, env=env, stdout=subprocess.DEVNULL)
    return shutil.which("chromium") or sys.exit("chromium could not be installed")


def pages(poolwatch, folder):
    """A crash with a dump, read from a live pool with what was recorded of it; and one that only a recording tells of."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "POOLWATCH_"))}
    env |= {"HOME": str(folder), "POOLWATCH_PASSWORD": "poolwatch"}
    sim = subprocess.Popen(
        [poolwatch, "sim", "--json", "--scenario", "kernel-bug", "--listen", "127.0.0.1:0", "--speed", "20"],
        stdout=subprocess.PIPE, stdin=subprocess.PIPE, env=env, text=True)
    url = json.loads(sim.stdout.readline())["pools"][0]["url"]
    recording = folder / "seen.jsonl.zst"
    record = subprocess.Popen([poolwatch, "record", url, "-o", str(recording), "--sim-speed", "20"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while True:
            done = subprocess.run([poolwatch, "crash", url, "--host", "xcp3", "--json"], env=env, capture_output=True, text=True)
            crashes = json.loads(done.stdout)["crashes"] if done.returncode == 0 else []
            if crashes and crashes[0]["cause"] == "bug":
                break
            assert time.monotonic() < deadline, f"no crash to read: {done.stdout} {done.stderr}"
            time.sleep(1)
        live, past = folder / "live.html", folder / "past.html"
        command = [poolwatch, "crash", url, "--host", "xcp3", "--recording", str(recording), "--html", str(live)]
        subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
        shipped = Path(__file__).resolve().parent.parent / "recordings" / "fence-o2cb.jsonl.zst"
        command = [poolwatch, "crash", "--recording", str(shipped), "--host", "xcp3", "--html", str(past)]
        subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
        return [(live, "bug"), (past, "o2cb")]
    finally:
        for process in (record, sim):
            process.kill()
            process.wait()


def look(chromium, path, folder, dark):
    """Opens a page: what its document became, what the console said, which hosts were asked for something."""
    name = path.stem + ("-dark" if dark else "")
    picture, net = folder / f"{name}.png", folder / f"{name}.net.json"
    # No sandbox: this may run as root in a container. Any name leads nowhere, and any proxy is dead.
    common = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
              "--disable-component-update", "--disable-sync", "--disable-extensions", "--host-resolver-rules=MAP * ~NOTFOUND",
              f"--user-data-dir={folder / 'profile'}", "--window-size=1100,1600", "--virtual-time-budget=3000",
              "--enable-logging=stderr", "--v=0", f"--log-net-log={net}", "--net-log-capture-mode=Everything"]
    if dark:
        common.append("--blink-settings=preferredColorScheme=0")
    shot = subprocess.run([*common, f"--screenshot={picture}", path.as_uri()], capture_output=True, text=True, timeout=120)
    assert picture.exists() and picture.stat().st_size > 10_000, f"no picture: {shot.stderr}"
    console = [line for line in shot.stderr.splitlines() if ":CONSOLE" in line]
    text = net.read_text()
    asked = set(re.findall(r'"url":"(?:https?|wss?|ftp)://([^/":]+)', text))
    dom = subprocess.run([*common, "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=120).stdout
    return dom, console, asked


def main():
    poolwatch = str(Path(sys.argv[1]).resolve())
    chromium = browser()
    with tempfile.TemporaryDirectory(prefix="poolwatch-html-") as made:
        folder = Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        for path, cause in pages(poolwatch, folder):
            for dark in (False, True):
                dom, console, asked = look(chromium, path, folder, dark)
                title = re.search(r"<title>(.*?)</title>", dom)
                assert title and "xcp3" in title[1], f"title: {title and title[1]}"
                assert f'class="verdict {cause}"' in dom, "no verdict"
                assert "<svg" in dom and "</svg>" in dom and "<circle" in dom, "no time line"
                assert not console, f"the page said on its console: {console}"
                # The browser's own habits, which no flag ends altogether.
                others = {host for host in asked if not host.endswith((".google.com", ".googleapis.com", ".gvt1.com"))}
                assert not others, f"the page asked {others}"
                # Whatever it would load, its own policy forbids, and the console would tell.
                assert "Content-Security-Policy" in dom and not re.search(r'(?:src|href)="https?:', dom), "it refers to something elsewhere"
                print(f"{path.name}{' in the dark' if dark else ''}: {title[1]}")


if __name__ == "__main__":
    main()
