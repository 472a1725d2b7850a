"""The embedded server's first start as root, on a machine that has no user for it yet."""

import pwd
import resource
from pathlib import Path

import pytest

from tickettape.database import server

NOBODY_YET = [entry for entry in pwd.getpwall() if entry.pw_name != server.SERVER_USER]


@pytest.fixture(autouse=True)
def _root_without_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("pwd.getpwall", lambda: NOBODY_YET)


def useradd(folder: Path, script: str) -> Path:
    tool = folder / "useradd"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    return folder


def test_a_bare_path_finds_the_tool_where_debian_has_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "/usr/local/bin:/usr/bin:/bin")
    looked_in = []
    monkeypatch.setattr("shutil.which", lambda name, path: looked_in.append(path))
    with pytest.raises(RuntimeError):
        server._make_server_user()
    assert looked_in == ["/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"]


@pytest.mark.processes
@pytest.mark.parametrize("script", ["exit 0", "exit 9"])  # made; made by another process meanwhile
def test_the_user_is_made(script: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(useradd(tmp_path, f'echo "$@" > {tmp_path}/asked; {script}')))
    server._make_server_user()
    assert (tmp_path / "asked").read_text().split()[-1] == server.SERVER_USER


@pytest.mark.processes
def test_a_tool_that_fails_says_why_and_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(useradd(tmp_path, "echo 'no space left' >&2; exit 12")))
    with pytest.raises(RuntimeError, match=r"no space left.*set DATABASE_URL"):
        server._make_server_user()


def test_a_missing_tool_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path: None)
    with pytest.raises(RuntimeError, match=r"`useradd`.* is missing"):
        server._make_server_user()


def test_on_a_full_disk_the_list_of_the_servers_users_stays_as_it_was(tmp_path: Path) -> None:
    """A limit of the size of files stands for a full disk."""
    users = server._wheel().DiskList(tmp_path / "users")
    users.put([1, 22, 333])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            users.get_and_remove(22)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert users.get_and_remove(22) == [1, 22, 333]
    assert (tmp_path / "users").read_text() == "[1, 333]"
