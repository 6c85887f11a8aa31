"""What the comparison is made of: captures read from files, requests sent as raw bytes, bodies as typed values."""

import json
import re
import socket
import xml.etree.ElementTree as ET
from urllib.parse import urlsplit


class Capture:
    """One request and its response, as bytes were sent."""

    def __init__(self, path):
        self.name = path.stem
        text = path.read_bytes()
        request, response = text.split(b"\n\n<<< RESPONSE\n", 1)
        self.request = request.removeprefix(b">>> REQUEST\n")
        self.head, self.body = split(response)

    def request_parts(self):
        head, body = self.request.split(b"\r\n\r\n", 1)
        found = re.search(rb"(?im)^content-length: *(\d+)", head)
        # What the capture shows after the body is not part of it.
        return head.decode(), body[: int(found[1])] if found else body


def split(response):
    head, body = response.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    length = next((int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:")), len(body))
    return lines, body[:length].decode()


def exchange(url, request, timeout=90):
    """Sends bytes, returns (head lines, body)."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=timeout) as wire:
        wire.sendall(request)
        received = b""
        while b"\r\n\r\n" not in received:
            more = wire.recv(65536)
            if not more:
                raise ConnectionError(f"connection ended after {received!r}")
            received += more
        head = received.split(b"\r\n\r\n", 1)[0]
        found = re.search(rb"(?im)^content-length: *(\d+)", head)
        length = len(head) + 4 + int(found[1] if found else 0)
        while len(received) < length:
            more = wire.recv(65536)
            if not more:
                raise ConnectionError("connection ended in the middle of a body")
            received += more
        return split(received)


class Int32(int):
    """An `<i4>` of XML-RPC."""


class Date(str):
    """A `<dateTime.iso8601>` of XML-RPC."""


def parse(head, body):
    """A body as a typed value; text stays text."""
    kind = next((line.split(":", 1)[1].strip() for line in head if line.lower().startswith("content-type:")), "")
    if kind == "application/json":
        return json.loads(body)
    if kind == "text/xml" and "<methodResponse>" in body:
        return xml_value(ET.fromstring(body).find("./params/param/value"))
    if kind == "text/xml":
        return rrd_tree(ET.fromstring(body))
    return body


def rrd_tree(element):
    """The XML of /rrd_updates in the shape of its JSON."""
    meta = {child.tag: child.text for child in element.find("meta") if child.tag != "legend"}
    meta["legend"] = [entry.text for entry in element.find("meta/legend")]
    rows = [{"t": row.find("t").text, "values": [v.text for v in row.findall("v")]} for row in element.find("data")]
    return {"meta": meta, "data": rows}


def xml_value(value):
    if len(value) == 0:
        return value.text or ""
    typed = value[0]
    text = typed.text or ""
    match typed.tag:
        case "struct":
            return {member.find("name").text: xml_value(member.find("value")) for member in typed.findall("member")}
        case "array":
            return [xml_value(item) for item in typed.findall("./data/value")]
        case "boolean":
            return text == "1"
        case "double":
            return float(text)
        case "dateTime.iso8601":
            return Date(text)
        case "i4":
            return Int32(text)
    raise ValueError(f"xapi never sends <{typed.tag}>")


REF = re.compile(r"OpaqueRef:")
DATE = re.compile(r"\d{8}T\d\d:\d\d:\d\dZ$")
TOKEN = re.compile(r"\d{20},\d{20}$")
FLOAT_TEXT = re.compile(r"(-?\d+(\.\d+)?(e[-+]?\d+)?|-?Infinity|NaN)$")


def kind(value):
    """What a client can tell about a value without knowing what it means."""
    match value:
        case bool():
            return "bool"
        case Int32():
            return "i4"
        case int():
            return "int"
        case float():
            return "float"
        case None:
            return "null"
        case Date():
            return "dateTime"
        case str():
            for name, pattern in (("ref", REF), ("date", DATE), ("token", TOKEN)):
                if pattern.match(value):
                    return name
            return "text"
        case list():
            return "list"
        case dict():
            return "map"
    raise TypeError(type(value))


class Shape:
    """What was seen at one place of xapi's answers: kinds of values, fields with their shapes, which are always there."""

    def __init__(self, name, free_maps):
        self.name, self.free_maps = name, free_maps
        self.kinds, self.fields, self.items = set(), {}, {}
        self.always = None

    def learn(self, value):
        self.kinds.add(kind(value))
        if isinstance(value, list):
            for item in value:
                self.items.setdefault(event_of(item), Shape(self.name, self.free_maps)).learn(item)
        elif isinstance(value, dict):
            if self.is_free(value):
                for item in value.values():
                    self.fields.setdefault("*", Shape("*", self.free_maps)).learn(item)
                return self
            self.always = set(value) if self.always is None else self.always & set(value)
            for key, item in value.items():
                self.fields.setdefault(key, Shape(key, self.free_maps)).learn(item)
        return self

    def is_free(self, value):
        """Whether keys are data: a map field, or objects by their references."""
        return self.name in self.free_maps or any(REF.match(key) for key in value)

    def differences(self, path, ours):
        """How `ours` differs in shape from what xapi was seen to send at this place. Yields (path, text)."""
        mine = kind(ours)
        # Free text may look like anything.
        if mine not in self.kinds and not (self.kinds == {"text"} and mine in ("date", "ref", "token")):
            yield path, f"is {mine} ({str(ours)[:60]!r}), xapi sends {' or '.join(sorted(self.kinds))}"
        elif mine == "list":
            for item in ours if self.items else ():
                event = event_of(item)
                if event not in self.items:
                    yield f"{path}[{' '.join(event or ('plain',))}]", "xapi sent none here"
                else:
                    yield from self.items[event].differences(f"{path}[]", item)
        elif mine == "map" and (self.is_free(ours) or "*" in self.fields):
            for value in ours.values() if "*" in self.fields else ():
                yield from self.fields["*"].differences(f"{path}.*", value)
        elif mine == "map":
            for key in sorted((self.always or set()) - set(ours)):
                yield f"{path}.{key}", "is missing"
            for key, value in ours.items():
                if key in self.fields:
                    yield from self.fields[key].differences(f"{path}.{key}", value)
                else:
                    yield f"{path}.{key}", "is not sent by xapi"


def event_of(item):
    """Class and operation of an event: each has a shape of its own."""
    if isinstance(item, dict) and "operation" in item and "class" in item:
        return item["class"], item["operation"]
    return None
