"""The app's own look: calm, high contrast, one accent, light and dark, from a phone to a desk screen.

Colours are named once here; ``tests/ui`` measures the contrast of every pair that text stands on. The colours of *sources*
(markers, faders, spectrogram edges) are not here: they are ``avdemo.viz.PALETTE``: one colour means one source everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from gradio.themes import Base
from gradio.themes.utils import sizes
from gradio.themes.utils.colors import Color

# Teal: the one hue that no source has, so that a button is never taken for a voice.
ACCENT = Color(
    "#eef9fb", "#d6f0f4", "#aee1e9", "#7bccd8", "#45b1c1", "#1e8b9b", "#0f6f80", "#0d5a68", "#0f4855", "#0f3c47", "#07262e",
    name="avdemo_accent",
)  # fmt: skip
INK = Color(
    "#f6f7f9", "#eceef2", "#dcdfe6", "#bfc4cf", "#9aa1b0", "#6d7586", "#4d5566", "#3a4150", "#262b36", "#191d25", "#101319",
    name="avdemo_ink",
)  # fmt: skip

FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")  # what the person's own system reads best
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


def build_theme() -> Base:
    """The theme for ``launch(theme=...)``; it loads no font and no file from anywhere."""
    hues = {"primary_hue": ACCENT, "secondary_hue": ACCENT, "neutral_hue": INK}
    theme = Base(**hues, radius_size=sizes.radius_md, font=FONT, font_mono=MONO)
    theme.name = "avdemo"
    return theme.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_900",
        body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        background_fill_primary="white",
        background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_50",
        background_fill_secondary_dark="*neutral_950",
        border_color_primary="*neutral_200",
        border_color_primary_dark="*neutral_700",
        border_color_accent="*primary_500",
        border_color_accent_dark="*primary_300",
        color_accent="*primary_500",
        color_accent_soft="*primary_50",
        color_accent_soft_dark="*primary_950",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
        link_text_color_hover="*primary_800",
        link_text_color_hover_dark="*primary_200",
        link_text_color_visited="*primary_700",
        link_text_color_visited_dark="*primary_300",
        link_text_color_active="*primary_800",
        link_text_color_active_dark="*primary_200",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_700",
        block_border_width="1px",
        block_shadow="none",
        block_shadow_dark="none",
        block_label_background_fill="white",
        block_label_background_fill_dark="*neutral_900",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_200",
        block_label_text_weight="600",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
        block_title_text_weight="600",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        accordion_text_color="*neutral_800",
        accordion_text_color_dark="*neutral_100",
        input_background_fill="white",
        input_background_fill_dark="*neutral_950",
        input_border_color="*neutral_500",
        input_border_color_dark="*neutral_500",
        input_border_color_focus="*primary_600",
        input_border_color_focus_dark="*primary_300",
        input_placeholder_color="*neutral_600",
        input_placeholder_color_dark="*neutral_300",
        slider_color="*primary_600",
        slider_color_dark="*primary_400",
        loader_color="*primary_600",
        loader_color_dark="*primary_300",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_700",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        button_secondary_background_fill="white",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_hover_dark="*neutral_700",
        button_secondary_border_color="*neutral_500",
        button_secondary_border_color_dark="*neutral_500",
        button_secondary_text_color="*neutral_900",
        button_secondary_text_color_dark="*neutral_50",
        checkbox_label_background_fill="white",
        checkbox_label_background_fill_dark="*neutral_800",
        checkbox_label_text_color="*neutral_900",
        checkbox_label_text_color_dark="*neutral_50",
        checkbox_label_background_fill_selected="*primary_600",
        checkbox_label_background_fill_selected_dark="*primary_600",
        checkbox_label_text_color_selected="white",
        checkbox_label_text_color_selected_dark="white",
        checkbox_border_color="*neutral_500",
        checkbox_border_color_dark="*neutral_400",
        checkbox_background_color_selected="*primary_700",
        checkbox_background_color_selected_dark="*primary_800",
        button_border_width="1px",
        button_transition="none",
    )


CSS = """
.gradio-container { max-width: 1280px !important; margin: 0 auto !important; padding: 0 clamp(10px, 2vw, 20px) 20px !important; }
.gradio-container > .main { padding: 0 !important; }
.html-container { padding: 0 2px !important; }
.av-header { padding: 18px 0 0; display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 14px; }
.av-header h1 { font-size: 1.5rem; font-weight: 750; letter-spacing: -.01em; margin: 0; color: var(--body-text-color); }
.av-header p { margin: 0; color: var(--body-text-color-subdued); font-size: 1rem; }
button[role=tab] { font-size: 1.02rem !important; font-weight: 600 !important; }
.av-lead { font-size: 1.05rem; line-height: 1.5; color: var(--body-text-color); }
.av-lead .av-knows { display: block; color: var(--body-text-color-subdued); font-size: .92rem; }
.av-limits { color: var(--body-text-color-subdued); font-size: .86rem; margin-top: -8px; }
.av-step { font-weight: 650; font-size: 1rem; color: var(--body-text-color); margin-bottom: -8px; }
.av-empty { border: 1.5px dashed var(--neutral-400); border-radius: 10px; min-height: 270px; padding: 24px; text-align: center;
  color: var(--body-text-color-subdued); line-height: 1.55; display: flex; flex-direction: column; justify-content: center; }
.av-empty strong { color: var(--body-text-color); font-size: 1.05rem; margin-bottom: 4px; }
.av-status-line:has(.av-status-line:empty) { display: none; }
.av-status { border-left: 4px solid var(--color-accent); background: var(--color-accent-soft); color: var(--body-text-color);
  border-radius: 6px; padding: 10px 14px; line-height: 1.45; }
.av-problem { border-left-color: #b3261e; background: #fdecea; color: #3f0d0a; }
.dark .av-problem { border-left-color: #ff8a80; background: #3a1513; color: #ffe3e0; }
.av-video video { max-height: 250px; }
.av-video button[aria-label="Trim video to selection"] { display: none; } /* fetches a tool from elsewhere */
input[type=range]::-webkit-slider-thumb { border: 3px solid var(--slider-color) !important; }
input[type=range]::-moz-range-thumb { border: 3px solid var(--slider-color) !important; }
.dark input[type=range] { --neutral-200: var(--neutral-600); }
.av-clickable img { cursor: crosshair; }
.av-legend { display: flex; align-items: center; gap: 8px; font-size: .86rem; margin-top: -8px;
  color: var(--body-text-color-subdued); }
.av-legend i { flex: 0 1 180px; height: 8px; border-radius: 4px; border: 1px solid var(--neutral-500); }
.av-downloads button[aria-label="Remove this file"] { display: none; } /* removes the line only, which helps nobody */
.av-examples .gallery:not(.container) { display: grid !important; grid-template-columns: repeat(3, 1fr); gap: 10px; }
.av-examples .gallery-item { display: flex; flex-direction: column; align-items: stretch; text-align: left; overflow: hidden;
  border: 1px solid var(--border-color-primary); border-radius: 8px; background: var(--block-background-fill); }
.av-examples .gallery-item :is(span, .container) { display: block; width: 100%; }
.av-examples .gallery-item .container, .av-examples .gallery-item video { width: 100% !important; max-width: none !important;
  height: auto !important; max-height: none !important; aspect-ratio: 16 / 9; object-fit: cover; border: 0; }
.av-examples .gallery-item::after { padding: 5px 8px 7px; font-size: .82rem; line-height: 1.3; color: var(--body-text-color); }
.av-examples .gallery-item:hover { border-color: var(--color-accent); }
.av-downloads td.filename .ext { margin-left: -.28em; }
.av-downloads td.filename { display: block; white-space: normal; overflow-wrap: anywhere; max-width: none; }
.av-downloads td.filename span { display: inline; white-space: normal; overflow: visible; }
table.av-facts { width: 100%; border: 0 !important; border-collapse: collapse; font-size: .92rem; }
.av-facts tr { border: 0 !important; border-bottom: 1px solid var(--border-color-primary) !important; }
.av-facts :is(th, td) { border: 0 !important; padding: 5px 14px 5px 0 !important; text-align: left; vertical-align: top; }
.av-facts th { font-weight: 600; white-space: nowrap; }
.av-facts td { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.av-scroll { max-height: 320px; overflow: auto; }
:is(button, input, select, textarea, summary, a, [tabindex]):focus-visible {
  outline: 3px solid var(--color-accent) !important; outline-offset: 2px; }
@media (prefers-reduced-motion: reduce) { * { animation-duration: .01ms !important; transition-duration: .01ms !important; } }
@media (max-width: 640px) {
  .av-header { padding-top: 12px; }
  .av-lead { font-size: 1rem; }
  .av-examples .gallery:not(.container) { grid-template-columns: repeat(2, 1fr); }
  .tabitem:has(.av-clickable) .av-examples { display: none; } /* the frame comes first; without a video they are back */
  .av-empty { padding: 18px 14px; min-height: 150px; }
  /* five tabs go into two lines; Gradio measures a hidden copy of them, which must neither widen the page nor ask for its menu */
  .tab-wrapper, .tab-wrapper [role=tablist] { height: auto !important; }
  .tab-wrapper [role=tablist] { flex-wrap: wrap; overflow: visible !important; }
  .tab-wrapper [role=tab] { padding: 6px 10px !important; }
  .tab-container.visually-hidden { position: absolute !important; width: 300px; overflow: hidden; }
  .tab-container.visually-hidden button { width: 8px; padding: 0 !important; overflow: hidden; font-size: 1px !important; }
}
"""


def source_css(palette: Sequence[str], rest: str) -> str:
    """CSS that gives each source's fader its colour: classes ``av-source-1`` ... and ``av-source-rest``; and the list of places.

    Args:
        palette: the sources' colours in their order, as ``#rrggbb``.
        rest: the colour of what no source has.
    """
    rules = []
    for name, colour in [*((str(number), colour) for number, colour in enumerate(palette, start=1)), ("rest", rest)]:
        rules.append(f".av-source-{name} {{ border-left: 6px solid {colour} !important; }}")
        rules.append(f".av-source-{name} input[type=range] {{ --slider-color: {colour}; accent-color: {colour}; }}")
        if name != "rest":
            rules.append(f".av-places label:nth-of-type({name}) {{ border-left: 6px solid {colour} !important; }}")
    return "\n".join(rules)
