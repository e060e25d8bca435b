"""The words of the report and the model card, and tables with them. Knows no figures."""

from __future__ import annotations

from collections.abc import Iterable

from danqing.pages.words import Words

__all__ = ["WORDS", "both", "figure", "said", "say", "table"]

WORDS = Words("danqing.evaluation.report")
both, said, say = WORDS.both, WORDS.said, WORDS.say


def table(heads: Iterable[str], rows: str, kind: str = "") -> str:
    """Return a table that scrolls where it is wider than the page.

    Parameters
    ----------
    heads : iterable of str
        In HTML; "" for the corner over the rows' own heads.
    rows : str
        In HTML.
    kind : str
        Classes that the style sheet has.
    """
    named = "".join(f"<th scope=col>{head}</th>" if head else "<td></td>" for head in heads)
    return (
        f'<div class=scroll tabindex=0><table class="{kind}"><thead><tr>{named}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def figure(identity: str, drawing: str, caption: str, kind: str = "") -> str:
    """Return a drawing with its caption, whose id the drawing names as its description."""
    return (
        f'<figure class="{kind}">{drawing}<figcaption id="{identity}">{caption}</figcaption>'
        "</figure>"
    )
