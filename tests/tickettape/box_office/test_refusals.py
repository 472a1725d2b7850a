import psycopg
import pytest

from tests.support.box_office import BoxOffice
from tickettape.box_office.refusals import RefusedError, call, refusals


@pytest.mark.parametrize(
    ("kind", "status"), [("sold_out", "PT409"), ("limit", "PT422"), ("unknown", "PT404"), ("not_yours", "PT403")]
)
def test_a_refusal_has_its_word_its_sentence_and_an_http_status(office: BoxOffice, kind: str, status: str) -> None:
    with pytest.raises(RefusedError, match="A sentence") as refused:
        call(office.connection, "select box_office.refuse(%s, 'A sentence.')", kind)
    assert refused.value.kind == kind
    assert isinstance(refused.value.__cause__, psycopg.Error)
    assert refused.value.__cause__.sqlstate == status


def test_other_errors_pass(office: BoxOffice) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero), refusals():
        office.one("select 1 / 0")
