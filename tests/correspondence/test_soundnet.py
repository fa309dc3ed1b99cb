"""SoundNet's student and its objective: shapes, refusals, and the divergence by hand."""

from __future__ import annotations

import json

import pytest
import torch

from avdemo.correspondence.soundnet import NONE, SoundNet, SoundNetConfig
from avdemo.correspondence.soundnet_objective import divergence, soundnet_objective
from avdemo.errors import InputError

# ---- the student


@pytest.mark.parametrize("config", [SoundNetConfig.compact(), SoundNetConfig.debug()], ids=lambda c: c.name)
def test_windows_of_a_second_and_longer(config) -> None:
    torch.manual_seed(0)
    student = SoundNet(config).eval()
    with torch.no_grad():
        for samples in (config.samples, 2 * config.samples + 123):
            wav = 0.1 * torch.randn(2, samples)
            objects, kinds = student(wav)
            assert objects.shape == (2, 1000) and kinds.shape == (2, NONE + 1)
            features = student.features(wav)
            assert features.shape == (2, config.features) and features.min() >= 0 and features[0].std() > 0
            for layer in range(1, len(config.widths) + 1):
                assert student.features(wav, layer).shape == (2, config.widths[layer - 1] * config.feature_places)
        with pytest.raises(InputError, match="needs 1 s"):
            student(torch.zeros(1, config.samples - 1))
    assert SoundNetConfig.from_dict(json.loads(json.dumps(config.as_dict()))) == config


def test_the_compact_student_places() -> None:
    student = SoundNet(SoundNetConfig.compact()).eval()
    with torch.no_grad():
        assert [student.activation(torch.zeros(1, 24_000), layer).shape[2] for layer in (1, 2, 3, 4, 5)] == [
            1500,
            187,
            47,
            24,
            13,
        ]


def test_configurations_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError):
        SoundNetConfig.compact(widths=(8, 8))
    with pytest.raises(ValueError):
        SoundNetConfig.compact(feature_layer=6)


# ---- the objective


def test_divergence_is_kl() -> None:
    wanted = torch.tensor([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]])
    same = wanted.clamp_min(1e-30).log()
    torch.testing.assert_close(divergence(same, wanted), torch.zeros(2), atol=1e-6, rtol=0)
    # by hand: 0.5 log(0.5 / (1/3)) * 2 = log 1.5
    torch.testing.assert_close(divergence(torch.zeros(1, 3), wanted[:1]), torch.tensor([1.5]).log())
    logits = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.kl_div(logits.log_softmax(-1), wanted, reduction="none").sum(-1)
    torch.testing.assert_close(divergence(logits, wanted), expected)


def test_the_objective_adds_both_teachers() -> None:
    answers = [torch.randn(4, 5, requires_grad=True), torch.randn(4, 3, requires_grad=True)]
    wanted = [torch.rand(4, 5).softmax(-1), torch.rand(4, 3).softmax(-1)]
    loss, parts = soundnet_objective(answers, wanted)
    torch.testing.assert_close(loss, parts["kl_objects"] + parts["kl_kinds"])
    loss.backward()
    for logits, aim in zip(answers, wanted, strict=True):  # the gradient of KL is student minus teacher
        torch.testing.assert_close(logits.grad, (logits.softmax(-1) - aim).detach() / 4)
