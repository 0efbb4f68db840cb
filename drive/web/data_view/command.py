"""`drive data view`: look through a dataset in the browser."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from drive.core.errors import UserError


@dataclass(frozen=True)
class DataViewConfig:
    """Scrub through episodes with their traces, and take stretches out of training or put them back.

    Opens no browser: it prints an address. From another machine, `ssh -L 8010:127.0.0.1:8010 HOST` brings the
    page to that machine's own http://127.0.0.1:8010.
    """

    dir: tyro.conf.Positional[Path]
    """Directory of the dataset."""
    host: str = "127.0.0.1"
    """Where to listen. Elsewhere than on this machine itself, the address carries a random token."""
    port: int = 8010
    """Port of the page; 0: any free one."""
    token: bool = False
    """Ask for a token on this machine as well, where others have accounts on it."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise UserError(f"--port is {self.port}; take 1024 to 65535, or 0 for any free one.")


def main(config: DataViewConfig) -> None:
    """Serve the page until Ctrl-C.

    Raises:
        UserError: there is no dataset, it is damaged, the port is taken, or what the server needs is not
            installed.
    """
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ModuleNotFoundError as error:
        raise UserError(
            f"drive data view needs {error.name}, which is not installed: pip install 'drivegym[serve]'"
        ) from None
    from drive.web.data_view.app import make_app
    from drive.web.listen import address_of, choose_token, open_socket, serve

    token = choose_token(config.host, config.token)
    app = make_app(config.dir, token)
    with open_socket(config.host, config.port) as socket:
        address = address_of(config.host, socket.getsockname()[1], token)
        print(f"Open {address.url} in a browser; Ctrl-C ends.", flush=True)
        if address.tunnel:
            print(f"From another machine: {address.tunnel}, and there open {address.url_there}", flush=True)
        serve(app, socket)
