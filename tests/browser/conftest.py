"""One browser and one JupyterLab for all tests of this folder."""

import pytest

import lab


@pytest.fixture(scope="session")
def chrome():
    pytest.importorskip("playwright")
    if not lab.chromium():
        pytest.skip("no Chromium here: install Debian's chromium, or name one in $CHROMIUM")
    with lab.browser() as chrome:
        yield chrome


@pytest.fixture(scope="session")
def jupyter(chrome, tmp_path_factory):
    with lab.server(tmp_path_factory.mktemp("jupyter"), COLORLAB_BUDGET="smoke") as address_and_token:
        yield address_and_token
