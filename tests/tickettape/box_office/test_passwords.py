import bcrypt

from tickettape.box_office.passwords import check_password, hash_password


def test_a_password_is_hashed_with_argon2id_and_verified() -> None:
    stored = hash_password("correct horse")
    assert stored.startswith("$argon2id$")
    assert check_password("correct horse", stored) == (True, None)
    assert check_password("wrong horse", stored) == (False, None)
    assert check_password("anything", "!") == (False, None)  # an erased user's


def test_a_hash_of_bcrypt_verifies_and_is_replaced() -> None:
    stored = bcrypt.hashpw(b"correct horse", bcrypt.gensalt(rounds=4)).decode()
    right, renewed = check_password("correct horse", stored)
    assert right
    assert renewed is not None
    assert check_password("correct horse", renewed) == (True, None)
    assert check_password("wrong horse", stored) == (False, None)
