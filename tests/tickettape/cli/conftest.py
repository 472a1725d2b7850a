"""The commands on backups are tested on the market of the backups' own tests."""

from tests.tickettape.backups.conftest import market as market
from tests.tickettape.backups.conftest import target as target
