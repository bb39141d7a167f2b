"""An app that tries everything to get at another one, and tells what it got, as a JSON object, in its storage."""

import ctypes
import glob
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

VICTIM = os.environ.get("VICTIM", "victim")
#: Process ids of the victim, as its own computer's root knows them: the attacker may always guess.
PIDS = [int(word) for word in os.environ.get("VICTIM_PIDS", "").split()]
ROOT = f"/opt/potions/{VICTIM}"
libc = ctypes.CDLL(None, use_errno=True)


def everything_in_proc() -> str:
    found = []
    for folder in glob.glob("/proc/[0-9]*"):
        for name in ("environ", "cmdline", "maps", "mem"):
            try:
                data = Path(folder, name).read_bytes()[:100_000] if name != "mem" else b""
            except OSError:
                continue
            if b"s3cret" in data and b"SECRET=s3cret-of-victim" in data:
                found.append(f"{folder}/{name}")
    return " ".join(found)


def through_roots() -> str:
    found = []
    for pid in PIDS + [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()]:
        for way in (f"root{ROOT}", "cwd"):
            try:
                text = Path(f"/proc/{pid}/{way}/storage/letter.txt").read_text()
            except OSError:
                continue
            found.append(f"{pid}/{way}: {text}")
    return " ".join(found)


def read(path: str) -> str:
    return Path(path).read_text()


def connect(address: str) -> str:
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(2)
        one.connect(address)
        return one.recv(100).decode() or "connected"


def signals() -> str:
    hit = []
    for pid in PIDS:
        try:
            os.kill(pid, 0)
            hit.append(str(pid))
        except OSError:
            continue
    return " ".join(hit)


def ptrace() -> str:
    hit = [str(pid) for pid in PIDS if libc.ptrace(16, pid, None, None) == 0]
    return " ".join(hit)


def process_memory() -> str:
    hit = []
    for pid in PIDS:
        for name in ("mem", "environ", "maps", "auxv"):
            try:
                with open(f"/proc/{pid}/{name}", "rb") as file:
                    if name == "mem" or file.read(1):
                        hit.append(f"{pid}/{name}")
            except OSError:
                continue
    return " ".join(hit)


def system_v_memory() -> str:
    found = libc.shmget(4711, 4096, 0o666)
    if found < 0:
        return ""
    libc.shmat.restype = ctypes.c_void_p
    return ctypes.string_at(libc.shmat(found, None, 0), 20).decode(errors="replace")


def terminals() -> str:
    return " ".join(one for one in glob.glob("/dev/pts/[0-9]*") if os.access(one, os.R_OK))


def credentials() -> str:
    own = os.environ.get("CREDENTIALS_DIRECTORY", "")
    found = []
    for folder in glob.glob("/run/credentials/*"):
        for name in ("environment", "spec"):
            try:
                text = Path(folder, name).read_text(errors="replace")
            except OSError:
                continue
            if "s3cret-of-victim" in text or VICTIM in text:
                found.append(folder)
    return " ".join(one for one in found if one != own)


def what_systemd_says() -> str:
    done = subprocess.run(
        ["systemctl", "status", f"{VICTIM}-blue", "--no-pager"], capture_output=True, text=True, check=False
    )
    return done.stdout if "victim.py" in done.stdout else ""


def journal() -> str:
    done = subprocess.run(
        ["journalctl", "-u", f"{VICTIM}-blue", "-o", "cat"], capture_output=True, text=True, check=False
    )
    return "lines" if "victim speaks" in done.stdout else ""


def become_root() -> str:
    try:
        os.setuid(0)
    except OSError:
        return ""
    return "uid 0"


def own_namespace() -> str:
    return "a namespace" if libc.unshare(0x10000000) == 0 else ""


def swap_by_mount() -> str:
    return "mounted" if libc.mount(b"/", b"/tmp", None, 4096, None) == 0 else ""


ATTEMPTS: dict[str, Callable[[], str]] = {
    "its storage by its path": lambda: read(f"{ROOT}/storage/letter.txt"),
    "its directory": lambda: " ".join(os.listdir(ROOT)),
    "its environment file": lambda: read(f"{ROOT}/.env.blue"),
    "all apps": lambda: " ".join(set(os.listdir("/opt/potions")) - {Path.cwd().parent.name}),
    "everything in /proc": everything_in_proc,
    "its files through /proc": through_roots,
    "its memory": process_memory,
    "ptrace": ptrace,
    "signals": signals,
    "its socket by its path": lambda: connect(f"{ROOT}/storage/app.sock"),
    "its abstract socket": lambda: connect("\0victim"),
    "its temporary files": lambda: read("/tmp/letter.txt"),
    "a folder for locks of everybody": lambda: str(Path("/run/lock/hit").write_text("x")),
    "its shared memory": lambda: read("/dev/shm/letter"),
    "its System V memory": system_v_memory,
    "its credentials": credentials,
    "terminals": terminals,
    "what systemd says of it": what_systemd_says,
    "the journal": journal,
    "the agent's socket": lambda: connect("/run/potions/agent.sock"),
    "the dashboard's way to the agent": lambda: connect("/run/potions/web.sock"),
    "Caddy's admin socket": lambda: connect("/run/potions/caddy/admin.sock"),
    "the platform's state": lambda: " ".join(os.listdir("/var/lib/potions")),
    "the platform's settings": lambda: read("/etc/potions/potions.json"),
    "its own environment file": lambda: read("../.env.blue"),
    "its own kept releases": lambda: " ".join(os.listdir("../releases")),
    "writing beside its slots": lambda: str(Path("../own").write_text("x")),
    "writing to the system": lambda: str(Path("/etc/own").write_text("x")),
    "becoming root": become_root,
    "a user namespace": own_namespace,
    "a mount": swap_by_mount,
}


def attempt(way: Callable[[], str]) -> str:
    try:
        return way()
    except OSError:
        return ""


if __name__ == "__main__":
    got = {name: attempt(way) for name, way in ATTEMPTS.items()}
    if "everybody" in sys.argv:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        attempt(lambda: str(os.kill(-1, signal.SIGUSR1)))
    Path(os.environ["STORAGE_DIR"], "got.json").write_text(json.dumps(got, indent=1))
