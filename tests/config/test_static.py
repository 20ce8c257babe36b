import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.utils import timezone

from letter.publishing import request_publication

FILES = ["letter/tokens.css", "letter/letter.css", "letter/print.css", "letter/favicon.svg"]


@pytest.fixture
def production_storage(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "config.static.StaticStorage"},
    }


def test_a_files_name_is_known_before_it_is_collected(production_storage, settings):
    before = [staticfiles_storage.url(name) for name in FILES]

    call_command("collectstatic", interactive=False, verbosity=0)
    settings.STORAGES = dict(settings.STORAGES)  # a new process reads the manifest
    after = [staticfiles_storage.url(name) for name in FILES]

    assert before == after
    assert not {*before} & {f"/static/{name}" for name in FILES}
    for url in after:
        assert (settings.STATIC_ROOT / url.removeprefix("/static/")).exists()


def test_a_file_that_is_nowhere_is_an_error(production_storage):
    with pytest.raises(ValueError, match="could not be found"):
        staticfiles_storage.url("letter/nothing.css")


def test_a_letter_is_published_before_anything_is_collected(production_storage, letter, work):
    request_publication(letter, at=timezone.now())
    work()

    assert letter.editions.count() == 1
