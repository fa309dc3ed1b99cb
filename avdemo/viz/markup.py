"""Results in words and bars, as HTML that takes its colours from the page; everything given is escaped."""

from __future__ import annotations

import html
from collections.abc import Mapping

ROW = "display: grid; grid-template-columns: 8.2em 1fr 2.6em; align-items: center; gap: 10px; margin: 5px 0 0; font-size: .92rem"
METER = "height: 10px; border-radius: 5px; background: var(--border-color-primary); overflow: hidden"
QUIET = "color: var(--body-text-color-subdued); font-size: .9rem; margin: 6px 0 0"
STRONG = "font-size: 1.1rem"


def bars(shares: Mapping[str, float], heading: str, last: Mapping[str, float] | None = None) -> str:
    """A bar for each name with its share in [0, 1]; those in ``last`` come after the others, in grey."""
    rows = [_bar(name, share, "var(--color-accent)") for name, share in shares.items()]
    rows += [_bar(name, share, "var(--neutral-500)") for name, share in (last or {}).items()]
    return f'<div style="font-weight: 600; margin: 10px 0 0; font-size: .92rem">{html.escape(heading)}</div>{"".join(rows)}'


def _bar(name: str, share: float, colour: str) -> str:
    fill = f'<i style="display: block; height: 100%; width: {100 * share:.1f}%; background: {colour}"></i>'
    value = f'<span style="font-variant-numeric: tabular-nums; text-align: right">{share:.2f}</span>'
    return (
        f'<div style="{ROW}"><span>{html.escape(name)}</span><span style="{METER}" aria-hidden="true">{fill}</span>{value}</div>'
    )


def said(sentence: str, *more: str) -> str:
    """A sentence in bold, and quiet ones under it; empty ones are left out."""
    return f'<div role="status"><strong style="{STRONG}">{html.escape(sentence)}</strong>{"".join(quiet(m) for m in more if m)}</div>'


def quiet(words: str) -> str:
    """Words that stand behind others."""
    return f'<div style="{QUIET}">{html.escape(words)}</div>'
