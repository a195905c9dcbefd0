"""Says what a mininet Topo of somebody's own builds: `topo.py FILE CLASS` prints it as JSON, or why it cannot."""
from __future__ import annotations

import importlib.util
import json
import os
import sys
import traceback
from typing import Any

from mininet.topo import Topo

# What only says how mininet is to do it: names of interfaces, hardware addresses, classes.
UNHEEDED = {"node1", "node2", "port1", "port2", "intfName1", "intfName2", "addr1", "addr2", "params1", "params2", "cls", "cls1", "cls2", "intf", "fast"}


class NotThere(Exception):
    """No class of this name; these are there."""

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self.names = names


def topo_of(path: str, name: str) -> Topo:
    """An instance of the class, or of what stands under this name in `topos`, as for mn --custom."""
    spec = importlib.util.spec_from_file_location("topo_of_somebody", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    spec.loader.exec_module(module)
    topos: dict[str, Any] = getattr(module, "topos", {})
    classes = {key: its for key, its in vars(module).items() if isinstance(its, type) and issubclass(its, Topo) and its.__module__ == module.__name__}
    make = classes.get(name) or topos.get(name) or getattr(module, name, None)
    if make is None:
        raise NotThere([*classes, *topos])
    topo = make()
    if not isinstance(topo, Topo):
        raise TypeError(f"{name} is no mininet.topo.Topo")
    return topo


def described(topo: Topo) -> dict[str, Any]:
    return {
        "hosts": [{"name": host, "ip": topo.nodeInfo(host).get("ip")} for host in topo.hosts()],
        "switches": topo.switches(),
        "links": [
            {
                "ends": [{"node": info[f"node{i}"], "port": info[f"port{i}"], "ip": (info.get(f"params{i}") or {}).get("ip")} for i in (1, 2)],
                "options": {key: value if isinstance(value, (int, float, str)) else str(value) for key, value in info.items() if key not in UNHEEDED and value is not None},
            }
            for _, _, info in topo.links(sort=True, withInfo=True)
        ],
    }


def main(path: str, name: str) -> dict[str, Any]:
    try:
        return described(topo_of(path, name))
    except NotThere as error:
        return {"there": error.names}
    except Exception as error:  # pylint: disable=broad-except
        return failure(error, path)


def failure(error: Exception, path: str) -> dict[str, Any]:
    """With the last line of the user's file that was at work."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    return {"error": f"{type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}", "line": line}


if __name__ == "__main__":
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the file prints is for people
    print(json.dumps(main(*sys.argv[1:])), file=out, flush=True)
