"""What the tests themselves must keep to."""

from __future__ import annotations

import re
from pathlib import Path

BROWSER = Path(__file__).parent / "browser"
LOOKS = re.compile(r"assert .*\.(inner_text|text_content|input_value|is_\w+|get_attribute|count|all_inner_texts)\(")


def test_the_browser_tests_wait_for_what_they_look_at() -> None:
    """What one answer brings does not come to the page all at once: a look that does not wait sees now and then what was there before."""
    hasty = {
        f"{path.name}:{number}": line.strip()
        for path in sorted(BROWSER.glob("*.py"))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if LOOKS.search(line)
    }
    assert not hasty, "ask with says, holds, has or until of tests/gestures.py"
