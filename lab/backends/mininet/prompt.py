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
from types import FrameType

from mininet.cli import CLI
from mininet.log import setLogLevel
from mininet.net import Mininet


class HungUp(Exception):
    """The lab wants the prompt closed."""


def open_prompt(net: Mininet, terminal: int, out: int) -> None:
    """Returns when the prompt is left, or the script has run; SIGTERM closes it."""
    CLI.readlineInited = True  # no file in anybody's home folder
    usual = signal.signal(signal.SIGTERM, hang_up)
    try:
        (on_terminal if os.isatty(terminal) else from_script)(net, terminal, out)
    finally:
        signal.signal(signal.SIGTERM, usual)


def hang_up(_signal: int, _frame: FrameType | None) -> None:
    raise HungUp


def on_terminal(net: Mininet, terminal: int, out: int) -> None:
    child, master = pty.fork()
    if child == 0:
        import readline  # noqa: F401  pylint: disable=import-outside-toplevel,unused-import

        become(lambda: CLI(net))
    try:
        relay(terminal, out, master)
    finally:
        os.close(master)  # which ends the prompt, if it is there still
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
        try:
            os.waitpid(child, 0)
        except HungUp:
            os.kill(child, signal.SIGTERM)
            raise


def become(prompt: Callable[[], object]) -> None:
    """The rest of a forked process's life. The nodes' shells are its parent's, too."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    setLogLevel("output")
    sys.stdout.reconfigure(line_buffering=True)
    try:
        prompt()
    finally:
        sys.stdout.flush()
        os._exit(0)


def relay(terminal: int, out: int, master: int) -> None:
    """
    Between a terminal and the prompt's own. What is typed goes through as it is, Ctrl-C too: from the lab's terminal it would end the lab,
    here it ends what runs at a node.
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
                if not typed:
                    return
                os.write(master, typed)
    except OSError:  # one of the two has gone
        return
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, manners)
