"""The socket, the addresses and the settings that the pages are served with, and serving them."""

import logging
import platform
import secrets
import socket
import sys
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drive.core.errors import UserError
from drive.web.access import is_loopback
from drive.web.limits import MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from starlette.applications import Starlette


# Windows lets a socket with SO_REUSEADDR take a port that another program serves, and has its own option for
# what bind does elsewhere by itself; elsewhere SO_REUSEADDR is about ports that were left a moment ago.
_TAKING: int = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)


@dataclass(frozen=True)
class Address:
    """How a page is reached."""

    url: str
    tunnel: str  # the command that brings it to another machine; "": it can be reached from there
    url_there: str  # what is opened behind the tunnel


def choose_token(host: str, asked: bool) -> str | None:
    """A random token that pages must know, where the address is open to others or it is asked for."""
    return secrets.token_urlsafe(24) if asked or not is_loopback(host) else None


def address_of(host: str, port: int, token: str | None) -> Address:
    """The address to open, here and from another machine.

    Args:
        host: where the server listens; "0.0.0.0" and "::" mean all addresses of this machine.
        port: likewise.
        token: that the address carries.
    """
    bare = host.strip("[]")
    name = platform.node() if bare in ("0.0.0.0", "::") else f"[{bare}]" if ":" in bare else bare
    rest = f":{port}/" + ("" if token is None else f"?token={token}")
    tunnel = f"ssh -L {port}:{name}:{port} {platform.node()}" if is_loopback(host) else ""
    return Address(f"http://{name}{rest}", tunnel, f"http://127.0.0.1{rest}")


def serve(app: "Starlette", opened: socket.socket) -> None:
    """Serve until Ctrl-C, or until the application calls `state.broken`.

    Raises:
        UserError: what the user can mend broke it.
        SystemExit: status 1: something else did; its cause is printed.
    """
    import uvicorn

    from drive.web.connections import BoundedLog

    server = uvicorn.Server(uvicorn.Config(app, **server_settings()))
    for name in ("uvicorn.error", "asyncio"):
        logging.getLogger(name).addFilter(BoundedLog())

    def stop() -> None:
        server.should_exit = True

    app.state.broken = stop
    server.run([opened])
    failure = getattr(app.state, "failure", None)
    if isinstance(failure, UserError):
        raise failure
    if failure is not None:
        traceback.print_exception(failure)
        print(f"error: the simulation broke: {type(failure).__name__}: {failure}", file=sys.stderr)
        sys.exit(1)


def open_socket(host: str, port: int) -> socket.socket:
    """Listen before anything slow begins, so that a port that is taken is refused at once.

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
        opened.setsockopt(socket.SOL_SOCKET, _TAKING, 1)
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
    """Settings for uvicorn: small messages, no compression of pictures, nothing logged that holds a token."""
    from drive.web.connections import PatientProtocol

    return {
        "http": PatientProtocol,
        "log_config": None,  # its own would close the streams of other libraries' log handlers
        "ws": "websockets-sansio",
        "ws_max_size": MAX_MESSAGE_BYTES,
        "ws_per_message_deflate": False,
        "ws_ping_interval": 10.0,
        "ws_ping_timeout": 20.0,
        "access_log": False,
        "log_level": "warning",
        "server_header": False,
        "timeout_graceful_shutdown": 3,
    }
