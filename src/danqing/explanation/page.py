"""Explanations as one self-contained page, English and Chinese. Knows no network and no file.

All that comes from data (names of classes, files and columns) is escaped.
"""

from __future__ import annotations

import base64
import io
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from danqing.explanation.colours import change_colours, map_colours, picture_of
from danqing.explanation.results import Explanation, ExplanationSet, Map
from danqing.explanation.verdicts import TITLES, verdicts
from danqing.pages.number_format import minus
from danqing.pages.resources import resource

__all__ = ["page_of"]

_PIXELATED = 128  # pictures up to this side keep their pixels visible
_MOST_COLUMNS = 15
_SHORT = 12  # letters


def page_of(found: ExplanationSet) -> str:
    """Give the whole page as HTML: no network is needed to open it."""
    template = (files("danqing.explanation") / "page.html").read_text(encoding="utf-8")
    body = "\n".join(_section(one, found) for one in found.explanations)
    body += _importance(found)
    run = escape(Path(found.run).name)
    # One pass: what data bring into the body is not looked at again.
    speaks = _both("speaks for a higher number", "支持更大的数值")
    if found.class_names:
        speaks = _both("speaks for the class that is explained", "支持所解释的类别")
    kind = "table" if found.columns else "pictures"
    pieces = {"kind": kind, "run": run, "for": speaks, "body": body}
    page = ""
    for name, value in (*pieces.items(), ("choices", resource("danqing.pages", "choices.js"))):
        before, _, template = template.partition(f"{{{{{name}}}}}")
        page += before + value
    return page + template


def _section(one: Explanation, found: ExplanationSet) -> str:
    inside = _columns(one, found) if found.columns else _maps(one)
    below = _curves(one) + _probabilities(one, found) + _change(one, found)
    return (
        f"<section><h2>{_heading(one)}</h2>{inside}"
        f'<div class="two">{below}</div>{_near(one, found)}</section>'
    )


def _heading(one: Explanation) -> str:
    sure = f"{one.probabilities.max():.1%}" if len(one.probabilities) else ""
    name, answer = escape(one.name), escape(one.prediction)
    text = _both(
        f"{name.replace('test example', 'Test example')}: answer {answer}"
        + (f" ({sure})" if sure else ""),
        f"{name.replace('test example', '测试样本')}：回答 {answer}"
        + (f"（{sure}）" if sure else ""),
    )
    if one.label and one.label != one.prediction:
        label = escape(one.label)
        text += _both(f", it is {label}", f"，实为 {label}")
    if one.target and one.target != one.prediction:
        target = escape(one.target)
        text += _both(f"; explained: why {target}", f"；解释的类别：{target}")
    return text


def _maps(one: Explanation) -> str:
    shown = [
        f"<figure><h3>{_both('The picture', '原图')}</h3>{_image(one.example, one.name)}"
        f"<figcaption>{_to_beat(one, '<br>')}</figcaption></figure>"
    ]
    for each in one.maps:
        english, chinese = TITLES[each.method]
        image = _image(map_colours(each.values, one.example), english)
        shown.append(
            f"<figure><h3>{_both(english, chinese)}</h3>{image}{_checks(one, each)}</figure>"
        )
    return f'<div class="grid">{"".join(shown)}</div>'


def _to_beat(one: Explanation, between: str) -> str:
    """Tell the areas that a map has to better, those of maps that know nothing."""
    names = {"random": ("random map", "随机图"), "edges": ("edge filter", "边缘滤波")}
    if not isinstance(one.example, np.ndarray):
        names = {"random": ("random order", "随机顺序")}
    compared = []
    for name, areas in one.compared.items():
        english, chinese = names[name]
        deletion, insertion = minus(f"{areas.deletion:.2f}"), minus(f"{areas.insertion:.2f}")
        compared.append(
            _both(f"{english}: {deletion}, {insertion}", f"{chinese}：{deletion}，{insertion}")
        )
    title = _both("to beat (deletion, insertion):", "须胜过（删除，插入）：")
    return between.join((title, *compared))


def _checks(one: Explanation, shown: Map) -> str:
    lines = [
        f'<li class="{"ok" if check.passed else "no"}">'
        f"{_both(check.english, check.chinese)} {check.value}</li>"
        for check in verdicts(one, shown)
    ]
    return f'<ul class="checks">{"".join(lines)}</ul>'


def _columns(one: Explanation, found: ExplanationSet) -> str:
    shown = one.maps[0]
    order = np.argsort(-np.abs(shown.values), kind="stable")[:_MOST_COLUMNS]
    greatest = float(np.abs(shown.values).max()) or 1.0
    rows = []
    for column in order:
        name, value = found.columns[column], float(shown.values[column])
        long = abs(value) / greatest * 50
        colour, left = ("--for", 50.0) if value > 0 else ("--against", 50 - long)
        rows.append(
            f"<tr><th scope=row>{escape(name)}</th>{_cell(one.example.get(name, ''))}"
            f'{_bar(left, long, colour)}<td class="number">{minus(f"{value:+.3g}")}</td></tr>'
        )
    english, chinese = TITLES[shown.method]
    return (
        f"<h3>{_both(english, chinese)}</h3><table>{''.join(rows)}</table>{_checks(one, shown)}"
        f'<p class="pale">{_to_beat(one, " ")}</p>'
    )


def _cell(text: str) -> str:
    """Give a cell of a row; what is short is never broken."""
    kind = ' class="short"' if len(text) <= _SHORT else ""
    return f"<td{kind}>{escape(text)}</td>"


def _curves(one: Explanation) -> str:
    """Draw the first map's curves: deletion in azure, insertion in cinnabar."""
    shown = one.maps[0]
    # A number's share can leave 0 to 100 %: where some columns alone tell more than all of them.
    low = min(0.0, float(shown.deletion.min()), float(shown.insertion.min()))
    high = max(1.0, float(shown.deletion.max()), float(shown.insertion.max()))

    def up(share: float) -> float:
        return 128 - 112 * (share - low) / (high - low)

    def line(values: NDArray[Any], colour: str) -> str:
        points = " ".join(
            f"{36 + 256 * x:.1f},{up(float(y)):.1f}"
            for x, y in zip(shown.shares, values, strict=True)
        )
        style = f"fill:none;stroke:var({colour});stroke-width:2"
        return f'<polyline points="{points}" style="{style}"/>'

    english, chinese = TITLES[shown.method]
    title = _both(f"{english}: what is left of the answer", f"{chinese}：回答还剩多少")
    label = f"deletion area {shown.areas.deletion:.3f}, insertion {shown.areas.insertion:.3f}"
    ends = "".join(
        f'<path d="M36 {up(share):.1f}H292" style="stroke:var(--rule)"/>'
        f'<text x="30" y="{up(share) + 4:.1f}" text-anchor="end">{share:.0%}</text>'
        for share in (0.0, 1.0)
    )
    return (
        f'<div><h3>{title}</h3><svg class="curve" viewBox="0 0 300 150" role="img" '
        f'aria-label="{label}"><path d="M36 16V128" style="stroke:var(--rule)"/>{ends}'
        '<text x="36" y="144">0</text><text x="292" y="144" text-anchor="end">100%</text>'
        f"{line(shown.deletion, '--against')}{line(shown.insertion, '--for')}</svg>"
        f'<p class="pale"><span class="against">{_both("taken away", "逐步去掉")}</span>'
        f'{_both(", ", "，")}<span class="for">{_both("put in", "逐步放入")}</span></p></div>'
    )


def _probabilities(one: Explanation, found: ExplanationSet) -> str:
    if not len(one.probabilities):
        return ""
    rows = "".join(
        f"<tr><th scope=row>{escape(found.class_names[place])}</th>"
        f"{_bar(0, 100 * float(one.probabilities[place]))}"
        f'<td class="number">{one.probabilities[place]:.1%}</td></tr>'
        for place in np.argsort(-one.probabilities, kind="stable")[:5]
    )
    return f"<div><h3>{_both('Answers', '各类概率')}</h3><table>{rows}</table></div>"


def _change(one: Explanation, found: ExplanationSet) -> str:
    change = one.counterfactual
    if change is None:
        return ""
    name = escape(found.class_names[change.target])
    if not change.found:
        words = _both(f"No change found that makes it {name}", f"未找到使其变为 {name} 的改动")
        return f"<div><h3>{words}</h3></div>"
    both = change_colours(one.example, change.picture)
    pixels = "pixel" if change.changed == 1 else "pixels"
    facts = _both(
        f"{name}: {change.probability:.0%}; {change.changed} {pixels} changed, distance "
        f"{change.distance:.2f} (black to white is 1)",
        f"{name}：{change.probability:.0%}；改动 {change.changed} 个像素，"
        f"距离 {change.distance:.2f}（从黑到白为 1）",
    )
    title = _both(f"The smallest change that makes it {name}", f"使其变为 {name} 的最小改动")
    return (
        f'<div><h3>{title}</h3><div class="row"><figure>{_image(change.picture, name)}</figure>'
        f'<figure>{_image(both, "change")}</figure></div><p class="pale">{facts}</p></div>'
    )


def _near(one: Explanation, found: ExplanationSet) -> str:
    if not one.neighbours:
        return ""
    title = _both("Training examples that it sees as most alike", "网络认为最相似的训练样本")
    if not found.columns:
        title += _both(" (label, distance)", "（标签，距离）")
    else:
        rows = "".join(
            f"<tr><td>{near.row}</td><td>{escape(near.label)}</td>"
            f'<td class="number">{near.distance:.3g}</td></tr>'
            for near in one.neighbours
        )
        row, label = _both("row", "行"), _both("true value", "真实值")
        if found.class_names:
            label = _both("label", "标签")
        distance = _both("distance", "距离")
        head = f'<th>{row}</th><th>{label}</th><th class="number">{distance}</th>'
        return f"<div><h3>{title}</h3><table><tr>{head}</tr>{rows}</table></div>"
    shown = "".join(
        f"<figure>{_image(near.example, near.label)}"
        f"<figcaption>{escape(near.label)} ({near.distance:.2g})</figcaption></figure>"
        for near in one.neighbours
    )
    return f'<div><h3>{title}</h3><div class="row">{shown}</div></div>'


def _importance(found: ExplanationSet) -> str:
    if not found.importance:
        return ""
    english = "accuracy lost" if found.class_names else "mean absolute error gained"
    chinese = "准确率的下降" if found.class_names else "平均绝对误差的增加"
    title = _both(
        f"Permutation importance: {english} when a column is shuffled (Breiman 2001)",
        f"置换重要性：打乱一列后{chinese}（Breiman，2001）",
    )
    greatest = max(max(abs(one.mean) for one in found.importance), 1e-12)
    rows = "".join(
        f"<tr><th scope=row>{escape(one.column)}</th>"
        f"{_bar(0, 100 * max(one.mean, 0) / greatest)}"
        f'<td class="number">{one.text}</td></tr>'
        for one in found.importance[:_MOST_COLUMNS]
    )
    return f"<section><h2>{title}</h2><table>{rows}</table></section>"


def _bar(left: float, long: float, colour: str = "--pale") -> str:
    """Draw a bar in a cell of a table, in hundredths of its width."""
    return (
        '<td class="bar"><svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect x="{left:.2f}" y="1" width="{long:.2f}" height="8" style="fill:var({colour})"/>'
        "</svg></td>"
    )


def _image(pixels: NDArray[np.uint8], words: str) -> str:
    image: Image.Image = picture_of(pixels)
    content = io.BytesIO()
    image.save(content, "PNG", optimize=True)
    data = base64.b64encode(content.getvalue()).decode()
    kind = ' class="small"' if max(image.size) <= _PIXELATED else ""
    return f'<img{kind} src="data:image/png;base64,{data}" alt="{escape(words)}">'


def _both(english: str, chinese: str) -> str:
    return f'<span lang="en">{english}</span><span lang="zh">{chinese}</span>'
