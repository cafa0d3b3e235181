"""The forum, as far as the bridge reads and changes it; nobody else knows its library."""

from bridge.discourse_api.client import DiscourseApi

__all__ = ["DiscourseApi"]
