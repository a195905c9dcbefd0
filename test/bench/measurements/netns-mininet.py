"""Builds a plan (JSON on standard input) with mininet, pings once, stops it, and prints how long it took. In fresh namespaces only."""
import json
import sys
import time

from mininet.net import Mininet
from mininet.node import Host
from mininet.nodelib import LinuxBridge

plan = json.load(sys.stdin)
Mininet.inited = True  # it would raise the limits of the whole machine

started = time.monotonic()
net = Mininet(switch=LinuxBridge, controller=None)
switches = {name: net.addSwitch(f"s{i}") for i, name in enumerate(plan["segments"], 1)}
hosts = {}
for node in plan["nodes"]:
    host = hosts[node["name"]] = net.addHost(node["name"], cls=Host, ip=None)
    for interface in node["interfaces"]:
        net.addLink(host, switches[interface["segment"]], params1={"ip": interface["address"]})
net.start()
for node in plan["nodes"]:
    host = hosts[node["name"]]
    for route in node["routes"]:
        host.cmd(f"ip route add {route['to']} via {route['via']}")
    if node["forwards"]:
        host.cmd("sysctl -qw net.ipv4.ip_forward=1")
    if node["rules"]:
        rules = node["rules"]
        for i, interface in enumerate(node["interfaces"]):  # mininet's names of interfaces
            rules = rules.replace(f'"eth{i}"', f'"{node["name"]}-eth{i}"')
        host.cmd(f"nft -f - <<'.'\n{rules}\n.")
up = time.monotonic() - started

reached = hosts[plan["ping"]["from"]].cmd(f"ping -c 1 -W 2 {plan['ping']['to']} > /dev/null && echo reached").strip()

started = time.monotonic()
net.stop()
down = time.monotonic() - started
if reached != "reached":
    sys.exit("the first host does not reach the gateway")
print(json.dumps({"upMs": 1000 * up, "downMs": 1000 * down}))
