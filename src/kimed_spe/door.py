"""A Unix socket whose connections are answered each in a thread, at most so many at the same time.

By such sockets the enclosed side of a run reaches its supervisor: `broker` (permit, register), `cluster` (commands).
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PATIENCE_SECONDS = 60
"""Seconds that a request may take to arrive."""


class Door:
    """Takes connections from now on, until closed.

    Parameters
    ----------
    address
        Where the socket is made; only this account may connect.
    answer
        Reads a request and writes the answer; OSError of it means that whoever asked hung up, or was silent.
    at_once
        Connections that are answered at the same time; more wait.
    """

    def __init__(self, address: Path, answer: Callable[[socket.socket], None], at_once: int) -> None:
        self.answer = answer
        self.slots = threading.BoundedSemaphore(at_once)
        self.lock = threading.Lock()
        self.attending: set[threading.Thread] = set()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(str(address))
        address.chmod(0o600)
        self.socket.listen(128)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self, patience: float = 0.0) -> None:
        """Take no more connections, and wait for each answer that is under way for so many seconds."""
        with self.lock:
            self.socket.close()
            attending = list(self.attending)
        for thread in attending:
            thread.join(patience)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.slots.acquire()
            connection.settimeout(PATIENCE_SECONDS)
            thread = threading.Thread(target=self._attend, args=(connection,), daemon=True)
            with self.lock:
                self.attending.add(thread)
            thread.start()

    def _attend(self, connection: socket.socket) -> None:
        try:
            with suppress(OSError), connection:
                self.answer(connection)
        finally:
            self.slots.release()
            with self.lock:
                self.attending.discard(threading.current_thread())
