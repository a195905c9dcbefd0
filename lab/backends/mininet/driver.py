"""Builds networks with mininet's own classes for the lab, and hands back the process ids of their nodes.

JSON lines: a request a line on standard input, its answer on standard output, one after the other; driver.ts is the other side, and each
checks what the other says. Standard error is for people. Descriptors 3, 4 and 5 are the lab's own standard streams, for the prompt. It
ends when its input does. It is for namespaces of the lab's own: the names of bridges are taken in the one that it runs in.
"""
from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from typing import Any, TextIO, get_args, get_origin, get_type_hints

from mininet.link import Intf, TCIntf
from mininet.log import setLogLevel
from mininet.net import VERSION, Mininet
from mininet.node import Node
from mininet.nodelib import LinuxBridge

from prompt import open_prompt

PROTOCOL = 1


class Refused(Exception):
    """A request that cannot be carried out: what is wrong, in a sentence."""


@dataclass
class Hosts:
    """Make these nodes, each in a namespace of its own; the answer is their pids."""

    names: list[str]


@dataclass
class Segment:
    name: str
    mtu: int


@dataclass
class Impairment:
    """What tc-netem does to what leaves an interface: microseconds, and packets in a million."""

    delay: int
    jitter: int
    loss: int


@dataclass
class Cable:
    """From an interface of a host to a port of a segment's bridge."""

    host: str
    interface: str
    addresses: list[str]
    segment: str
    port: str
    impairment: Impairment


@dataclass
class Route:
    host: str
    to: str
    via: str


@dataclass
class Wiring:
    """Wire the nodes up; everything is up when the answer comes."""

    segments: list[Segment]
    cables: list[Cable]
    routes: list[Route]


@dataclass
class Prompt:
    """Open mininet's prompt on a terminal, or give it a script; the answer comes when it is left."""

    output: str


@dataclass
class Stop:
    """Take everything down."""


def checked(kind: Any, value: Any, where: str) -> Any:
    """The value as this type: a str, an int, a list, or a dataclass of these."""
    if is_dataclass(kind):
        fields = get_type_hints(kind)
        if not isinstance(value, dict) or value.keys() != fields.keys():
            raise Refused(f"{where}: expected {', '.join(fields) or 'nothing'}, not {json.dumps(value)}")
        return kind(**{name: checked(its, value[name], f"{where}.{name}") for name, its in fields.items()})
    if get_origin(kind) is list:
        if not isinstance(value, list):
            raise Refused(f"{where}: expected a list, not {json.dumps(value)}")
        return [checked(get_args(kind)[0], item, f"{where}[{i}]") for i, item in enumerate(value)]
    if type(value) is not kind:
        raise Refused(f"{where}: expected {kind.__name__}, not {json.dumps(value)}")
    return value


def run(node: Node, *argv: str) -> None:
    """Runs a program at a node; what it complains of is a refusal."""
    _, complaint, status = node.pexec(list(argv))
    if status != 0:
        raise Refused(f"{node.name}: {' '.join(argv)}: {complaint.strip()}")


class Network:
    def __init__(self) -> None:
        Mininet.inited = True  # it would ask for user id 0 and raise the limits of the whole machine
        self.net = Mininet(switch=LinuxBridge, controller=None)

    def hosts(self, about: Hosts) -> dict[str, int]:
        return {name: self.net.addHost(name, ip=None).pid for name in about.names}

    def wire(self, about: Wiring) -> None:
        for number, segment in enumerate(about.segments, 1):
            self.net.addSwitch(segment.name, dpid=f"{number:x}")
        mtus = {segment.name: segment.mtu for segment in about.segments}
        for cable in about.cables:
            self.plug(cable, mtus[cable.segment])
        self.net.start()
        for switch in self.net.switches:
            run(switch, "ip", "link", "set", switch.name, "type", "bridge", "mcast_snooping", "0")
            for port in switch.intfNames():
                if port != "lo":  # brctl's own complaints nobody hears
                    run(switch, "ip", "link", "set", port, "master", switch.name)
        for route in about.routes:
            run(self.net[route.host], "ip", "route", "add", route.to, "via", route.via)

    def plug(self, cable: Cable, mtu: int) -> None:
        host, switch = self.net[cable.host], self.net[cable.segment]
        impaired = traffic_control(cable.impairment)
        link = self.net.addLink(host, switch, intfName1=cable.interface, intfName2=cable.port, cls1=TCIntf if impaired else Intf, cls2=Intf)
        if mtu != 1500:
            run(host, "ip", "link", "set", cable.interface, "mtu", str(mtu))
            run(switch, "ip", "link", "set", cable.port, "mtu", str(mtu))
        for address in cable.addresses:
            if ":" in address:  # mininet's interfaces know IPv4 only
                run(host, "ip", "address", "add", address, "dev", cable.interface, "nodad")
            elif complaint := link.intf1.setIP(address):
                raise Refused(f"{cable.host}: {address} at {cable.interface}: {complaint.strip()}")
        if impaired and (complaint := "".join(link.intf1.config(txo=False, rxo=False, **impaired)["tcoutputs"])):
            raise Refused(f"{cable.host}: {cable.interface}: {complaint.strip()}")

    def prompt(self, about: Prompt) -> None:
        open_prompt(self.net, terminal=3, out=4 if about.output == "stdout" else 5)

    def stop(self, _: Stop) -> None:
        self.net.stop()


def traffic_control(impairment: Impairment) -> dict[str, Any]:
    """As mininet's interfaces with traffic control are told; empty where there is nothing to do."""
    if impairment.delay == impairment.jitter == impairment.loss == 0:
        return {}
    return {"delay": f"{impairment.delay}us", "jitter": f"{impairment.jitter}us", "loss": impairment.loss / 10_000}


def serve(requests: TextIO, answer: Callable[[dict[str, Any]], None]) -> None:
    answer({"protocol": PROTOCOL, "mininet": VERSION, "python": platform.python_version()})
    network = Network()
    what: dict[str, tuple[type, Callable[[Any], Any]]] = {
        "hosts": (Hosts, network.hosts),
        "wire": (Wiring, network.wire),
        "prompt": (Prompt, network.prompt),
        "stop": (Stop, network.stop),
    }
    for line in requests:
        try:
            request = json.loads(line)
            kind, act = what[request["ask"]]
            about = checked(kind, request["about"], request["ask"])
        except (ValueError, KeyError, TypeError):
            answer({"error": f"no request: {line.strip()}"})
            continue
        except Refused as refusal:
            answer({"error": str(refusal)})
            continue
        try:
            answer({"answer": act(about)})
        except Exception as error:  # pylint: disable=broad-except
            answer({"error": str(error) or type(error).__name__})
        if request["ask"] == "stop":
            return


if __name__ == "__main__":
    setLogLevel("error")
    # What mininet, or a program that it starts, prints must not come between the answers.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    requests = os.fdopen(os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    def say(message: dict[str, Any]) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    serve(requests, say)
