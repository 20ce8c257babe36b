import re

from signatories.tokens import new_token, token_hash


def test_new_token_is_32_bytes_for_a_url_and_never_the_same():
    tokens = {new_token() for _ in range(100)}

    assert len(tokens) == 100
    assert all(re.fullmatch("[A-Za-z0-9_-]{43}", token) for token in tokens)


def test_token_hash_is_sha256_in_hex():
    # FIPS 180-2, example B.1.
    assert token_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
