"""Networks that are compiled: the same frames, one compilation for all moments, and ways out."""

from __future__ import annotations

import copy
import threading

import pytest
import torch
from torch._dynamo.backends.common import aot_autograd

from blender_vfi.models import catalog, emavfi, ifrnet, rife
from blender_vfi.models.compiling import BACKEND, CompiledModel, why_not
from blender_vfi.models.interface import Quality
from blender_vfi.remedies import READER_VARIABLE

from .golden_models import farthest, golden_model, interpolate, small_pair
from .played_compiler import (
    CPU,
    Compiler,
    Small,
    compiled_with,
    nothing_compiled,  # noqa: F401 - a fixture
    told,
)

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch"),
]


def test_what_the_compiler_makes_agrees_with_the_network():
    plain = Small()
    model = compiled_with(BACKEND, plain)
    words = told(model)
    frames = small_pair(24, 32)
    for moment in (0.5, 0.3):
        found, expected = interpolate(model, frames, moment), interpolate(plain, frames, moment)
        assert farthest(found.frames, expected.frames) < 1e-5
        assert farthest(found.mask, expected.mask) < 1e-6
        assert found.flow_t0 is None
    assert words == ["Compiling IFRNet (GoPro)"] * 2, "once for features, once for frames"


@pytest.mark.parametrize(
    ("architecture", "golden", "name", "size"),
    [
        (ifrnet, "ifrnet_s", "ifrnet-s-gopro", (64, 64)),
        (emavfi, "emavfi_small", "ema-vfi-small-t", (64, 96)),
        (rife, "rife_4.6", "rife-4.6", (64, 64)),
    ],
)
def test_networks_are_compiled_once_for_all_moments(architecture, golden, name, size):
    plain = golden_model(architecture, golden)
    compiler = Compiler()
    model = compiled_with(compiler, plain, name)
    frames = small_pair(*size)
    graphs = []
    for moment in (0.5, 0.25, 0.3, 0.7):
        found, expected = (interpolate(one, frames, moment) for one in (model, plain))
        assert farthest(found.frames, expected.frames) < 1e-4
        assert farthest(found.flow_t0, expected.flow_t0) < 1e-3
        graphs.append(compiler.graphs)
    assert graphs == graphs[:1] * 4
    assert graphs[0] in (1, 2), "frames, and features where there are any, each as a whole"


@pytest.mark.parametrize(
    ("architecture", "golden", "name"),
    [(ifrnet, "ifrnet_s", "ifrnet-s-gopro"), (rife, "rife_4.6", "rife-4.6")],
)
def test_what_is_compiled_copies_nothing_from_the_host(architecture, golden, name):
    copies = []

    def note(graph, _inputs):
        for node in graph.graph.nodes:
            moves = "_to_copy" in str(node.target) and "device" in node.kwargs
            if moves or "lift_fresh" in str(node.target) or "device_put" in str(node.target):
                copies.append(node.format_node())
        return graph.forward

    backend = aot_autograd(fw_compiler=note)
    model = compiled_with(backend, golden_model(architecture, golden), name)
    words = told(model)
    with torch.inference_mode():
        interpolate(model, small_pair(64, 64), 0.3)
    assert all(said.startswith("Compiling") for said in words)
    assert not copies, "CUDA graphs hold no such steps"


def test_models_of_fixed_moments_are_told_them_as_numbers():
    class Strict(Small):
        def forward(self, frames, features, timesteps, quality):
            assert all(isinstance(timestep, float) for timestep in timesteps)
            return super().forward(frames, features, timesteps, quality)

    model = compiled_with(Compiler(), Strict(), "flavr-4x")
    frames = small_pair(16, 16)
    assert farthest(interpolate(model, frames, 0.25).frames, frames[0]) < 1
    assert model.is_compiled


def test_frame_that_stands_in_the_window_twice_is_not_compiled_for():
    plain, compiler = Small(), Compiler()
    model = compiled_with(compiler, plain, "flavr-2x")
    with torch.inference_mode():  # as the engine makes them
        first, second = (frame.clone() for frame in small_pair(16, 16))
        third = second.flip(3)
    windows = [(first, first, second, third), (first, second, third, third), (first,) * 4]
    for window in windows:
        expected = interpolate(plain, window, 0.5)
        assert farthest(interpolate(model, window, 0.5).frames, expected.frames) < 1e-5
    assert compiler.graphs == 2


def test_more_sizes_than_pytorch_compiles_are_compiled_all_the_same():
    compiler = Compiler()
    model = compiled_with(compiler)
    words = told(model)
    for side in range(8, 8 + 12):
        interpolate(model, small_pair(side, 16), 0.5)
    assert compiler.graphs == 2 * 12
    assert len(words) == 2 * 12


def test_what_a_network_reads_of_a_quality_is_compiled_for_and_told_each_time():
    class Reads(Small):
        def forward(self, frames, features, timesteps, quality):
            rows, columns = quality.picture_size or frames[0].shape[-2:]
            seen = [frame[..., :rows, :columns] for frame in frames]
            parts = [tuple(part[..., :rows, :columns] for part in parts) for parts in features]
            return super().forward(seen, parts, timesteps, quality)

    compiler = Compiler()
    model = compiled_with(compiler, Reads(), "tlbvfi")
    words = told(model)
    with torch.inference_mode():  # as the engine asks
        frames = [frame.clone() for frame in small_pair(16, 16)]
        features = [model.encode(frame) for frame in frames]
        for rows in range(4, 16):  # more than PyTorch compiles
            made = model(frames, features, [0.5], Quality(picture_size=(rows, 16)))
            assert made.frames.shape[-2:] == (rows, 16)
    assert compiler.graphs == len(words) == 1 + 12


def test_network_that_cannot_be_compiled_runs_as_it_is_and_says_why_once():
    plain = Small()
    model = compiled_with(Compiler(error=RuntimeError("No working C++ compiler found")), plain)
    words = told(model)
    frames = small_pair(16, 16)
    for moment in (0.5, 0.25):
        expected = interpolate(plain, frames, moment)
        assert torch.equal(interpolate(model, frames, moment).frames, expected.frames)
    _, notice = words
    assert "No working C++ compiler found" in notice
    assert "switch Compile off" in notice
    assert told(model) == [notice], "the next job with this model is told as well"


def test_fault_of_the_network_itself_is_the_one_that_is_told():
    class Broken(Small):
        def encode(self, frame):
            raise RuntimeError("sizes do not match")

    model = compiled_with(Compiler(), Broken())
    with pytest.raises(RuntimeError, match="sizes do not match"):
        model.encode(small_pair(16, 16)[0])


def test_cancel_ends_a_job_before_it_compiles():
    def cancel(_message):
        raise KeyboardInterrupt

    compiler = Compiler()
    model = compiled_with(compiler)
    model.attend(on_compile=cancel, on_failure=pytest.fail)
    with pytest.raises(KeyboardInterrupt):
        model.encode(small_pair(16, 16)[0])
    assert compiler.graphs == 0


def test_copy_is_the_network_alone():
    plain = Small()
    copied = copy.deepcopy(compiled_with(Compiler(), plain))
    assert isinstance(copied, Small)
    assert copied.features.weight is not plain.features.weight


def test_model_that_has_moved_runs_as_it_is():
    compiler = Compiler()
    model = compiled_with(compiler)
    frames = [frame.to("meta") for frame in small_pair(16, 16)]
    made = interpolate(model.to("meta"), frames, 0.5)
    assert made.frames.is_meta
    assert compiler.graphs == 0


@pytest.mark.parametrize(
    ("name", "device", "words"),
    [
        ("rife-4.25", "cpu", "is not compiled on the CPU"),
        ("ifrnet-s", "mps", "this is mps"),
        ("ifrnet-s", "cpu", ""),
        ("rife-4.25", "cuda:0", ""),
    ],
)
def test_compiling_is_left_where_it_would_not_help(name, device, words):
    spec = catalog.find(name)
    reason = why_not(spec, torch.device(device), torch.float32)
    assert words in reason
    assert bool(words) is bool(reason)
    model = CompiledModel(Small(), spec, CPU, backend="eager", why_not=reason)
    assert model.is_compiled is not bool(words)
    assert told(model) == [reason] * bool(reason)


@pytest.mark.parametrize(("device", "mode"), [("cuda:0", "reduce-overhead"), ("cpu", None)])
def test_cuda_graphs_are_asked_for_on_cuda_alone(monkeypatch, device, mode):
    asked = []

    def note(function, **options):
        asked.append((options["mode"], options["dynamic"], options["backend"]))
        return function

    monkeypatch.setattr(torch, "compile", note)
    CompiledModel(Small(), catalog.find("ifrnet-s"), torch.device(device), backend=BACKEND)
    assert asked == [(mode, False, "inductor")] * 2


@pytest.mark.parametrize(
    ("reader", "words"), [("panel", "switch Compile off"), ("terminal", "leave out --compile")]
)
def test_what_to_do_about_it_is_told_in_the_words_of_who_reads(monkeypatch, reader, words):
    monkeypatch.setenv(READER_VARIABLE, reader)
    model = compiled_with(Compiler(error=RuntimeError("No working C++ compiler found")))
    said = told(model)
    interpolate(model, small_pair(16, 16), 0.5)
    assert said[-1].endswith(f"else {words}.")


def test_reason_is_told_in_one_line():
    error = RuntimeError(
        "backend='x' raised:\nNo working C++ compiler\n\nSet TORCHDYNAMO_VERBOSE=1"
    )
    model = compiled_with(Compiler(error=error))
    words = told(model)
    interpolate(model, small_pair(16, 16), 0.5)
    assert "No working C++ compiler" in words[1]
    assert "VERBOSE" not in words[1]


def test_gpu_is_not_compiled_for_outside_the_main_thread(monkeypatch):
    spec = catalog.find("ifrnet-s")
    cuda = torch.device("cuda:0")
    model = CompiledModel(Small(), spec, cuda, backend=Compiler())
    words = told(model)
    monkeypatch.setattr("blender_vfi.models.compiling._device_of", lambda _shown: cuda)
    found = []

    def compute():
        found.append(model.will_compile(cuda))
        found.append(interpolate(model, small_pair(16, 16), 0.5).frames.shape)

    thread = threading.Thread(target=compute)
    thread.start()
    thread.join()
    assert found == [False, (1, 3, 16, 16)]
    assert model.will_compile(cuda)
    assert all("in the main thread" in said and "Choose one GPU" in said for said in words)
    assert len(words) == 3
