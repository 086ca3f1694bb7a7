"""The libraries alone, by their C interfaces: misuse, cards, NVML."""
import sys

from . import basis
from .basis import Run, expect, test

HEAD = """
import ctypes as C
cu = C.CDLL('libcuda.so.1')
def call(name, *a):
    return getattr(cu, name)(*a)
ctx, ptr, other = C.c_void_p(), C.c_uint64(), C.c_void_p()
host = (C.c_char * 65536)()
def is_(got, want, what):
    assert got == want, f'{what}: {got}, not {want}'
"""


def python(code, **switches):
    return Run([sys.executable, "-c", HEAD + code], **switches)


@test
def misuse():
    """Each wrong call gives an error, a line and a count."""
    run = python("""
is_(call('cuMemAlloc_v2', C.byref(ptr), C.c_size_t(100)), 201, 'memory without context')
is_(call('cuInit', 0), 0, 'cuInit')
is_(call('cuCtxCreate_v2', C.byref(ctx), 0, 0), 0, 'context')
is_(call('cuMemAlloc_v2', C.byref(ptr), C.c_size_t(4096)), 0, 'memory')
is_(call('cuMemcpyHtoD_v2', ptr, host, C.c_size_t(4096)), 0, 'a copy')
is_(call('cuMemcpyHtoD_v2', ptr, host, C.c_size_t(4097)), 1, 'a copy over the end')
is_(call('cuMemcpyHtoD_v2', ptr, C.c_void_p(ptr.value), C.c_size_t(10)), 1, 'device memory as host memory')
is_(call('cuMemFree_v2', ptr), 0, 'free')
is_(call('cuMemFree_v2', ptr), 1, 'double free')
is_(call('cuMemcpyDtoH_v2', host, ptr, C.c_size_t(10)), 1, 'a copy of freed memory')
is_(call('cuStreamSynchronize', C.c_void_p(4711)), 400, 'no such stream')
is_(call('cuCtxPopCurrent_v2', C.byref(other)), 0, 'pop')
is_(call('cuCtxPopCurrent_v2', C.byref(other)), 201, 'pop of an empty stack')
is_(call('cuCtxDestroy_v2', ctx), 0, 'end')
is_(call('cuCtxPushCurrent_v2', ctx), 201, 'push of a dead context')
""").good("the calls")
    run.want(misuse=8, host_to_device=1, open_blocks=0, open_contexts=0)
    expect(len(run.all["misuse_texts"]) == 8, "the texts are not all there")


@test
def leaks_are_seen():
    run = python("""
call('cuInit', 0); call('cuCtxCreate_v2', C.byref(ctx), 0, 0)
call('cuMemAlloc_v2', C.byref(ptr), C.c_size_t(1000))
""").good("the calls")
    run.want(open_contexts=1, open_blocks=1, open_block_bytes=1000, misuse=0)


@test
def counters_of_a_killed_process():
    run = python("""
import os, signal
call('cuInit', 0); call('cuCtxCreate_v2', C.byref(ctx), 0, 0)
call('cuMemAlloc_v2', C.byref(ptr), C.c_size_t(65536))
for _ in range(500): call('cuMemcpyHtoD_v2', ptr, host, C.c_size_t(65536))
os.kill(os.getpid(), signal.SIGKILL)
""")
    expect(run.code == -9 and run.all and not run.all["ended"], "no file of a killed process")
    expect(run.counts["host_to_device_pictures"] > 400, f"{run.counts['host_to_device_pictures']} copies in the file")


COUNT = """
n = C.c_int()
is_(call('cuInit', 0), WANT_INIT, 'cuInit')
if WANT_INIT == 0:
    call('cuDeviceGetCount', C.byref(n))
    names = []
    for i in range(n.value):
        name = C.create_string_buffer(64); call('cuDeviceGetName', name, 64, i); names.append(name.value.decode())
    print(names)
"""


@test
def cards():
    for switches, want in (
        ({}, "['Emulated GPU 0']"),
        ({"CARDS": 3}, "['Emulated GPU 0', 'Emulated GPU 1', 'Emulated GPU 2']"),
        ({"CARDS": 3, "CUDA_VISIBLE_DEVICES": "2,0"}, "['Emulated GPU 2', 'Emulated GPU 0']"),
        ({"CARDS": 3, "CUDA_VISIBLE_DEVICES": "GPU-e0000000-0000-4000-8000-000000000001"}, "['Emulated GPU 1']"),
        ({"CARDS": 3, "CUDA_VISIBLE_DEVICES": "1,9,0"}, "['Emulated GPU 1']"),
        ({"CARDS": 2, "NAME_1": "Other"}, "['Emulated GPU 0', 'Other']"),
    ):
        run = python(COUNT.replace("WANT_INIT", "0"), **switches).good(str(switches))
        expect(want in run.text, f"{switches}: {run.text.strip()}, not {want}")
    for switches in ({"NO_DEVICE": 1}, {"CARDS": 0}, {"CUDA_VISIBLE_DEVICES": ""}):
        python(COUNT.replace("WANT_INIT", "100"), **switches).good(str(switches))


@test
def nvml():
    run = Run([sys.executable, "-c", """
import ctypes as C
ml = C.CDLL('libnvidia-ml.so.1')
n, d, text = C.c_uint(), C.c_void_p(), C.create_string_buffer(96)
assert ml.nvmlDeviceGetCount_v2(C.byref(n)) == 1, 'works before nvmlInit'
assert ml.nvmlInit_v2() == 0
assert ml.nvmlDeviceGetCount_v2(C.byref(n)) == 0 and n.value == 2, n.value
assert ml.nvmlDeviceGetHandleByUUID(b'GPU-e0000000-0000-4000-8000-000000000001', C.byref(d)) == 0
assert ml.nvmlDeviceGetName(d, text, 96) == 0 and text.value == b'Emulated GPU 1', text.value
assert ml.nvmlDeviceGetMinorNumber(d, C.byref(n)) == 0 and n.value == 1
memory = (C.c_ulonglong * 3)()
assert ml.nvmlDeviceGetMemoryInfo(d, memory) == 0 and memory[0] == 8 << 30 and memory[1] + memory[2] == memory[0], list(memory)
assert ml.nvmlSystemGetDriverVersion(text, 96) == 0 and text.value
ml.nvmlErrorString.restype = C.c_char_p
assert b'successful' in ml.nvmlErrorString(0)
assert ml.nvmlShutdown() == 0
"""], CARDS=2, CUDA_VISIBLE_DEVICES="1")
    run.good("the calls")
