"""A WebSocket client of a few lines, on the standard library: it also says what no library would let it say.

    with Socket(world) as ws:                     # the welcome has been read
        ws.subscribe("entity:execution:12")       # acknowledged
        notice = ws.notice(lambda n: n["payload"]["status"] == "completed")
"""

import base64
import json
import os
import socket
import ssl
import struct
import time
from urllib.parse import urlsplit

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Refused(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body


class Closed(Exception):
    def __init__(self, code, reason):
        super().__init__(f"{code} {reason}")
        self.code, self.reason = code, reason


class Socket:
    def __init__(self, world, token=None, headers=None, protocols=(), path="/ws", welcome=True, small=False, ca=None):
        self.url = world if isinstance(world, str) else world.socket_url
        at = urlsplit(self.url)
        self.sock = socket.socket()
        if small:  # the kernel keeps little for a client that does not read
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as browsers do
        self.sock.settimeout(20)
        self.sock.connect((at.hostname, at.port))
        if at.scheme == "https":
            context = ssl.create_default_context(cafile=ca)
            self.sock = context.wrap_socket(self.sock, server_hostname=at.hostname)
        self.buffer = b""
        self.later = []
        token = token if token is not None or isinstance(world, str) else getattr(world, "token", None)
        self._handshake(at, path, token, dict(headers or {}), list(protocols))
        self.welcome = self.receive() if welcome else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def _handshake(self, at, path, token, headers, protocols):
        lines = {"Host": at.netloc, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                 "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode()}
        if token and not protocols:
            lines["Authorization"] = f"Bearer {token}"
        if protocols:
            lines["Sec-WebSocket-Protocol"] = ", ".join(protocols)
        lines.update(headers)
        text = f"GET {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items() if v is not None) + "\r\n"
        self.sock.sendall(text.encode())
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        self.head = head.decode()
        status = int(self.head.split()[1])
        if status != 101:
            length = next((int(line.split(":")[1]) for line in self.head.lower().split("\r\n")
                           if line.startswith("content-length")), 0)
            while len(self.buffer) < length:
                self._more()
            raise Refused(status, self.buffer[:length].decode())

    def _more(self):
        got = self.sock.recv(65536)
        if not got:
            raise Closed(None, "the connection was cut")
        self.buffer += got

    # -- frames

    def frame(self, opcode, payload=b"", fin=True, masked=True, length=None, rsv=0):
        """Sends one frame, as wrong as asked for."""
        n = len(payload) if length is None else length
        head = bytes([(0x80 if fin else 0) | rsv | opcode])
        bit = 0x80 if masked else 0
        if n < 126:
            head += bytes([bit | n])
        elif n < 65536:
            head += bytes([bit | 126]) + struct.pack(">H", n)
        else:
            head += bytes([bit | 127]) + struct.pack(">Q", n)
        if masked:
            mask = os.urandom(4)
            payload = mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
        self.sock.sendall(head + payload)

    def _need(self, n):
        while len(self.buffer) < n:
            self._more()

    def read_frame(self):
        self._need(2)
        opcode, n, at = self.buffer[0] & 15, self.buffer[1] & 127, 2
        if n >= 126:
            size = 2 if n == 126 else 8
            self._need(2 + size)
            n, at = int.from_bytes(self.buffer[2:2 + size], "big"), 2 + size
        self._need(at + n)
        payload, self.buffer = self.buffer[at:at + n], self.buffer[at + n:]
        return opcode, payload

    # -- messages

    def say(self, **message):
        self.frame(TEXT, json.dumps(message).encode())

    def receive(self, seconds=20):
        """The next message; Closed when there is none any more."""
        self.sock.settimeout(seconds)
        while True:
            opcode, payload = self.read_frame()
            if opcode == CLOSE:
                code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else None
                raise Closed(code, payload[2:].decode())
            if opcode == PING:
                self.frame(PONG, payload)
            if opcode == TEXT:
                return json.loads(payload)

    def ask(self, seconds=20, **message):
        """Says it with an id and waits for the answer; what comes in between is kept for notice()."""
        self.say(id="q", **message)
        while (answer := self.receive(seconds)).get("id") != "q":
            self.later.append(answer)
        return answer

    def subscribe(self, *filters):
        for text in filters:
            answer = self.ask(type="subscribe", filter=text)
            assert answer["type"] == "subscribed", answer

    def notice(self, wanted=lambda n: True, seconds=20):
        """The next notification that is wanted."""
        deadline = time.monotonic() + seconds
        while True:
            n = self.later.pop(0) if self.later else self.receive(max(deadline - time.monotonic(), 0.01))
            if n["type"] == "notification" and wanted(n):
                return n

    def until_closed(self, seconds=20):
        try:
            while True:
                self.receive(seconds)
        except Closed as end:
            return end
