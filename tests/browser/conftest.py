"""A browser and a JupyterLab for all browser tests.

Needs Chromium; without it these tests are skipped, unless GPTLIB_NEED_BROWSER is
set, as it is in CI.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.browser.jupyterlab import FLAGS, ROOT, TOKEN, Notebook, chromium


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    program = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Path:
    """A copy of the notebooks and models, so that saving touches nothing."""
    folder = tmp_path_factory.mktemp("project")
    for part in ("notebooks", "models"):
        shutil.copytree(
            ROOT / part, folder / part, ignore=shutil.ignore_patterns("my_*")
        )
    return folder


@pytest.fixture(scope="session")
def server(project, browser):
    """The address of a JupyterLab on the copy."""
    folder = project
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
    command += [f"--port={port}", f"--IdentityProvider.token={TOKEN}"]
    command += ["--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={folder}"]
    command += ["--LabApp.news_url=None"]
    with open(folder / "server.log", "w") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder, env=_own_settings(folder)
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for_server(address, folder / "server.log")
        yield address
    finally:
        process.terminate()
        process.wait(20)


def _own_settings(folder: Path) -> dict[str, str]:
    """Neither the tests' theme in the user's JupyterLab nor the user's in the tests."""
    return os.environ | {"JUPYTERLAB_SETTINGS_DIR": str(folder / "settings")}


def _wait_for_server(address: str, log: Path) -> None:
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{address}/api?token={TOKEN}", timeout=5)
            return
        except OSError:
            time.sleep(0.5)
    pytest.fail("JupyterLab did not start:\n" + log.read_text()[-2000:])


@pytest.fixture
def open_notebook(browser, server):
    opened = []

    def open_(name: str, **options) -> Notebook:
        opened.append(Notebook(browser, server, name, **options))
        return opened[-1]

    yield open_
    for notebook in opened:
        notebook.page.evaluate("jupyterapp.commands.execute('kernelmenu:shutdown')")
        notebook.page.close()
