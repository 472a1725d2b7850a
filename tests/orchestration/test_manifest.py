"""The parsed dbt project: whoever loads the definitions finds all of it, or makes it."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from dbt.adapters.base import impl

from orchestration import dbt
from tests.support.databases import use_database
from tests.support.dbt_runs import run_dbt
from tickettape.rollups.dbt import URL_VARIABLE
from tickettape.settings import ROOT


class _SlowParse:
    """dbt, as it is while it writes: half of the manifest is there, and the rest comes when it is let on."""

    def __init__(self) -> None:
        self.half_way, self.let_on = threading.Event(), threading.Event()

    def cli(self, _: Sequence[str], target_path: Path, raise_on_error: bool) -> "_SlowParse":
        assert not raise_on_error
        self._folder = target_path
        return self

    def is_successful(self) -> bool:
        return True

    def stream_raw_events(self) -> Iterator[Any]:
        (self._folder / "partial_parse.msgpack").write_bytes(b"")
        with (self._folder / "manifest.json").open("w") as file:
            file.write('{"nodes"')
            file.flush()
            self.half_way.set()
            assert self.let_on.wait(20)
            file.write(": {}}")
        yield from ()


def test_a_manifest_that_is_being_written_is_seen_by_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Project:
        manifest_path = tmp_path / "target" / "manifest.json"

    parse = _SlowParse()
    monkeypatch.setattr(dbt, "PROJECT", Project)
    monkeypatch.setattr(dbt, "dbt_resource", lambda folder: parse)
    with ThreadPoolExecutor(1) as pool:
        path = pool.submit(dbt.manifest)
        assert parse.half_way.wait(20)
        seen_meanwhile = Project.manifest_path.exists()
        parse.let_on.set()
        assert json.loads(path.result(20).read_text()) == {"nodes": {}}
    assert not seen_meanwhile
    assert sorted(file.name for file in Project.manifest_path.parent.iterdir()) == [
        "left_out.json",
        "manifest.json",
        "parsed_for.txt",
        "partial_parse.msgpack",
    ]


def test_it_is_parsed_again_for_a_database_of_another_name_and_not_for_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Project:
        manifest_path = tmp_path / "manifest.json"

    parses: list[Path] = []

    def parse(_: Path, target: Path) -> None:
        parses.append(target)
        (target / "manifest.json").write_text("{}")
        (target / "partial_parse.msgpack").write_bytes(b"")

    monkeypatch.setattr(dbt, "PROJECT", Project)
    monkeypatch.setattr(dbt, "_parse", parse)
    for url, so_many in [
        ("postgresql://127.0.0.1:1/prices", 1),
        ("postgresql://somebody@db.example:2/prices", 1),
        ("postgresql://127.0.0.1:1/tickets", 2),
    ]:
        use_database(monkeypatch, url)
        dbt.manifest()
        assert len(parses) == so_many


@pytest.mark.processes
def test_the_project_is_parsed_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/nobody_answers")
    assert dbt._parse(ROOT, tmp_path) is None
    assert (tmp_path / "manifest.json").exists()
    assert URL_VARIABLE not in os.environ


@pytest.mark.processes
def test_a_call_starts_dbt_once_and_nothing_before_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[str] = []
    popen = subprocess.Popen

    def noting(args: list[str], *more: Any, **options: Any) -> "subprocess.Popen[bytes]":
        started.append(" ".join(map(str, args)))
        return popen(args, *more, **options)

    monkeypatch.setattr(subprocess, "Popen", noting)
    dbt.dbt_resource().cli(["--version"], target_path=tmp_path).wait()
    assert [command.split()[1] for command in started] == ["--version"]


def test_in_a_process_that_calls_dbt_often_no_call_leaves_more_behind_than_the_one_before(database_url: str) -> None:
    left_behind = []
    for _ in range(4):
        run_dbt("list", "--select", "event_hours")
        left_behind.append(len(impl.DEFAULT_BASE_BEHAVIOR_FLAGS))
    assert left_behind[-1] == left_behind[1]
