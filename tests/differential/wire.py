"""Sends requests exactly as given: HTTP/1.1 written by hand, HTTP/2 without the checks of the library."""

import socket

import h2.config
import h2.connection
import h2.events

LIMIT = 20
# After so many seconds without an answer over HTTP/2, a request counts as not served.
SILENCE = 5


# The header of the answer in which `differential.telling` says what pygeoapi served.
SERVED = b"x-served"


def http1(address: tuple[str, int], row: dict, target: bytes) -> tuple[int, bytes | None]:
    """The status of the answer, and the header that says what was served. The status is 0 if there is no answer."""
    headers = [(name, value) for name, value in row["headers"] if name.lower() != "connection"]
    body = (row.get("body") or "").encode()
    head = row["method"].encode() + b" " + target + b" HTTP/1.1\r\n"
    if not any(name.lower() == "host" for name, _ in headers):
        headers.insert(0, ("Host", row.get("host") or "localhost"))
    headers.append(("Connection", "close"))
    if body and not any(name.lower() == "content-length" for name, _ in headers):
        headers.append(("Content-Length", str(len(body))))
    head += b"".join(f"{name}: {value}\r\n".encode() for name, value in headers)
    with socket.create_connection(address, timeout=LIMIT) as connection:
        connection.sendall(head + b"\r\n" + body)
        answer = b""
        try:
            while b"\r\n\r\n" not in answer and (chunk := connection.recv(65536)):
                answer += chunk
        except ConnectionResetError:
            pass
    lines = answer.partition(b"\r\n\r\n")[0].split(b"\r\n")
    parts = lines[0].split(b" ", 2)
    headers = dict(split(line) for line in lines[1:])
    return (int(parts[1]) if len(parts) > 1 else 0), headers.get(SERVED)


def split(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b": ")
    return name.lower(), value


def http2(address: tuple[str, int], row: dict, target: bytes) -> tuple[int, bytes | None]:
    """Like `http1`, over HTTP/2 with prior knowledge. The status is 0 if Envoy resets the stream or the connection."""
    config = h2.config.H2Configuration(
        client_side=True,
        validate_outbound_headers=False,
        normalize_outbound_headers=False,
        validate_inbound_headers=False,
    )
    state = h2.connection.H2Connection(config)
    state.initiate_connection()
    body = (row.get("body") or "").encode()
    skipped = ("host", "connection", "upgrade")
    headers = [
        (b":method", row["method"].encode()),
        (b":scheme", b"http"),
        (b":authority", (row.get("host") or "localhost").encode()),
        (b":path", target),
        *((name.lower().encode(), value.encode()) for name, value in row["headers"] if name.lower() not in skipped),
    ]
    state.send_headers(1, headers, end_stream=not body)
    if body:
        state.send_data(1, body, end_stream=True)
    with socket.create_connection(address, timeout=SILENCE) as connection:
        connection.sendall(state.data_to_send())
        while True:
            try:
                received = connection.recv(65536)
            except ConnectionResetError:
                return 0, None
            except TimeoutError:
                # After a protocol error, Envoy sends nothing and keeps the connection open for delayed_close_timeout.
                return 0, None
            if not received:
                return 0, None
            for event in state.receive_data(received):
                if isinstance(event, h2.events.ResponseReceived):
                    headers = dict(event.headers)
                    return int(headers[b":status"]), headers.get(SERVED)
                if isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                    return 0, None
            connection.sendall(state.data_to_send())
