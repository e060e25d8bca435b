"""Writes docs/commands.md from each command's own `--help`. Knows no command by name.

python docs/generate_commands.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import typer

from danqing.apps.cli.main import app

__all__ = ["PAGE", "commands_page", "walk"]

PAGE = Path(__file__).parent / "commands.md"
_WIDTH = 88
_START = """# Commands

Generated from `--help` by `python docs/generate_commands.py`; change the help texts in
`src/danqing/apps/cli`, not this page.
"""


def walk(
    command: click.Command | None = None, name: str = "danqing"
) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its full name, groups before what is in them."""
    command = command or typer.main.get_command(app)
    yield name, command
    for word, inner in getattr(command, "commands", {}).items():
        yield from walk(inner, f"{name} {word}")


def commands_page() -> str:
    """Give the text of commands.md."""
    sections = [_START]
    for name, command in walk():
        context = click.Context(
            command, info_name=name, terminal_width=_WIDTH, max_content_width=_WIDTH
        )
        sections.append(f"## {name}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(sections)


if __name__ == "__main__":
    PAGE.write_text(commands_page(), encoding="utf-8")
