"""What is compiled: shared by all models, and forgotten when it is let go or memory runs out."""

from __future__ import annotations

import dataclasses
import gc
import threading
import weakref
from pathlib import Path

import pytest
import torch

from blender_vfi.models import catalog, compiling
from blender_vfi.models.cache import ModelCache
from blender_vfi.models.compiling import CompiledModel, compiled
from blender_vfi.models.loading import LoadedModel

from .golden_models import interpolate, small_pair
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


def test_models_share_what_pytorch_compiles_and_all_their_sizes_are_compiled():
    compiler = Compiler()
    models = [compiled_with(compiler, Small(strength)) for strength in (0.1, 0.2, 0.3, 0.4)]
    words = [told(model) for model in models]
    for side in (8, 16, 24):
        for model in models:
            interpolate(model, small_pair(side, 16), 0.5)
    assert compiler.graphs == 4 * 3 * 2
    assert [len(said) for said in words] == [3 * 2] * 4


def test_model_tells_that_it_is_compiled_again_when_all_was_forgotten():
    compiler = Compiler()
    model = compiled_with(compiler)
    words = told(model)
    frames = small_pair(16, 16)
    interpolate(model, frames, 0.5)
    compiled_with(Compiler()).to("meta")  # which forgets, as its own may be in the way
    interpolate(model, frames, 0.5)
    assert compiler.graphs == len(words) == 4


def test_what_was_compiled_is_forgotten_in_the_thread_that_computes():
    compiler = Compiler()
    model = compiled_with(compiler)
    frames = small_pair(16, 16)
    interpolate(model, frames, 0.5)
    thread = threading.Thread(target=compiling.forget)
    thread.start()
    thread.join()
    assert compiler.kept == 2, "CUDA graphs would be this thread's"
    interpolate(model, frames, 0.5)
    assert compiler.kept == 2
    assert compiler.graphs == 4
    compiling.forget()
    assert compiler.kept == 0


def test_what_an_ended_thread_has_compiled_is_forgotten_in_any():
    compiler = Compiler()
    model = compiled_with(compiler)
    thread = threading.Thread(target=interpolate, args=(model, small_pair(16, 16), 0.5))
    thread.start()
    thread.join()
    assert compiler.kept == 2
    compiling.forget()
    assert compiler.kept == 0


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"),
        MemoryError(),
    ],
)
def test_full_memory_is_left_to_the_engine_and_the_model_stays_compiled(error):
    compiler = Compiler()
    model = compiled_with(compiler)
    words = told(model)
    frames = small_pair(16, 16)
    interpolate(model, frames, 0.5)
    assert compiler.kept == 2

    def runs_out(*_arguments):
        raise error

    interpolates, model._interpolate = model._interpolate, runs_out
    with pytest.raises(type(error)) as raised:
        interpolate(model, frames, 0.5)
    assert raised.value is error
    del raised
    assert compiler.kept == 0, "they would keep the memory that is wanted"
    assert model.is_compiled
    model._interpolate = interpolates
    interpolate(model, frames, 0.5)
    assert compiler.graphs == 4
    assert words == ["Compiling IFRNet (GoPro)"] * 4


def test_memory_that_runs_out_while_compiling_is_told_as_such():
    model = compiled_with(Compiler(error=torch.cuda.OutOfMemoryError("CUDA out of memory")))
    with pytest.raises(RuntimeError, match="CUDA out of memory"):
        interpolate(model, small_pair(16, 16), 0.5)
    assert model.is_compiled


def test_network_that_fails_to_compile_once_keeps_nothing_of_what_was_compiled():
    compiler = Compiler()
    model = compiled_with(compiler)
    interpolate(model, small_pair(16, 16), 0.5)
    compiler.error = RuntimeError("No working C++ compiler found")
    interpolate(model, small_pair(24, 16), 0.5)
    assert not model.is_compiled
    compiler.error = None  # whose traceback has the graph that failed
    assert compiler.kept == 0


def test_model_that_is_let_go_leaves_memory():
    model = compiled_with(Compiler())
    interpolate(model, small_pair(16, 16), 0.5)
    network = weakref.ref(model.model)
    del model
    gc.collect()
    assert network() is None


def small_cache(free_bytes=1 << 40):
    def load(spec, **_options):
        return LoadedModel(
            model=Small(),
            spec=spec,
            checkpoint=Path("none"),
            sha256="",
            device=CPU,
            dtype=torch.float32,
            memory_bytes=0,
        )

    return ModelCache(free_memory=lambda _d: free_bytes, release=lambda _d: None, load=load)


@pytest.mark.parametrize("way", ["clear", "make room"])
def test_model_that_the_cache_lets_go_leaves_nothing_that_was_compiled(monkeypatch, way):
    compiler = Compiler()
    monkeypatch.setattr(compiling, "BACKEND", compiler)
    cache = small_cache(free_bytes=0)
    options = {"device": CPU, "dtype": torch.float32}
    model = cache.get(catalog.find("ifrnet-s"), **options, compiles=True).model
    interpolate(model, small_pair(16, 16), 0.5)
    network = weakref.ref(model.model)
    del model
    assert compiler.kept == 2
    if way == "clear":
        assert cache.clear() == 1
    else:
        cache.get(catalog.find("film"), **options)
    assert compiler.kept == 0
    assert network() is None


def test_cache_tells_compiled_models_from_others():
    cache = small_cache()
    spec = catalog.find("ifrnet-s")
    options = {"device": CPU, "dtype": torch.float32}
    plain = cache.get(spec, **options)
    one = cache.get(spec, **options, compiles=True)
    assert isinstance(plain.model, Small)
    assert isinstance(one.model, CompiledModel)
    assert cache.get(spec, **options, compiles=True) is one
    assert cache.get(spec, **options) is plain
    assert dataclasses.replace(compiled(plain), model=plain.model) == plain
