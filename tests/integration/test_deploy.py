"""What `deploy/` names is there: files, modules, settings, executables. Building it needs a container engine."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.processes import BIN
from tickettape.settings import ROOT, Settings

DEPLOY = ROOT / "deploy"


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


def test_the_image_copies_what_there_is_and_starts_what_it_has() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    sources = [word for line in re.findall(r"^COPY \S+ (.+) \S+$", dockerfile, re.MULTILINE) for word in line.split()]
    programs = {"tickettape", "orchestration", "serving", "dbt_project", "profiles"}
    assert programs | {"profiles.yml", "dbt_project.yml"} <= set(sources)
    assert [source for source in sources if not (ROOT / source).exists()] == []
    command = yaml.safe_load(dockerfile.rsplit("CMD ", 1)[1])
    assert (BIN / command[0]).exists()
    assert "orchestration.definitions" in command
    assert command[1:3] == ["api", "grpc"]  # killed, it ends its container, which is then started again
    ignored = {line.strip("*/") for line in (ROOT / ".dockerignore").read_text().split()}
    assert {".env", ".local", ".git"} <= ignored
    assert not ignored & set(sources)


def test_the_compose_file_has_the_four_services_and_sets_what_is_a_setting() -> None:
    services = read("compose.yaml")["services"]
    assert services.keys() == {"postgres", "code", "webserver", "daemon"}
    for name in ("code", "webserver", "daemon"):
        assert set(services[name]["environment"]) <= Settings.variables()
        assert "postgresql://" in services[name]["environment"]["DATABASE_URL"]
        command = services[name].get("command", ["dagster"])
        assert (BIN / command[0]).exists()
        assert all(Path(ROOT / word).exists() for word in command if "/" in word)
    assert services["webserver"]["ports"] == ["127.0.0.1:3000:3000"]
    (server,) = read("workspace.yaml")["load_from"]
    assert server["grpc_server"]["host"] in services


@pytest.mark.parametrize("name", ["celery/dagster.yaml", "../dagster.yaml"])
def test_dagsters_state_is_kept_by_a_class_that_there_is(name: str) -> None:
    config = read(name)
    storage = config["storage"]["custom"]
    assert find_spec(storage["module"]) is not None
    assert config["run_monitoring"]["enabled"]


def test_the_values_for_kubernetes_start_our_code_and_set_what_is_a_setting() -> None:
    values = read("kubernetes.yaml")
    (deployment,) = values["dagster-user-deployments"]["deployments"]
    assert deployment["dagsterApiGrpcArgs"][1] == "orchestration.definitions"
    assert set(deployment["env"]) <= Settings.variables()
    assert values["runLauncher"]["type"] == "K8sRunLauncher"
    assert not values["postgresql"]["enabled"]


def test_what_notices_from_outside_that_nothing_ticks_is_the_health_of_the_daemon() -> None:
    assert read("compose.yaml")["services"]["daemon"]["healthcheck"]["test"] == ["CMD", "tickettape", "health"]
    values = read("kubernetes.yaml")
    daemon, (code,) = values["dagsterDaemon"], values["dagster-user-deployments"]["deployments"]
    assert daemon["livenessProbe"]["exec"]["command"] == ["tickettape", "health"]
    assert (daemon["image"], daemon["envSecrets"]) == (code["image"], code["envSecrets"])  # it has the command
