"""A server that never answers: UDP questions are left lying, TCP connections are accepted and left alone."""

import signal
import socket
import sys


def open_port(address, kind):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    opened = socket.socket(family, kind)
    opened.bind((address, 53))
    if kind == socket.SOCK_STREAM:
        opened.listen()
    return opened


def main():
    ports = [open_port(address, kind)
             for address in sys.argv[1:] for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)]
    signal.pause()
    return ports


if __name__ == "__main__":
    main()
