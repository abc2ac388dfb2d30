"""A resolver between two others: hands on questions and answers over UDP, notes the former, may change either."""

import contextlib
import socket
import threading

import dns.exception
import dns.message
import dns.query
from client import REPLY_TIMEOUT_S

from lab import network

POLL_S = 0.1


class Relay(threading.Thread):
    """with Relay(lab.netns, "127.0.0.2", "127.0.0.1") as relay: …; relay.questions"""

    def __init__(self, netns, address, target, change_question=None, change_reply=None):
        """Both changes are functions that alter the message they get."""
        super().__init__()
        self.questions = []
        self._netns, self._target = netns, target
        self._changes = [change or (lambda message: None) for change in (change_question, change_reply)]
        self._is_over = threading.Event()
        with network.inside(netns):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 53))
        self._socket.settimeout(POLL_S)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self.join()
        self._socket.close()

    def run(self):
        network.enter(self._netns)
        while not self._is_over.is_set():
            with contextlib.suppress(TimeoutError, OSError, dns.exception.DNSException):
                wire, asking = self._socket.recvfrom(65535)
                self._socket.sendto(self._answer(dns.message.from_wire(wire)), asking)

    def _answer(self, question):
        self.questions.append(dns.message.from_wire(question.to_wire()))
        change_question, change_reply = self._changes
        change_question(question)
        reply = dns.query.udp(question, self._target, REPLY_TIMEOUT_S, ignore_unexpected=True)
        change_reply(reply)
        return reply.to_wire()
