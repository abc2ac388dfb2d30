"""Time servers (RFC 4330) that tell what a test wants."""

import socket
import struct
import time

from serving import Serving

NTP_TO_UNIX_S = 2208988800
OCTETS = 48
ORIGIN_AT, RECEIVE_AT, TRANSMIT_AT = 24, 32, 40


class TimeServer(Serving):
    """Answers on its address with its own idea of the time.  Inside whose network it is made decides where it
    listens."""

    def __init__(self, address, port=123):
        super().__init__(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.listening.bind((address, port))
        self.offset_s = 0               # from the system's time
        self.first, self.stratum, self.reference = 0x24, 2, bytes(4)
        self.is_silent = self.forges = False
        self.questions = []

    def _answer(self, question):
        now = time.time() + self.offset_s + NTP_TO_UNIX_S
        stamp = struct.pack(">II", int(now) & 0xFFFFFFFF, int(now % 1 * 2**32))
        origin = bytes(8) if self.forges else question[TRANSMIT_AT:OCTETS]
        return struct.pack(">BBBbII4s8s", self.first, self.stratum, 6, -20, 0, 0, self.reference, bytes(8)) + origin + \
            stamp + stamp

    def serve(self):
        question, client = self.listening.recvfrom(512)
        self.questions.append(question)
        if not self.is_silent:
            self.listening.sendto(self._answer(question), client)
