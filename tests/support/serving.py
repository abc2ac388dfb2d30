"""A socket that a thread of the test serves."""

import contextlib
import threading

POLL_S = 0.1


class Serving(threading.Thread):
    """with Subclass(…): …, or start() and end().  A subclass says in serve() what one datagram or connection gets."""

    BORNE = (TimeoutError,)     # what may go wrong with one of them

    def __init__(self, listening):
        super().__init__(daemon=True)
        self.listening = listening
        self.listening.settimeout(POLL_S)
        self._is_over = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.end()

    def run(self):
        while not self._is_over.is_set():
            with contextlib.suppress(*self.BORNE):
                self.serve()

    def end(self):
        self._is_over.set()
        self.join()
        self.listening.close()
