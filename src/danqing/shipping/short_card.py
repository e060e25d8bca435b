"""A short model card for a run that was never evaluated in full, in both languages.

`danqing evaluate` writes a longer one. Knows only what the run folder says.
"""

from __future__ import annotations

from danqing.pages.number_format import number, percent
from danqing.runs.run_folder import RunFolder

__all__ = ["short_card"]

_MOST_NAMES = 30


def short_card(run: RunFolder) -> str:
    """Return the card as Markdown, English first, then Chinese."""
    counts = {name: f"{count:,}" for name, count in run.data.get("counts", {}).items()}
    train = counts.get("train", "?")
    shape = " × ".join(map(str, run.input_shape))
    pictures = len(run.input_shape) == 3
    takes = (f"pictures of {shape} pixels", f"{shape} 像素的图片") if pictures else (
        f"rows of a table ({shape} features)", f"表格的行（{shape} 个特征）"
    )  # fmt: skip
    # An estimator's run has no test set of its own.
    which = "test" if run.metrics["test"] else "validation"
    figures = run.metrics.get(which, {})
    names = [*run.class_names[:_MOST_NAMES], *(["…"] if len(run.class_names) > _MOST_NAMES else [])]
    n, where = f"{figures.get('n', 0):,}", "测试" if which == "test" else "验证"
    if not figures:
        predicts, listed, measured = (("labels", "标签"), ("", ""), ("Not measured.", "未测量。"))
    elif run.task == "classification":
        low, high = (percent(end) for end in figures["accuracy_ci95"])
        accuracy = percent(figures["accuracy"])
        predicts = f"one of {len(run.class_names)} classes", f"{len(run.class_names)} 个类别之一"
        listed = f"\n\nClasses: {', '.join(names)}", f"\n\n类别：{'、'.join(names)}"
        measured = (
            f"Accuracy {accuracy} (95 % interval {low} to {high}) on {n} {which} examples.",
            f"在 {n} 个{where}样本上准确率 {accuracy}（95 % 置信区间 {low} 至 {high}）。",
        )
    else:
        predicts, listed = ("a number", "一个数值"), ("", "")
        error, score = number(figures["mae"]), number(figures["r2"])
        measured = (
            f"Mean absolute error {error}, R² {score} on {n} {which} examples.",
            f"在 {n} 个{where}样本上平均绝对误差 {error}，R² {score}。",
        )
    return (
        f"# Model card\n\nTakes {takes[0]} and predicts {predicts[0]}; trained on {train} examples."
        f"{listed[0]}\n\n{measured[0]} Examples unlike these may be predicted worse. "
        "`danqing evaluate RUN` writes a full card.\n\n"
        f"# 模型卡\n\n输入{takes[1]}，预测{predicts[1]}；用 {train} 个样本训练。"
        f"{listed[1]}\n\n{measured[1]}与这些样本差别较大的数据，预测可能更差。"
        "完整的模型卡由 `danqing evaluate RUN` 写出。\n"
    )
