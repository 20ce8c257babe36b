import pytest

from config.environment import env_bool, env_list


@pytest.mark.parametrize(
    ("value", "is_on"),
    [("1", True), ("true", True), (" Yes ", True), ("ON", True)]
    + [("", False), ("0", False), ("false", False), ("off", False), ("maybe", False)],
)
def test_env_bool(value, is_on):
    assert env_bool("DEBUG", {"DEBUG": value}) is is_on


def test_env_bool_of_a_variable_that_is_not_set():
    assert env_bool("DEBUG", {}) is False


@pytest.mark.parametrize(("value", "is_on"), [("", True), (" ", True), ("0", False), ("1", True)])
def test_env_bool_takes_the_default_where_nothing_is_said(value, is_on):
    assert env_bool("REQUIRE", {"REQUIRE": value}, default=True) is is_on


def test_env_list_leaves_out_what_is_empty():
    assert env_list("HOSTS", {"HOSTS": " a.example.org ,,b.example.org, "}) == [
        "a.example.org",
        "b.example.org",
    ]
