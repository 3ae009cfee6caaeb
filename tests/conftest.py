"""What holds for every test: no network, no photographs but the embedded ones, no window for figures."""

import os
import signal
import socket

import matplotlib
import pytest

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # a shell that starts us in the background does this
    signal.signal(signal.SIGINT, signal.default_int_handler)  # and what we start would inherit it

os.environ.pop("COLORLAB_PHOTOS", None)  # a user's own setting must not change what the tests see
matplotlib.use("Agg")


def pytest_ignore_collect(collection_path, config):
    """The browser tests run when they are asked for by name (`make test-browser`), and not otherwise."""
    asked = any("browser" in str(argument) for argument in config.args)
    return True if collection_path.name == "browser" and not asked else None


@pytest.fixture(autouse=True, scope="session")
def empty_data_folder(tmp_path_factory):
    """Nothing that was downloaded on this machine is seen, and nothing is left on it."""
    before = os.environ.get("COLORLAB_DATA")
    os.environ["COLORLAB_DATA"] = str(tmp_path_factory.mktemp("data"))
    yield
    os.environ.pop("COLORLAB_DATA") if before is None else os.environ.update(COLORLAB_DATA=before)


@pytest.fixture(autouse=True, scope="session")
def no_network():
    """Refuse connections to any other machine: a test that needs one would fail on a train."""
    connect = socket.socket.connect

    def guarded(self, address):
        local = (
            not isinstance(address, tuple)
            or address[0] in ("localhost", "::1")
            or str(address[0]).startswith("127.")
        )
        if not local:
            raise OSError(f"the tests use no network, and this one wanted {address[0]}")
        return connect(self, address)

    socket.socket.connect = guarded
    yield
    socket.socket.connect = connect
