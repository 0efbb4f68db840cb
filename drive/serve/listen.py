"""The socket and the settings that the page is served with."""

import socket
from typing import Any

from drive.errors import UserError
from drive.serve.protocol import MESSAGE_BYTES


def open_socket(host: str, port: int) -> socket.socket:
    """Listen before anything slow begins, so that a port that is taken is told at once.

    Raises:
        UserError: the address is not one of this machine's, or the port is taken.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise UserError(f"--host {host} is no address ({error.strerror}); take 127.0.0.1.") from error
    family, kind, number, _, address = found[0]
    opened = socket.socket(family, kind, number)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.bind(address)
        opened.listen(64)
    except OSError as error:
        opened.close()
        raise UserError(
            f"{host} port {port} cannot be listened on ({error.strerror}); take another --port, or 0 for any."
        ) from error
    return opened


def server_settings() -> dict[str, Any]:
    """What uvicorn is told: small messages, no compression of pictures, nothing logged that holds a token."""
    return {
        "ws": "websockets-sansio",
        "ws_max_size": MESSAGE_BYTES,
        "ws_per_message_deflate": False,
        "ws_ping_interval": 10.0,
        "ws_ping_timeout": 20.0,
        "access_log": False,
        "log_level": "warning",
        "server_header": False,
        "timeout_graceful_shutdown": 3,
    }
