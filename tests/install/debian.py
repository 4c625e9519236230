"""A bare Debian 12 in a folder, and commands in it, without any network but a loopback."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

CONFIGURATION = """
server.listen = ["127.0.0.1:53"]
server.state_directory = "/var/lib/lychgate"
upstream.servers = ["127.0.0.1:9"]
portal.listen = "127.0.0.1:8453"
"""


"""For a machine without a network: nobody can be asked, and blocked names are blocked."""


class Machine:
    """A bare Debian, and commands in it: with namespaces of its own, and a loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, script: str, seconds: float = 120) -> str:
        """What a shell script prints; it must succeed."""
        inside = f"ip link set lo up 2>/dev/null || python3 -c '{_LOOPBACK_UP}'\nset -e\n{script}"
        (self.folder / "trial/script").write_text(inside)
        outside = (
            f"mount -t proc proc {self.folder}/proc && "
            f"mount --rbind /dev {self.folder}/dev && "
            f"exec chroot {self.folder} sh /trial/script"
        )
        done = subprocess.run(
            ["unshare", "--net", "--mount", "--pid", "--ipc", "--fork", "--kill-child",
             "sh", "-c", outside],
            capture_output=True,
            text=True,
            timeout=seconds,
            env={"PATH": os.environ["PATH"], "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"},
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr


_LOOPBACK_UP = (
    "import fcntl, socket, struct; "
    "s = socket.socket(type=socket.SOCK_DGRAM); "
    'fcntl.ioctl(s, 0x8914, struct.pack("16sh", b"lo", 1))'
)
"""SIOCSIFFLAGS with IFF_UP: a bare Debian has no `ip`."""
