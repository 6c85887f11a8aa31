#!/usr/bin/env python3
"""Tries poolwatch on a simulated pool as an operator would on a real one: through TLS as the toolstack's own front does it
(stunnel, TLS 1.2, ECDHE-RSA with AES-GCM, secp384r1, RSA 2048, self-signed, the address in no certificate), from a
member's address, and through everything that happens to pools: killed sessions, a toolstack that restarts, a host that
dies silently, a rebuild, a coordinator that goes, paths that fail, 2,000 guests. Asserts words and exit codes.

usage: trial.py BINARY [PATTERN]      only the cases whose name matches PATTERN, with what the client said
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

BINARY = os.path.abspath(sys.argv[1])
ONLY = sys.argv[2] if len(sys.argv) > 2 else None
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORK = tempfile.mkdtemp(prefix="poolwatch-trial-")
STUNNEL = shutil.which("stunnel4") or shutil.which("stunnel")
# Hosts boot in a third of the usual time, and resync slowly enough to be seen doing it.
BOOT = "boot = { shutdown_delay_s = 4.0, post_s = 14.0, hello_s = 3.0, cluster_s = 1.0, pbd_s = 0.5, enable_s = 1.0, toolstack_s = 12.0 }\n"
MIRROR = "mirror = { resync_mib_s = 40.0, write_mib_s = 6.0, start_s = 3.0 }"
STOPPED = (signal.SIGTERM, signal.SIGKILL)
ports = iter(range(21100, 32000, 7))
port_lock = threading.Lock()


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def certificates(folder, names):
    """A certificate for each name, all with one RSA key: making keys takes long, and no client sees the difference."""
    os.makedirs(folder)
    key = os.path.join(folder, "key")
    run("openssl", "genrsa", "-out", key, "2048")
    for name in names:
        crt = os.path.join(folder, name + ".crt")
        run("openssl", "req", "-new", "-x509", "-key", key, "-sha256", "-days", "3650", "-subj", f"/CN={name}",
            "-addext", f"subjectAltName=DNS:{name}.example.com", "-out", crt)
        with open(os.path.join(folder, name + ".pem"), "w", encoding="ascii") as pem:
            pem.write(open(crt, encoding="ascii").read() + open(key, encoding="ascii").read())


def fingerprint(folder, name):
    out = subprocess.run(["openssl", "x509", "-in", os.path.join(folder, name + ".crt"), "-noout", "-fingerprint", "-sha256"],
                         check=True, capture_output=True, text=True).stdout
    return out.strip().split("=", 1)[1]


def free_port(addresses):
    """A port that is free at all of these addresses."""
    with port_lock:
        for port in ports:
            try:
                for address in addresses:
                    with socket.socket() as s:
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                        s.bind((address, port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port")


def end(process):
    """Ends a process of ours, softly first."""
    for how in STOPPED:
        if process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                continue


class Lines:
    """What a process says, with when."""

    def __init__(self, process, name):
        self.process, self.name, self.lines, self.more = process, name, [], threading.Condition()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            if ONLY:
                print(f"    {self.name}: {line}", end="", flush=True)
            with self.more:
                self.lines.append((time.monotonic(), line.rstrip("\n")))
                self.more.notify_all()
        with self.more:
            self.lines.append((time.monotonic(), None))
            self.more.notify_all()

    def mark(self):
        with self.more:
            return len(self.lines)

    def since(self, mark):
        with self.more:
            return [line for _, line in self.lines[mark:] if line is not None]

    def wait(self, pattern, seconds, since=0):
        """The position after the first line from `since` on that matches, which must come within `seconds`."""
        limit, at = time.monotonic() + seconds, since
        with self.more:
            while True:
                while at < len(self.lines):
                    line, at = self.lines[at][1], at + 1
                    if line is not None and re.search(pattern, line):
                        return at
                left = limit - time.monotonic()
                ended = self.lines and self.lines[-1][1] is None
                if left <= 0 or ended:
                    said = "\n    ".join(l or "(ended)" for _, l in self.lines[since:])
                    raise AssertionError(f"{self.name}: no {pattern!r} within {seconds} s; it said\n    {said}")
                self.more.wait(min(left, 1))

    def never(self, pattern, since, until=None):
        with self.more:
            for _, line in self.lines[since:until]:
                assert line is None or not re.search(pattern, line), f"{self.name}: said what it must not: {line}"

    def quiet(self, pattern, seconds, since):
        """Nothing like this for so long."""
        time.sleep(seconds)
        self.never(pattern, since)

    def times(self, pattern, since=0):
        return sum(1 for line in self.since(since) if re.search(pattern, line))


class Pool:
    """A simulated pool with TLS in front of every host."""

    def __init__(self, name, *options, scenario="calm", hosts=4, certs="certs", user=None):
        self.home = os.path.join(WORK, name)
        os.makedirs(self.home)
        self.name, self.children = name, []
        self.addresses = [f"127.0.0.{n + 1}" for n in range(hosts)]
        self.plain, self.port = free_port(self.addresses), free_port(self.addresses)
        if scenario == "calm":
            text = open(os.path.join(ROOT, "scenarios", "calm.toml"), encoding="utf-8").read()
            text = re.sub(r"(?m)^mirror = .*$", MIRROR, BOOT + text)
            scenario = os.path.join(self.home, "calm.toml")
            open(scenario, "w", encoding="utf-8").write(text)
            options = ("--file", scenario, *options)
        else:
            options = ("--scenario", scenario, "--hosts", str(hosts), *options)
        self.sim = self.start(BINARY, "sim", "--api", "shipped", "--json", "--listen", f"127.0.0.1:{self.plain}",
                              "--certificates", os.path.join(WORK, certs), *options)
        self.said = Lines(self.sim, f"{name}/sim")
        self.said.wait('"ready"', 60)
        ready = json.loads(self.said.since(0)[0])
        self.hosts = [host["name"] for host in ready["pools"][0]["hosts"]]
        self.front = None
        self.tls(certs)

    def start(self, *command, errors=subprocess.STDOUT):
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=self.env())
        self.children.append(process)
        return process

    def env(self, **more):
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "POOLWATCH_"))}
        return {**keep, "HOME": self.home, "POOLWATCH_PASSWORD": "poolwatch", "NO_COLOR": "1", "TZ": "UTC", **more}

    def tls(self, certs, only=None):
        """The front: as the toolstack's, with these certificates, at every host's address (or only these)."""
        if self.front:
            end(self.front)
        lines = ["foreground = yes", "pid =", "debug = 3", "TIMEOUTclose = 0", "sslVersion = TLSv1.2", "curves = secp384r1",
                 "ciphers = ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"]
        for host, address in zip(self.hosts, self.addresses):
            if only is None or host in only:
                lines += [f"[{host}]", f"accept = {address}:{self.port}", f"connect = {address}:{self.plain}",
                          f"cert = {os.path.join(WORK, certs, host + '.pem')}"]
        conf = os.path.join(self.home, "stunnel.conf")
        open(conf, "w", encoding="utf-8").write("\n".join(lines) + "\n")
        self.front = subprocess.Popen([STUNNEL, conf], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=open(os.path.join(self.home, "stunnel.log"), "w", encoding="utf-8"))
        self.children.append(self.front)
        limit = time.monotonic() + 20
        last = self.addresses[self.hosts.index(only[-1] if only else self.hosts[-1])]
        while True:
            try:
                socket.create_connection((last, self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < limit and self.front.poll() is None, f"stunnel does not start, see {self.home}/stunnel.log"
                time.sleep(0.1)

    def do(self, command):
        """A fault, now."""
        mark = self.said.mark()
        self.sim.stdin.write(command + "\n")
        self.sim.stdin.flush()
        at = self.said.wait('"command"', 10, mark)
        answer = json.loads(self.said.since(0)[at - 1])
        assert answer["ok"], f"{command}: {answer['text']}"

    def target(self, host=2, user=None):
        who = f"{user}@" if user else ""
        return f"{who}127.0.0.{host}:{self.port}"

    def status(self, *options, host=2, user=None, timeout=60, **env):
        done = subprocess.run([BINARY, "status", self.target(host, user), *options], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=timeout, env=self.env(**env))
        return done.returncode, done.stdout, done.stderr

    def stream(self, host=2, user=None):
        return Lines(self.start(BINARY, "stream", self.target(host, user)), f"{self.name}/stream")

    def close(self):
        for child in reversed(self.children):
            end(child)


YES, NO, CANNOT = r"next host: YES", r"next host: NO", r"next host: CANNOT TELL"
LOST = r"connection: .*(next try|trying again)"
CASES = []


def case(body):
    CASES.append(body)
    return body


def see(pattern, text):
    assert re.search(pattern, text), f"no {pattern!r} in\n{text}"


def not_see(pattern, text):
    assert not re.search(pattern, text), f"{pattern!r} in\n{text}"


def ready(stream):
    """Everything was read and every host was heard."""
    return stream.wait(YES, 30)


@case
def status_over_tls(p):
    """status by a member's address: fingerprints once, exit codes, roles, certificates that change"""
    code, out, err = p.status()
    assert code == 0, (code, out, err)
    see(r"reboot the next host: YES", out)
    see(r"host xcp1 \(coordinator\): live", out)
    for host in ("xcp2", "xcp1"):
        see(re.escape(fingerprint(os.path.join(WORK, "certs"), host)), err)
    code, out, err = p.status("--json")
    assert (code, err) == (0, ""), (code, err)
    answer = json.loads(out)
    assert answer["verdict"]["reboot_next"] == "open" and len(answer["hosts"]) == 4 and answer["pool"]["coordinator"] == "xcp1"
    # Least rights are enough, and everything is read with them.
    code, out, err = p.status(user="read-only")
    assert code == 0, (code, out, err)
    see(r"4 hosts, \d+ guests", out)
    code, out, err = p.status(POOLWATCH_PASSWORD="hunter2")
    assert code == 3 and out == "", (code, out)
    see(r"(?i)password", err)
    not_see("hunter2", err + out)
    # Another certificate: refused, with both fingerprints and the way to accept it.
    p.tls("others")
    old, new = (fingerprint(os.path.join(WORK, folder), "xcp2") for folder in ("certs", "others"))
    code, out, err = p.status()
    assert code == 3 and out == "", (code, out)
    see(re.escape(old), err)
    see(re.escape(new), err)
    see(r"--accept-certificate", err)
    p.tls("certs")
    code, out, err = p.status()
    assert code == 0, (code, err)


@case
def wrong_places(p):
    """status at addresses where no pool is: each says what is wrong, and code 3"""
    def at(target, *options):
        done = subprocess.run([BINARY, "status", target, "--timeout", "6", *options], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=60, env=p.env())
        assert done.returncode == 3 and done.stdout == "", (target, done.returncode, done.stdout, done.stderr)
        not_see("(?i)panick|RUST_", done.stderr)
        return done.stderr
    see(r"(?i)refused|nothing listens", at("127.0.0.99:9"))
    see(r"(?i)TLS|plain|no answer", at(f"127.0.0.2:{p.plain}"))
    see(r"(?i)password|plain", at("http://192.0.2.1"))
    see(r"(?i)no such host|not known|resolve|name", at("no-such-host.invalid"))


@case
def killed_sessions(p):
    """kill-sessions: logged in again, everything read again, no gate flaps, no host called unknown for long"""
    s = p.stream()
    at = ready(s)
    time.sleep(12)
    s.never(NO, 0)
    for _ in range(2):
        mark = s.mark()
        p.do("kill-sessions")
        time.sleep(14)
        said = s.since(mark)
        s.never(NO + r"|silent|not heard|down|host \S+: |host \S+ \(|alert", mark)
        assert s.times(CANNOT, mark) <= 1, said
        if s.times(CANNOT, mark):
            s.wait(YES, 5, mark)
    s.never(r"left the pool", at)


@case
def member_by_certificate_changed_while_followed(p):
    """stream while the coordinator's certificate changes: refused, said with both fingerprints, code 3"""
    s = p.stream()
    mark = ready(s)
    p.tls("others")
    s.wait(r"connection: .*certificate", 60, mark)
    s.wait(re.escape(fingerprint(os.path.join(WORK, "others"), "xcp1")), 5, mark)
    s.process.wait(20)
    assert s.process.returncode == 3, s.process.returncode


@case
def coordinator_toolstack(p):
    """restart-toolstack of the coordinator: lost in words, back, and no YES before all was read and answered"""
    s = p.stream()
    ready(s)
    time.sleep(3)
    mark = s.mark()
    p.do("restart-toolstack")
    lost = s.wait(LOST, 20, mark)
    s.wait(CANNOT, 3, mark)
    back = s.wait(r"connection: connected", 60, lost)
    s.never(YES, mark, back - 1)
    s.never(r"left the pool|silent", mark)
    s.wait(YES, 150, back)
    s.never(r"xcp[234].*(silent|down)", mark)


@case
def member_toolstack(p):
    """restart-toolstack of a member: it is said of that host only, and the gate waits for it"""
    s = p.stream()
    mark = ready(s)
    p.do("restart-toolstack host=xcp3")
    no = s.wait(NO + ".*xcp3", 30, mark)
    s.wait(YES, 150, no)
    s.never(r"connection:|host xcp[124]: (down|silent)|left the pool", mark)


@case
def member_dies_silently(p):
    """crash of a member: NO within 20 s although xapi calls it live; silent; after power-on back, settled, YES"""
    s = p.stream()
    ready(s)
    time.sleep(5)
    mark = s.mark()
    p.do("crash host=xcp3")
    no = s.wait(NO + ".*xcp3", 20, mark)
    s.wait(r"host xcp3: silent .*live = true", 20, mark)
    code, out, err = p.status()
    assert code == 2, (code, out, err)
    see(r"next host: NO", out)
    see(r"host xcp3: silent", out)
    s.never(YES, mark)
    p.do("power-on host=xcp3")
    back = s.wait(r"host xcp3: (back|starting|plugging)", 90, no)
    s.wait(NO + ".*(settle|came back|back for|quiet|plug|start)", 30, no)
    yes = s.wait(YES, 240, back)
    s.never(YES, mark, yes - 1)
    s.never(r"host xcp[124].*(silent|down|unknown)", mark)


@case
def rebuild(p):
    """a host with mirrors resets: NO until the rebuild has ended and 60 s were quiet"""
    s = p.stream()
    ready(s)
    time.sleep(5)
    mark = s.mark()
    p.do("reset host=xcp2")
    no = s.wait(NO + ".*xcp2", 20, mark)
    begun = s.wait(r"rebuild of xostor", 150, no)
    s.wait(NO + ".*(?i:rebuil)", 10, no)
    ended = s.wait(r"rebuild of xostor: .*(?i:ended|done|over|quiet|complete)", 120, begun)
    at = time.monotonic()
    yes = s.wait(YES, 150, ended)
    quiet = time.monotonic() - at
    assert quiet >= 55, f"open {quiet:.0f} s after the rebuild ended"
    s.never(YES, mark, yes - 1)


@case
def coordinator_dies(p):
    """crash of the coordinator: lost in words, no YES, recovers by itself on its return"""
    s = p.stream(host=3)
    ready(s)
    time.sleep(3)
    mark = s.mark()
    p.do("crash host=xcp1")
    cannot = s.wait(CANNOT, 45, mark)
    s.wait(LOST, 45, mark)
    code, out, err = p.status("--timeout", "8", host=3)
    assert code == 3, (code, out, err)
    assert err.strip() or out.strip()
    p.do("power-on host=xcp1")
    back = s.wait(r"connection: connected", 120, cannot)
    s.never(YES, mark, back - 1)
    yes = s.wait(YES, 240, back)
    s.never(r"left the pool", mark)
    said = s.since(back)[:yes - back]
    assert any(re.search(NO, line) for line in said), said
    assert any(re.search(r"host xcp1 .*: back for", line) for line in said), said


@case
def front_goes_away(p):
    """nothing listens for 31 s, as while xapi restarts: lost in words, tries go on, back"""
    s = p.stream()
    mark = ready(s)
    end(p.front)
    lost = s.wait(LOST, 20, mark)
    s.wait(CANNOT, 3, mark)
    s.quiet(YES + r"|silent|left the pool", 31, lost)
    p.tls("certs")
    back = s.wait(r"connection: connected", 60, lost)
    s.wait(YES, 30, back)


@case
def paths(p):
    """a path is lost and comes back; then all of them: NO"""
    s = p.stream()
    mark = ready(s)
    p.do("fail-path host=xcp2")
    s.wait(r"paths of xcp2 to \S+: 1 of 2 up", 30, mark)
    code, out, err = p.status()
    assert code == 1, (code, out, err)
    see(r"1 of 2|5/6", out)
    p.do("repair-path host=xcp2")
    again = s.wait(r"paths of xcp2 to \S+: 2 of 2 up", 30, mark)
    s.never(NO, mark, again)
    mark = s.mark()
    p.do("fail-path host=xcp2 paths=2")
    no = s.wait(NO + ".*xcp2", 30, mark)
    code, out, err = p.status()
    assert code == 2, (code, out, err)
    p.do("repair-path host=xcp2")
    s.wait(YES, 120, no)


@case
def little_rights(p):
    """stream as read-only user: the same answers, and no complaint"""
    s = p.stream(user="read-only")
    mark = ready(s)
    time.sleep(20)
    s.never(NO + "|" + CANNOT + "|PERMISSION|unknown|silent", mark)
    p.do("crash host=xcp4")
    s.wait(NO + ".*xcp4", 20, mark)


@case
def many_guests(p):
    """64 hosts and 2,000 guests: an answer within 10 s, and it stays"""
    begun = time.monotonic()
    s = p.stream()
    at = s.wait(YES + "|" + NO, 10)
    took = time.monotonic() - begun
    s.wait(YES, 10)
    time.sleep(25)
    s.never(NO + "|" + r"silent|left the pool", at)
    assert s.times(CANNOT, at) == 0, s.since(at)
    mark = s.mark()
    p.do("kill-sessions")
    time.sleep(15)
    s.never(NO + "|silent|not heard|left the pool", mark)
    code, out, err = p.status()
    assert code in (0, 1), (code, out, err)
    see(r"64 hosts", out)
    return f"first answer after {took:.1f} s"


OPTIONS = {"many_guests": dict(scenario="big", hosts=64, certs="big")}


def attempt(body):
    begun = time.monotonic()
    pool, said = None, ""
    try:
        pool = Pool(body.__name__, *(("--vms", "2000") if body is many_guests else ()), **OPTIONS.get(body.__name__, {}))
        said = body(pool) or ""
        ok = True
    except Exception as error:  # a failed case must not hide the others
        said, ok = f": {type(error).__name__} {error}", False
    finally:
        if pool:
            pool.close()
    print(f"{'ok   ' if ok else 'FAIL '} {body.__doc__} ({time.monotonic() - begun:.0f} s) {said}", flush=True)
    return ok


def main():
    if not STUNNEL:
        sys.exit("trial.py needs stunnel4 (Debian: apt-get install stunnel4)")
    chosen = [body for body in CASES if not ONLY or re.search(ONLY, body.__name__)]
    certificates(os.path.join(WORK, "certs"), [f"xcp{n}" for n in range(1, 5)])
    certificates(os.path.join(WORK, "others"), [f"xcp{n}" for n in range(1, 5)])
    if many_guests in chosen:
        certificates(os.path.join(WORK, "big"), [f"xs{n:02}" for n in range(1, 65)])
    begun = time.monotonic()
    # The long ones first; the big one by itself, so that nothing else takes its time.
    results = [attempt(many_guests)] if many_guests in chosen else []
    with ThreadPoolExecutor(16) as threads:
        results += threads.map(attempt, [body for body in chosen if body is not many_guests])
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed ({time.monotonic() - begun:.0f} s)")
    if all(results):
        shutil.rmtree(WORK, ignore_errors=True)
    sys.exit(0 if all(results) else 1)


main()
