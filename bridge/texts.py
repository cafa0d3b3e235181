"""The texts that people read: English in the source, other languages by gettext.

Templates say `_("…")`, `ngettext(…)` or `{% trans %}`; Python says `gettext("…") % {…}`. A text is
a whole sentence with named places, so that another language can order its words as it must. Errors
begin in lower case and have no full stop: pages make sentences of them (`telling.sentences`).

Tables take their texts while their module is loaded, so a process speaks one language.
"""

from __future__ import annotations

from gettext import NullTranslations

_SOURCE = NullTranslations()  # until there is a second language, a text is its own translation

gettext = _SOURCE.gettext
ngettext = _SOURCE.ngettext
