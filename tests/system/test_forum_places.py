"""Forums in a sub-folder, and forums that only members may read."""

from __future__ import annotations

from pathlib import Path

import requests

from tests.harness import system


def test_a_forum_in_a_sub_folder_works_the_same(tmp_path: Path) -> None:
    with system(tmp_path, discourse_path="/forum") as world:
        assert world.bridge.settings.discourse_url.endswith("/forum")
        world.subscribe(world.customer("alice"), world.price("supporters"))
        world.settle()
        assert world.groups_of("alice") == {"supporters"}
        page = requests.get(f"{world.url}/healthz", timeout=5)
        assert page.ok


def test_a_private_forum_works_the_same(tmp_path: Path) -> None:
    with system(tmp_path) as world:
        world.sandbox.forum.settings["login_required"] = True
        world.subscribe(world.customer("alice"), world.price("supporters"))
        world.settle()
        assert world.groups_of("alice") == {"supporters"}
        assert world.bridge.discourse.site().title
