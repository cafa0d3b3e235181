"""Which names of users and groups Discourse allows (app/models/username_validator.rb)."""

from __future__ import annotations

import re

# In the order in which Discourse looks, with its default bounds.
RULES = (
    (r".{3,}", "must be at least 3 characters"),
    (r".{0,20}", "must be no more than 20 characters"),
    (r"[A-Za-z0-9_.-]*", "must only include numbers, letters, dashes, dots, and underscores"),
    (r"[A-Za-z0-9_].*", "must begin with a letter, a number or an underscore"),
    (r".*[A-Za-z0-9]", "must end with a letter or a number"),
    (r"(?!.*[-_.]{2}).*", "must not contain a sequence of 2 or more special chars (.-_)"),
    (
        r"(?!.*\.(js|json|css|html?|xml|jpe?g|png|gif|bmp|ico|tiff?|woff)$).*",
        "must not end with a confusing suffix like .json or .png etc.",
    ),
)


def name_problem(name: str) -> str:
    """The first problem of a name, or nothing."""
    wrong = (
        said for rule, said in RULES if not re.fullmatch(rule, name, re.IGNORECASE | re.DOTALL)
    )
    return next(wrong, "")
