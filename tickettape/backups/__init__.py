"""Backups: dumps with manifests, and restoring them into a new database."""

from tickettape.backups.backup import Backup, BackupError, all_backups, expire_backups, make_backup, read_proof
from tickettape.backups.backup_restore import prove_backup, restore_backup

__all__ = [
    "Backup",
    "BackupError",
    "all_backups",
    "expire_backups",
    "make_backup",
    "prove_backup",
    "read_proof",
    "restore_backup",
]
