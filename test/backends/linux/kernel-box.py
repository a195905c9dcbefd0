"""A router of two TUN devices in a network namespace of its own, driven by JSON lines: what the kernel's NAT does to whole IP packets.

Requests: {"op": "load", "ruleset": ..., "sysctls": {...}}, {"op": "flush"}, {"op": "send", "side": "inside", "hex": ..., "patience": seconds}.
Each is answered by one line. It ends with its standard input, and the namespace with it.
"""
import fcntl, json, os, select, struct, subprocess, sys, time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def tun(name, *commands):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    run("sysctl", "-qw", f"net.ipv6.conf.{name}.disable_ipv6=1", check=False)
    for command in commands:
        run("ip", *command.split())
    return fd


def run(*argv, check=True, text=None):
    done = subprocess.run(argv, input=text, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}")


def load(request):
    for name, value in request["sysctls"].items():
        with open("/proc/sys/" + name.replace(".", "/"), "w") as file:
            file.write(value)
    run("nft", "-f", "-", text=request["ruleset"])
    run("conntrack", "-F")
    return {}


def send(request):
    for fd in sides.values():
        while receive(fd):
            pass
    os.write(sides[request["side"]], bytes.fromhex(request["hex"]))
    until = time.monotonic() + request["patience"]
    while True:
        ready, _, _ = select.select(list(sides.values()), [], [], max(0, until - time.monotonic()))
        for side, fd in sides.items():
            packet = fd in ready and receive(fd)
            if packet and packet[0] >> 4 == 4:
                return {"to": side, "hex": packet.hex()}
        if not ready:
            return {}


def receive(fd):
    try:
        return os.read(fd, 65536)
    except BlockingIOError:
        return b""


run("ip", "link", "set", "lo", "up")
sides = {
    "inside": tun("inside", "link set inside up", "addr add 10.255.255.1/8 dev inside"),
    "outside": tun("outside", "link set outside up", "addr add 203.0.113.1/24 dev outside", "route add default dev outside"),
}
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {"load": load, "send": send, "flush": lambda _: run("conntrack", "-F") or {}}[request["op"]](request)
    except Exception as error:
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)
