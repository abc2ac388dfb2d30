"""A resolver between two others: hands on questions and answers over UDP, notes the former, may change either."""

import socket

import dns.exception
import dns.message
import dns.query
from client import REPLY_TIMEOUT_S
from serving import Serving

from lab import network


class Relay(Serving):
    """with Relay(lab.netns, "127.0.0.2", "127.0.0.1") as relay: …; relay.questions"""

    BORNE = (OSError, dns.exception.DNSException)

    def __init__(self, netns, address, target, change_question=None, change_reply=None):
        """Both changes are functions that alter the message they get."""
        with network.inside(netns):
            listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listening.bind((address, 53))
        super().__init__(listening)
        self.questions = []
        self._netns, self._target = netns, target
        self._changes = [change or (lambda message: None) for change in (change_question, change_reply)]

    def run(self):
        network.enter(self._netns)
        super().run()

    def serve(self):
        wire, asking = self.listening.recvfrom(65535)
        self.listening.sendto(self._answer(dns.message.from_wire(wire)), asking)

    def _answer(self, question):
        self.questions.append(dns.message.from_wire(question.to_wire()))
        change_question, change_reply = self._changes
        change_question(question)
        reply = dns.query.udp(question, self._target, REPLY_TIMEOUT_S, ignore_unexpected=True)
        change_reply(reply)
        return reply.to_wire()
