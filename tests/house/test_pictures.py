"""The pictures in the docs are those that `make pictures` takes, and are small."""

from __future__ import annotations

from tests.pictures import FOLDER, PICTURES


def test_each_picture_is_there_and_no_other() -> None:
    wanted = {f"{name}.webp" for picture in PICTURES for name in picture.files}
    assert {file.name for file in FOLDER.iterdir()} == wanted, "run `make pictures`"


def test_all_pictures_together_are_about_a_megabyte() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 1_200_000
