"""Tables and columns called by the words of docs/glossary.md."""

from tickettape.database.migrations import run_sql_beside

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("The program before reads other names: restore a backup instead.")
