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

__all__ = ["page_of"]

_PIXELATED = 128  # pictures up to this side keep their pixels visible
_MOST_COLUMNS = 15


def page_of(found: ExplanationSet) -> str:
    """Give the whole page as HTML: no network is needed to open it."""
    template = (files("danqing.explanation") / "page.html").read_text(encoding="utf-8")
    body = "\n".join(_section(one, found) for one in found.explanations)
    body += _importance(found)
    run = escape(Path(found.run).name)
    # One pass: what data bring into the body is not looked at again.
    before, _, rest = template.partition("{{run}}")
    above, _, rest = rest.partition("{{for}}")
    middle, _, after = rest.partition("{{body}}")
    speaks = _both("speaks for a higher number", "支持更大的数值")
    if found.class_names:
        speaks = _both("speaks for the class that is explained", "支持所解释的类别")
    return "".join((before, run, above, speaks, middle, body, after))


def _section(one: Explanation, found: ExplanationSet) -> str:
    inside = _columns(one, found) if found.columns else _maps(one)
    below = _curves(one) + _probabilities(one, found) + _change(one, found)
    return (
        f"<section><h2>{_heading(one)}</h2>{inside}"
        f'<div class="two">{below}</div>{_near(one, found)}</section>'
    )


def _heading(one: Explanation) -> str:
    sure = f" ({one.probabilities.max():.1%})" if len(one.probabilities) else ""
    name, answer = escape(one.name), escape(one.answer)
    chinese_name = name.replace("test example", "测试样本")
    text = _both(f"{name}: answer {answer}{sure}", f"{chinese_name}：回答 {answer}{sure}")
    if one.label and one.label != one.answer:
        label = escape(one.label)
        text += _both(f", it is {label}", f"，实为 {label}")
    if one.target and one.target != one.answer:
        target = escape(one.target)
        text += _both(f"; explained: why {target}", f"；解释的类别：{target}")
    return text


def _maps(one: Explanation) -> str:
    compared = "<br>".join(
        _both(f"{english}: {areas.deletion:.2f}, {areas.insertion:.2f}",
              f"{chinese}：{areas.deletion:.2f}，{areas.insertion:.2f}")
        for name, areas in one.compared.items()
        for english, chinese in [_COMPARED[name]]
    )  # fmt: skip
    shown = [
        f"<figure><h3>{_both('The picture', '原图')}</h3>{_image(one.example, one.name)}"
        f"<figcaption>{_both('to beat (deletion, insertion):', '须胜过（删除，插入）：')}"
        f"<br>{compared}</figcaption></figure>"
    ]
    for each in one.maps:
        english, chinese = TITLES[each.method]
        image = _image(map_colours(each.values, one.example), english)
        shown.append(
            f"<figure><h3>{_both(english, chinese)}</h3>{image}{_checks(one, each)}</figure>"
        )
    return f'<div class="grid">{"".join(shown)}</div>'


_COMPARED = {"random": ("random map", "随机图"), "edges": ("edge filter", "边缘滤波")}


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
            f"<tr><th scope=row>{escape(name)}</th><td>{escape(one.example.get(name, ''))}</td>"
            f'{_bar(left, long, colour)}<td class="number">{value:+.3g}</td></tr>'
        )
    english, chinese = TITLES[shown.method]
    return f"<h3>{_both(english, chinese)}</h3><table>{''.join(rows)}</table>{_checks(one, shown)}"


def _curves(one: Explanation) -> str:
    """Draw the first map's curves: deletion in azure, insertion in cinnabar."""
    shown = one.maps[0]

    def line(values: NDArray[Any], colour: str) -> str:
        points = " ".join(
            f"{36 + 256 * x:.1f},{128 - 112 * min(max(float(y), -0.05), 1.1):.1f}"
            for x, y in zip(shown.shares, values, strict=True)
        )
        style = f"fill:none;stroke:var({colour});stroke-width:2"
        return f'<polyline points="{points}" style="{style}"/>'

    english, chinese = TITLES[shown.method]
    title = _both(f"{english}: what is left of the answer", f"{chinese}：回答还剩多少")
    label = escape(
        f"deletion area {shown.areas.deletion:.3f}, insertion {shown.areas.insertion:.3f}"
    )
    return (
        f'<div><h3>{title}</h3><svg class="curve" viewBox="0 0 300 150" role="img" '
        f'aria-label="{label}">'
        '<path d="M36 16V128H292" fill="none" style="stroke:var(--rule)"/>'
        '<text x="30" y="20" text-anchor="end">100%</text><text x="30" y="130" text-anchor="end">0'
        '</text><text x="36" y="144">0</text><text x="292" y="144" text-anchor="end">100%</text>'
        f"{line(shown.deletion, '--against')}{line(shown.insertion, '--for')}</svg>"
        f'<p class="pale"><span class="against">{_both("taken away", "逐步去掉")}</span>, '
        f'<span class="for">{_both("put in", "逐步放入")}</span></p></div>'
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
    facts = _both(
        f"{name}: {change.probability:.0%}; {change.changed} pixels changed, distance "
        f"{change.distance:.2f} (of white)",
        f"{name}：{change.probability:.0%}；改动 {change.changed} 个像素，"
        f"距离 {change.distance:.2f}（以白色为 1）",
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
    if found.columns:
        rows = "".join(
            f"<tr><td>{near.row}</td><td>{escape(near.label)}</td>"
            f'<td class="number">{near.distance:.3g}</td></tr>'
            for near in one.neighbours
        )
        row, label = _both("row", "行"), _both("label", "标签")
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
        f'<td class="number">{one.mean:.3g} ± {one.deviation:.2g}</td></tr>'
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
