"""Small disks that a test may fill: the program gets a mount namespace of its own, in which folders are file systems of a few megabytes.

Nothing of the machine changes, and neither root nor a clean-up is needed: they are gone with the last process inside.
"""

import errno
import json
import os
import subprocess
import sys

# The first line to come out says that all is mounted.
SETUP = 'for m in "$@"; do mount -t tmpfs -o "size=${m%%:*}" tmpfs "${m#*:}" || exit 1; done; echo mounted; exec sleep 3600'


# SQLite resolves every link in a path, also the one that leads inside: so the one who asks has to be inside.
ASK = """
import json, sqlite3, sys
path, sql, args = json.load(sys.stdin)
db = sqlite3.connect(path, timeout=10, isolation_level=None)
db.row_factory = sqlite3.Row
print(json.dumps([dict(row) for row in db.execute(sql, args)]))
"""


class Cage:
    def __init__(self, sizes):
        """sizes: {folder, which exists: "32m"}"""
        root = os.geteuid() == 0
        self.holder = subprocess.Popen(["unshare", "-m" if root else "-rm", "sh", "-c", SETUP, "sh",
                                        *(f"{size}:{folder}" for folder, size in sizes.items())],
                                       stdout=subprocess.PIPE, text=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        assert self.holder.stdout.readline() == "mounted\n", "no small file system can be mounted here"
        user = [] if root else ["-U", "--preserve-credentials"]
        self.command = ["nsenter", "-t", str(self.holder.pid), "-m", *user, "--"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()

    def seen(self, path):
        """Where we find from outside what has this path inside."""
        return f"/proc/{self.holder.pid}/root{path}"

    def fill(self, folder):
        """Until not a byte more goes in."""
        path = os.path.join(self.seen(folder), "filler")
        with open(path, "ab", buffering=0) as f:
            for piece in (1 << 20, 1 << 12):
                try:
                    while True:
                        f.write(bytes(piece))
                except OSError as error:
                    assert error.errno == errno.ENOSPC

    def empty(self, folder):
        os.unlink(os.path.join(self.seen(folder), "filler"))

    def rows(self, file, sql, *args):
        done = subprocess.run([*self.command, sys.executable, "-c", ASK], input=json.dumps([file, sql, args]), capture_output=True,
                              text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
