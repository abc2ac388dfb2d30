"""A network namespace in which nothing exists but loopback and the addresses of the lab's servers."""

import contextlib
import ctypes
import os
import subprocess

CLONE_NEWNET = 0x40000000           # linux/sched.h


def create(name, addresses):
    subprocess.run(["ip", "netns", "add", name], check=True)
    commands = ["link set lo up"]
    # Without nodad an IPv6 address cannot be used until the kernel has found out that nobody else has it.
    commands += [f"addr add {address}/{'128 dev lo nodad' if ':' in address else '32 dev lo'}" for address in addresses]
    subprocess.run(["ip", "-n", name, "-batch", "-"], input="\n".join(commands), text=True, check=True)


def delete(name):
    if exists(name):
        subprocess.run(["ip", "netns", "delete", name], check=True)


def exists(name):
    return os.path.exists(f"/run/netns/{name}")


def command_inside(name, command):
    return ["ip", "netns", "exec", name, *command]


def enter(name):
    """Moves the calling thread, and no other, into the namespace."""
    with open(f"/run/netns/{name}", "rb") as namespace:
        _set_namespace(namespace)


@contextlib.contextmanager
def inside(name):
    """Sockets that this thread opens meanwhile belong to the namespace."""
    with open("/proc/thread-self/ns/net", "rb") as before:
        enter(name)
        try:
            yield
        finally:
            _set_namespace(before)


def _set_namespace(file):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"setns: {os.strerror(error)}")
