#!/usr/bin/env python3
"""Our o2cb against the real one: the `o2cb` tool of Debian's ocfs2-tools.

usage: .ci/o2cb.py POOLWATCH

Shows that the tool accepts what we write and lists the same, that we read whatever it writes, that both accept and reject the same files,
odd ones included, and that a file which was only read or changed elsewhere keeps its bytes. Installs ocfs2-tools by its package name if it
is not there. Needs no kernel module: nothing is registered or started.
"""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

POOLWATCH = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else sys.exit(__doc__)
ENV = {**os.environ, "LC_ALL": "C", "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}
REGIONS = ["0C4AB55FE9314FA5A9F81652FDB9B22D", "77D95EF51C0149D2823674FCC162CF8B", "DCDA2845177F4D59A0F2DCD8DE507CC3"]
CHECKS = 0


def check(condition, what, *detail):
    global CHECKS
    CHECKS += 1
    if not condition:
        sys.exit("\n".join([f"FAILED: {what}", *map(str, detail)]))


def install():
    if shutil.which("o2cb", path=ENV["PATH"]):
        return
    subprocess.run(["apt-get", "update", "-qq"], check=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "install", "-y", "-qq", "ocfs2-tools"], check=True, env=environment, stdout=subprocess.DEVNULL)


class Host:
    """A root folder with a cluster.conf, for both programs."""

    def __init__(self, text=None):
        self.root = Path(tempfile.mkdtemp(prefix="o2cb-"))
        self.conf = self.root / "etc/ocfs2/cluster.conf"
        self.conf.parent.mkdir(parents=True)
        if text is not None:
            self.conf.write_bytes(text if isinstance(text, bytes) else text.encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.root)

    def tool(self, *args):
        done = subprocess.run(["o2cb", f"--config-file={self.conf}", *args], capture_output=True, env=ENV, timeout=60)
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def must(self, *args):
        code, out, err = self.tool(*args)
        check(code == 0, f"o2cb {' '.join(args)}", out, err, self.conf.read_text(errors="replace") if self.conf.exists() else "no file")
        return out

    def ours(self, *args, code=0):
        done = subprocess.run([POOLWATCH, "o2cb", "--root", str(self.root), *args], capture_output=True, timeout=60)
        check(done.returncode == code, f"poolwatch o2cb {' '.join(args)} gave {done.returncode}", done.stdout.decode(), done.stderr.decode())
        document = json.loads(done.stdout)
        check(document["schema"] == "poolwatch-o2cb/1" and document["exit_code"] == code, "the document", document)
        return document["result"]

    def accepted(self):
        """Whether the tool reads the file, and whether we say that it would."""
        code, _, _ = self.tool("list-clusters")
        done = subprocess.run([POOLWATCH, "o2cb", "check", str(self.conf)], capture_output=True, timeout=60)
        return code == 0, done.returncode == 0, json.loads(done.stdout)["result"]

    def listed(self):
        """What the tool lists: clusters with nodes and regions, without order."""
        clusters = {}
        for name in self.must("list-clusters").split():
            clusters[name] = stanzas(self.must("list-cluster", name))
        return clusters

    def read(self):
        """What we read, in the same form."""
        clusters = {}
        for cluster in self.ours("nodes")["clusters"]:
            name = cluster["name"]
            own = {"cluster", ("name", name), ("heartbeat_mode", cluster["mode"]), ("node_count", str(cluster["node_count"]))}
            rows = [frozenset(own)]
            for node in cluster["nodes"]:
                values = {("number", str(node["number"])), ("name", node["name"]), ("ip_address", node["address"])}
                rows.append(frozenset(values | {"node", ("ip_port", str(node["port"])), ("cluster", name)}))
            for region in cluster["heartbeats"]:
                rows.append(frozenset({"heartbeat", ("region", region["region"]), ("cluster", name)}))
            clusters[name] = sorted(rows, key=sorted_key)
        return clusters

    def same(self, what):
        check(self.listed() == self.read(), f"{what}: the tool and we list the same", self.listed(), self.read(), self.conf.read_text(errors="replace"))


def sorted_key(row):
    return sorted(map(str, row))


def stanzas(text):
    rows, row = [], None
    for line in text.splitlines():
        if line.endswith(":") and not line[:1].isspace():
            row = {line[:-1]}
            rows.append(row)
        elif "=" in line:
            name, value = line.split("=", 1)
            row.add((name.strip(), value.strip()))
    return sorted(map(frozenset, rows), key=sorted_key)


def the_tool_takes_what_we_write():
    with Host() as host:
        host.ours("new", "xspool", "--region", REGIONS[0])
        host.same("a new cluster")
        host.ours("new", "other", "--local")
        host.same("and another")
        host.must("remove-cluster", "other")
        host.must("add-heartbeat", "xspool", REGIONS[1])
        host.must("remove-heartbeat", "xspool", REGIONS[1])
        for number in range(4):
            added = host.ours("add", f"xs{number}.example.org", f"10.0.0.{10 + number}", "--uuid", f"u{number}")
            check(added["number"] == number and added["then"] == "register", "the lowest number", added)
            host.same(f"after adding xs{number}")
        host.ours("add", "far", "10.0.0.99", "--number", "254", "--port", "7778")
        host.same("after adding number 254")
        host.ours("add", "farther", "10.0.0.98", "--number", "255", code=2)
        code, _, _ = host.tool("add-node", "--ip", "10.0.0.98", "--number", "255", "xspool", "farther")
        check(code != 0, "the tool refuses number 255 as well")
        host.ours("remove", "u1", code=2)
        host.ours("remove", "xs1")
        host.same("after removing xs1")
        check("xs1" not in host.must("list-nodes", "xspool"), "the tool no longer sees xs1")
        check(host.ours("add", "new", "10.0.0.30")["number"] == 4, "the number of xs1 is held")
        # The tool rewrites the file and drops all comments; the number is held all the same.
        host.must("add-node", "--ip", "10.0.0.40", "--number", "100", "xspool", "theirs")
        check("#" not in host.conf.read_text(), "the tool drops comments")
        host.same("after the tool rewrote it")
        check(host.ours("nodes")["clusters"][0]["next_number"] == 5, "number 1 is still held")
        host.ours("add", "again", "10.0.0.41", "--number", "1", code=2)
        host.ours("forget", "1", "--all-restarted")
        check(host.ours("add", "again", "10.0.0.41")["number"] == 1, "after everybody has restarted it is free")
        host.same("at the end")


def we_read_what_the_tool_writes():
    chance = random.Random(4)
    for _ in range(25):
        with Host() as host:
            for cluster in ["alpha", "Beta2", "c" * 16][: chance.randint(1, 3)]:
                host.must("add-cluster", cluster)
                names = [f"{cluster.lower()}-n{number}" for number in range(chance.randint(0, 6))]
                for name, number in zip(names, chance.sample(range(255), len(names))):
                    address = f"10.{chance.randint(0, 255)}.{number}.{chance.randint(1, 254)}"
                    host.must("add-node", "--ip", address, "--port", str(chance.randint(1, 65534)), "--number", str(number), cluster, name)
                for region in chance.sample(REGIONS, chance.randint(0, 3)):
                    host.must("add-heartbeat", cluster, region)
                host.must("heartbeat-mode", cluster, chance.choice(["local", "global"]))
                if names:
                    host.must("remove-node", cluster, chance.choice(names))
            before = host.conf.read_bytes()
            host.same("a file of the tool's")
            accepts, we, found = host.accepted()
            check(accepts and we, "we find no error in what the tool wrote", found)
            name = host.ours("nodes")["clusters"][0]["name"]
            host.ours("add", "fresh", "192.168.7.7", "--cluster", name, "--dry-run")
            check(host.conf.read_bytes() == before, "a dry run and looking change nothing")
            added = host.ours("add", "fresh", "192.168.7.7", "--cluster", name)
            host.same("after we added one")
            host.ours("remove", str(added["number"]), "--cluster", name)
            host.ours("forget", str(added["number"]), "--cluster", name, "--all-restarted")
            check(host.conf.read_bytes().rstrip(b"\n") == before.rstrip(b"\n"), "added, removed, forgotten: the same bytes again", before, host.conf.read_bytes())


HEAD = "cluster:\n\tname = c\n\tnode_count = 1\n"
NODE = "node:\n\tnumber = 3\n\tname = a\n\tip_address = 10.0.0.3\n\tip_port = 7777\n\tcluster = c\n"

# Files that are odd; what the tool makes of them is what we must make of them.
ODD = {
    "empty": "",
    "only comments": "# nothing\n#\n",
    "no end of line": (HEAD + NODE)[:-1],
    "no blank lines at all": HEAD + NODE + NODE.replace("3", "4").replace("= a", "= b"),
    "many blank lines": "\n\n" + HEAD + "\n \n\t\n" + NODE + "\n\n",
    "blanks instead of tabs, none and many around =": HEAD.replace("\t", "   ").replace(" = ", "=") + NODE.replace(" = ", "   =\t  "),
    "blanks behind values and heads": HEAD.replace("\n", "  \n").replace("  \n", " \t \n") + NODE.replace("\n", " \n"),
    "comments everywhere": "#a\n" + HEAD.replace("\tname", "#x\n\tname") + "#b\n" + NODE.replace("\tip_port", "#\tnumber = 9\n\tip_port"),
    "an attribute twice": HEAD + NODE.replace("\tname", "\tnumber = 5\n\tname"),
    "unknown attributes and stanzas": HEAD + "\tcolour = green\n" + NODE + "future:\n\tx = y\n",
    "a value over several lines": HEAD + "\tnote = one \\\ntwo\\\n\n" + NODE,
    "a comment that a value swallows": HEAD + "\tnote = one \\\n# two\n" + NODE,
    "backslashes": HEAD + "\tnote = a\\b\\\\c \\ \n" + NODE,
    "carriage returns behind values": HEAD.replace("= c\n", "= c\r\n") + NODE,
    "carriage returns everywhere": (HEAD + NODE).replace("\n", "\r\n"),
    "leading zeros and a plus": HEAD + NODE.replace("= 3", "= +003"),
    "mode in capitals": HEAD + "\theartbeat_mode = GLOBAL\n" + NODE,
    "mode unknown": HEAD + "\theartbeat_mode = both\n" + NODE,
    "no count": HEAD.replace("\tnode_count = 1\n", "") + NODE,
    "count is no number": HEAD.replace("= 1", "= one") + NODE,
    "number with words": HEAD + NODE.replace("= 3", "= 3   <== the number"),
    "number in hexadecimal": HEAD + NODE.replace("= 3", "= 0x3"),
    "number empty": HEAD + NODE.replace("= 3", "="),
    "no address": HEAD + NODE.replace("\tip_address = 10.0.0.3\n", ""),
    "address of version 6": HEAD + NODE.replace("10.0.0.3", "fe80::3"),
    "address too large": HEAD + NODE.replace("10.0.0.3", "10.0.0.300"),
    "address with leading zeros": HEAD + NODE.replace("10.0.0.3", "10.0.0.03"),
    "no port": HEAD + NODE.replace("\tip_port = 7777\n", ""),
    "node without a name": HEAD + NODE.replace("\tname = a\n", ""),
    "name twice": HEAD + NODE + NODE.replace("= 3", "= 4"),
    "cluster twice": HEAD + HEAD + NODE,
    "node of another cluster": HEAD + NODE.replace("cluster = c", "cluster = d"),
    "node of no cluster": HEAD + NODE.replace("\tcluster = c\n", ""),
    "region without a name": HEAD + NODE + "heartbeat:\n\tcluster = c\n",
    "region twice": HEAD + NODE + 2 * f"heartbeat:\n\tcluster = c\n\tregion = {REGIONS[0]}\n",
    "attributes not indented": (HEAD + NODE).replace("\t", ""),
    "head indented": HEAD + " " + NODE,
    "head without colon": HEAD + NODE.replace("node:", "node"),
    "blank before the colon": HEAD + NODE.replace("node:", "node :"),
    "words behind the colon": HEAD + NODE.replace("node:", "node: # one"),
    "comment indented": HEAD + " # x\n" + NODE,
    "attribute without =": HEAD + "\tname\n" + NODE,
    "attribute with a dash": HEAD + "\tnode-count = 1\n" + NODE,
    "attribute after a blank line": HEAD + "\n\theartbeat_mode = local\n" + NODE,
    "attribute first": "\tname = c\n" + HEAD,
    "cut off in a name": HEAD + NODE + "heartbeat:\n\tclust",
    "byte order mark": "\ufeff" + HEAD,
    "UTF-8 in a value": HEAD + "\tnote = \u00fcber\n" + NODE,
    "Latin-1 in a comment": (HEAD + "# f\u00fcr\n" + NODE).encode("latin-1"),
    "bytes": bytes(range(1, 256)),
}
# Where we are stricter than the tool when it reads: the kernel refuses it when it is registered, or the tool loses what follows.
STRICTER = {
    "number 255": HEAD + NODE.replace("= 3", "= 255"),
    "number clash": HEAD + NODE + NODE.replace("= a", "= b").replace("0.3", "0.4"),
    "address clash": HEAD + NODE + NODE.replace("= a", "= b").replace("= 3", "= 4"),
    "port 0": HEAD + NODE.replace("7777", "0"),
    "port 65535": HEAD + NODE.replace("7777", "65535"),
    "name with a slash": HEAD + NODE.replace("= a", "= a/b"),
    "cluster's name with a dash": (HEAD + NODE).replace("= c", "= my-pool"),
    "a zero byte": (HEAD + "#\0\n" + NODE).encode(),
    "half written": HEAD + NODE[:-1] + "\\",
}


def uncounted(text):
    """The file without the number of its nodes."""
    return re.sub(rb"(node_count[ \t]*=[ \t]*)[0-9]+", rb"\1N", text)


def both_accept_and_reject_the_same():
    for what, text in ODD.items():
        with Host(text) as host:
            tool, ours, found = host.accepted()
            check(tool == ours, f"{what}: the tool says {tool}, we say {ours}", found, host.conf.read_bytes())
            if tool:
                host.same(what)
                before = host.conf.read_bytes()
                clusters = host.ours("nodes")["clusters"]
                if clusters:
                    host.ours("add", "fresh", "192.168.7.7")
                    after = host.conf.read_bytes()
                    check(uncounted(after).startswith(uncounted(before)), f"{what}: only the new node is added", before, after)
                    host.same(f"{what}, with one more node")
            else:
                before = host.conf.read_bytes()
                host.ours("add", "fresh", "192.168.7.7", code=2)
                check(host.conf.read_bytes() == before, f"{what}: what is not understood is not touched")
    for what, text in STRICTER.items():
        with Host(text) as host:
            tool, ours, _ = host.accepted()
            check(tool and not ours, f"{what}: the tool takes it ({tool}), and we warn ({not ours})")


def random_files():
    """Files of pieces thrown together: both accept the same, and list the same."""
    chance = random.Random(17)
    pieces = ["cluster:\n", "node:\n", "heartbeat:\n", "\n", " \n", "#\n", "# node:\n", "\tname = c\n", "\tnode_count = 1\n", "\tcluster = c\n", "\tnumber = 3\n",
              "\tip_port = 7777\n", "\tip_address = 10.0.0.3\n", "\tname = a \\\n", "\tx = \\\n", "\t y=1 \n", "z: \n", "\tregion = " + REGIONS[0] + "\n", "\r\n", " =\n", "\\\n"]
    accepted = 0
    for _ in range(400):
        parts = [HEAD] if chance.random() < 0.8 else []
        for _ in range(chance.randint(0, 8)):
            parts.append(NODE if chance.random() < 0.15 else chance.choice(pieces if chance.random() < 0.5 else pieces[:8]))
        with Host("".join(parts)) as host:
            tool, ours, found = host.accepted()
            stricter = {"half-written", "number-clash", "address-clash", "cluster-name", "node-name", "region", "port", "number-too-high"}
            errors = {problem["code"] for problem in found["problems"] if problem["severity"] == "error"}
            check(tool == ours or (tool and errors <= stricter), f"the tool says {tool}, we say {ours}", found, host.conf.read_bytes())
            if tool and ours:
                accepted += 1
                host.same("pieces thrown together")
    check(accepted > 40, f"enough of the random files are good ({accepted})")


install()
the_tool_takes_what_we_write()
we_read_what_the_tool_writes()
both_accept_and_reject_the_same()
random_files()
print(f"o2cb: {CHECKS} checks against the real tool")
