"""Build the page from the list of capabilities and put it on the air."""

from __future__ import annotations

import html
import logging
import threading
from collections.abc import Sequence

import gradio as gr

from avdemo.settings import Settings, get_settings
from avdemo.ui import capabilities, gpu, guard, theme

log = logging.getLogger("avdemo.ui")

TITLE = "avdemo"
LINE = "Sight and sound research that you can try on your own videos."
CLEAN_EVERY_S = 1800  # how often files that nobody needs any more are looked for


def _header() -> None:
    gr.HTML(f'<header class="av-header"><h1>{html.escape(TITLE)}</h1><p>{html.escape(LINE)}</p></header>')


def _tab(capability: capabilities.Capability) -> None:
    """Build one tab; when that fails the tab says so and the others go on."""
    with gr.Tab(capability.verb, id=capability.name):
        try:
            capabilities.load_tab(capability).build()
        except Exception as error:  # one broken capability must not take the page down; sentence_for logs it
            gr.HTML(guard.status_html(guard.sentence_for(error), "problem"))


def build_demo(listed: Sequence[capabilities.Capability] = capabilities.CAPABILITIES) -> gr.Blocks:
    """The whole page, not yet launched: the header and one tab for each capability that is installed."""
    settings = get_settings()
    keep_s = max(60, int(settings.work_hours * 3600))
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(CLEAN_EVERY_S, keep_s)) as demo:
        _header()
        with gr.Tabs():
            for capability in capabilities.available(listed):
                _tab(capability)
    return demo


def warm_up(listed: Sequence[capabilities.Capability] = capabilities.CAPABILITIES) -> None:
    """Load what the first job of each tab would otherwise wait for; failures are left to that job to explain."""
    for capability in capabilities.available(listed):
        try:
            prepare = getattr(capabilities.load_tab(capability), "warm_up", None)
            if prepare is not None:
                prepare()
        except Exception:
            log.warning("warming up %s failed; its tab will say why when it is used", capability.name, exc_info=True)


def launch(demo: gr.Blocks, settings: Settings | None = None, *, block: bool = True) -> str:
    """Serve ``demo``; returns its address at once when ``block`` is false.

    No share link, no analytics, no run history; uploads above the limit are refused while they come in.
    """
    from avdemo.viz.palette import PALETTE, REST

    settings = settings or get_settings()
    settings.work_dir.mkdir(parents=True, exist_ok=True)
    if gpu.on_zero_gpu():
        warm_up()  # there the model must be in place before the first card is lent
    demo.queue(max_size=settings.queue_size)
    _, address, _ = demo.launch(
        server_name=settings.host,
        server_port=settings.port or None,
        share=False,
        show_error=False,
        quiet=True,
        prevent_thread_lock=True,
        ssr_mode=False,
        run_history=False,
        pwa=False,
        mcp_server=False,
        max_file_size=int(settings.max_megabytes * 1e6),
        allowed_paths=[str(settings.work_dir), *example_folders()],
        footer_links=["api", "settings"],
        theme=theme.build_theme(),
        css=theme.CSS + theme.source_css(PALETTE, REST),
    )
    print(f"{TITLE} is at {address}", flush=True)
    if not gpu.on_zero_gpu():
        threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
    if block:
        demo.block_thread()
    return address


def example_folders() -> list[str]:
    """The folders with the capabilities' own examples, which the page may show."""
    from avdemo.settings import PACKAGE_ROOT

    folders = (PACKAGE_ROOT / capability.name / "examples" for capability in capabilities.available())
    return [str(folder) for folder in folders if folder.is_dir()]
