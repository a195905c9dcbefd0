"""mininet's own prompt, on a terminal or fed with a script, while the lab goes on driving the nodes."""
from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import sys
import tempfile
import termios
import tty
from collections.abc import Callable

from mininet.cli import CLI
from mininet.log import setLogLevel
from mininet.net import Mininet


def open_prompt(net: Mininet, terminal: int, out: int) -> None:
    """Returns when the prompt is left, or the script has run."""
    CLI.readlineInited = True  # no file in anybody's home folder
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the terminal gets its manners back
    if os.isatty(terminal):
        on_terminal(net, terminal, out)
    else:
        from_script(net, terminal, out)


def on_terminal(net: Mininet, terminal: int, out: int) -> None:
    child, master = pty.fork()
    if child == 0:
        import readline  # noqa: F401  pylint: disable=import-outside-toplevel,unused-import

        become(lambda: CLI(net))
    relay(terminal, out, master)
    os.waitpid(child, 0)


def from_script(net: Mininet, commands: int, out: int) -> None:
    with tempfile.NamedTemporaryFile() as script, open(commands, "rb", closefd=False) as given:
        script.write(given.read())
        script.flush()
        child = os.fork()
        if child == 0:
            os.dup2(out, 1)
            os.dup2(out, 2)
            nobody_types, _ = os.pipe()
            become(lambda: CLI(net, stdin=os.fdopen(nobody_types), script=script.name))
        os.waitpid(child, 0)


def become(prompt: Callable[[], object]) -> None:
    """The rest of a forked process's life. The nodes' shells are its parent's, too."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    setLogLevel("output")
    sys.stdout.reconfigure(line_buffering=True)
    status = 1
    try:
        prompt()
        status = 0
    finally:
        sys.stdout.flush()
        os._exit(status)


def relay(terminal: int, out: int, master: int) -> None:
    """
    Between a terminal and the prompt's own. What is typed goes through as it is, Ctrl-C too: to the lab's terminal it would be the end of the
    lab, here it ends what runs at a node.
    """
    manners = termios.tcgetattr(terminal)
    tty.setraw(terminal)
    raw = termios.tcgetattr(terminal)
    raw[1] = manners[1]  # output as before, for whoever else writes
    termios.tcsetattr(terminal, termios.TCSANOW, raw)
    try:
        while True:
            fcntl.ioctl(master, termios.TIOCSWINSZ, fcntl.ioctl(terminal, termios.TIOCGWINSZ, bytes(8)))
            ready, _, _ = select.select([terminal, master], [], [], 0.5)
            if master in ready:
                os.write(out, os.read(master, 4096))
            if terminal in ready:
                typed = os.read(terminal, 4096)
                if not typed:  # hung up
                    return
                os.write(master, typed)
    except OSError:  # the prompt has gone
        return
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, manners)
        os.close(master)
