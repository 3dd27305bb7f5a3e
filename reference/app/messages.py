"""The lines that a run prints: the course's own in Chinese (P27-P29), and English ones."""

from __future__ import annotations

import locale
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference.claims import Language

LINES = {
    "zh": {
        "train_size": "训练数据集的长度为：{}",
        "test_size": "测试数据集的长度为：{}",
        "device": "训练设备：{}",
        "epoch": "-------第 {} 轮训练开始-------",
        "step": "训练次数：{}, Loss: {}",
        "test_loss": "整体测试集上的Loss: {}",
        "test_accuracy": "整体测试集上的正确率: {}",
        "saved": "模型已保存",
        "resumed": "从第 {} 轮之后继续训练",
        "tensorboard": "查看日志：tensorboard --logdir={}",
    },
    "en": {
        "train_size": "training images: {}",
        "test_size": "test images: {}",
        "device": "device: {}",
        "epoch": "------- epoch {} -------",
        "step": "step {}, loss: {}",
        "test_loss": "loss over the test images: {}",
        "test_accuracy": "accuracy over the test images: {}",
        "saved": "model saved",
        "resumed": "resuming after epoch {}",
        "tensorboard": "to view the log: tensorboard --logdir={}",
    },
}


def language() -> Language:
    """Return `zh` if the user's locale is Chinese, otherwise `en`."""
    settings = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    name = next(filter(None, settings), None) or locale.getlocale()[0] or ""
    return "zh" if name.lower().startswith(("zh", "chinese")) else "en"
