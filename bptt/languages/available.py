"""The languages that derivations, verdicts and pages are written in."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

# The variables of POSIX that choose the language of messages; the first that is set counts.
VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
# The usual language, as the help of an option says it.
BY_ENVIRONMENT = "as LC_ALL, LC_MESSAGES or LANG"


class Language(str, Enum):
    """A language, by its code in ISO 639-1."""

    EN = "en"
    ZH = "zh"

    @property
    def tag(self) -> str:
        """The tag of the language in HTML; Chinese is written in simplified characters."""
        return "zh-CN" if self is Language.ZH else self.value


def language_of(environment: Mapping[str, str]) -> Language:
    """Return the language that the environment asks for: Chinese for a locale such as zh_CN.UTF-8."""
    chosen = next((value for name in VARIABLES if (value := environment.get(name))), "")
    return Language.ZH if chosen.lower().startswith("zh") else Language.EN
