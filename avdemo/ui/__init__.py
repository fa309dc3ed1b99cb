"""The shell around the tabs: app, theme, guard, progress, jobs, shared components.

Only this package and each capability's ``tab.py`` import gradio.
"""
