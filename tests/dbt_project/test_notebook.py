"""The notebook for analysts runs from its first cell to its last on a history of some days, and each cell answers."""

import nbformat
import pytest
from nbclient import NotebookClient

from tickettape.settings import ROOT

NOTEBOOK = ROOT / "docs" / "notebooks" / "first_questions.ipynb"
LONGEST_CELL_SECONDS = 60


@pytest.mark.processes
def test_the_notebook_of_first_questions_runs_and_every_question_has_an_answer(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("READER_URL", database_url)
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=LONGEST_CELL_SECONDS).execute()
    connecting, *questions = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert connecting.outputs == []
    assert len(questions) == 6
    for question in questions:
        table = question.outputs[-1].data["text/html"]
        assert table.count("<tr") >= 2, question.source
