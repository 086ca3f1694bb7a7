#!/usr/bin/env python3
"""Writes down what GStreamer's elements offer in each version, read from GStreamer's source.

    tools/element-facts.py --source GSTREAMER_GIT --tags 1.22.0,1.22.12,1.24.0,1.24.4,1.26.2,1.26.11 \\
        > crates/pipeline/tests/pipeline/facts/elements.json

Why: the hardware elements register only where the hardware is, so a test cannot ask GStreamer whether
`pipelines/encoders.toml` names properties and values that exist. The source can be asked.

How: GSTREAMER_GIT is a clone of GStreamer's repository (bare or not); nothing is checked out. Of each
element in ELEMENTS the class initialisers are read at each tag: every g_param_spec_*() call with type,
range, default and flags, the enumerations that they name, and the pad templates. x264enc is read from
docs/gst_plugins_cache.json of gst-plugins-ugly. What cannot be read by a program (templates put together
at run time, properties that FFmpeg gives) stands in PATCHES, and what a property list does not
say in REMARKS, each with the place in the source.

    tools/element-facts.py --source GSTREAMER_GIT --tags 1.22.0 --compare gst_plugins_cache.json

compares with the documentation cache of that version's gst-plugins-bad (docs/plugins in its release
archive and its repository) and prints what differs.

The format is explained in crates/pipeline/tests/pipeline/facts/README.md.
"""

import argparse
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, Iterator, NamedTuple, NoReturn

BAD = "subprojects/gst-plugins-bad"
VA = f"{BAD}/sys/va"
NV = f"{BAD}/sys/nvcodec"
UGLY_CACHE = "subprojects/gst-plugins-ugly/docs/gst_plugins_cache.json"

# Not built on Linux, or never.
NOT_HERE = {"adapter-luid"}
UNDEFINED = {"G_OS_WIN32", "GST_CUDA_HAS_D3D", "HAVE_GST_D3D11", "HAVE_GST_D3D12", "0"}


class Way(NamedTuple):
    """One way in which an element is made: the first way of an element whose name is found counts."""

    # File and text that registers it. The text stands outside comments.
    registered: tuple[str, str]
    # File and class initialiser, itself first, then those it is derived from.
    classes: tuple[tuple[str, str], ...]
    # File, function or "", and expression of the caps.
    sink: tuple[str, str] | None = None
    src: tuple[str, str] | None = None
    # This text in this file rules the way out.
    unless: tuple[str, str] | None = None
    # It is registered only under a condition.
    condition: str = ""
    # Of a property that is named twice, once for each mode of the element, the second is meant.
    last: bool = False


def va_decoder(codec: str, init: str, file: str) -> list[Way]:
    path = f"{VA}/{file}"
    return [
        Way(
            (path, f'"va{codec}dec"'),
            ((path, init), (f"{VA}/gstvabasedec.c", "gst_va_base_dec_class_init")),
            sink=(path, "sink_caps_str"),
            src=(path, "src_caps_str"),
        )
    ]


def nv_decoder(codec: str) -> list[Way]:
    """Up to 1.22 nv*dec is NVIDIA's own parser and decoder, and nv*sldec GStreamer's; from 1.24 only the
    latter is there, under the name of the former."""
    stateless = f"{NV}/gstnv{codec}dec"
    init = f"gst_nv_{codec}_dec_class_init"
    return [
        Way(
            (f"{NV}/gstnvdec.c", '"nv%sdec"'),
            ((f"{NV}/gstnvdec.c", "gst_nvdec_class_init"),),
            unless=(stateless, "!sldec"),
        ),
        Way(
            (stateless, f'"nv{codec}dec"'),
            ((stateless, init),),
            sink=(stateless, "DOC_SINK_CAPS"),
            src=(stateless, "DOC_SRC_CAPS"),
        ),
    ]


def nv_stateless(codec: str) -> list[Way]:
    path = f"{NV}/gstnv{codec}dec"
    return [Way((path, f'"nv{codec}sldec"'), ((path, f"gst_nv_{codec}_dec_class_init"),))]


def nv_parser(codec: str) -> list[Way]:
    return [
        Way(
            (f"{NV}/gstnvdec.c", '"nv%sdec"'),
            ((f"{NV}/gstnvdec.c", "gst_nvdec_class_init"),),
        )
    ]


def nv_encoder(name: str, sink: str, last: bool = False) -> Way:
    path = f"{NV}/gstnvh264encoder.cpp"
    return Way(
        (path, f'"{name}"'),
        ((path, "gst_nv_h264_encoder_class_init"),),
        sink=(path, sink),
        src=(path, "DOC_SRC_CAPS"),
        last=last,
    )


def cuda(name: str, init: str) -> list[Way]:
    path = f"{NV}/gstcudaconvertscale.c"
    classes = (
        (path, init),
        (path, "gst_cuda_base_convert_class_init"),
        (f"{NV}/gstcudabasetransform.c", "gst_cuda_base_transform_class_init"),
    )
    return [
        Way(
            (file, f'"{name}"'),
            classes,
            sink=(path, "sink_template"),
            src=(path, "src_template"),
            condition="NVRTC",
        )
        for file in (f"{NV}/plugin.c", f"{NV}/gstcudafilter.c")
    ]


def cuda_copy(name: str) -> list[Way]:
    path = f"{NV}/gstcudamemorycopy.c"
    return [
        Way(
            (path, f'"{name}"'),
            (
                (path, f"gst_{name.replace('cuda', 'cuda_')}_class_init"),
                (path, "gst_cuda_memory_copy_class_init"),
                (f"{NV}/gstcudabasetransform.c", "gst_cuda_base_transform_class_init"),
            ),
        )
    ]


def va_encoder(name: str) -> list[Way]:
    path = f"{VA}/gstvah264enc.c"
    return [
        Way(
            (path, f'"{name}"'),
            (
                (path, "gst_va_h264_enc_class_init"),
                (f"{VA}/gstvabaseenc.c", "gst_va_base_enc_class_init"),
            ),
            sink=(path, "sink_caps_str"),
            src=(path, "src_caps_str"),
        )
    ]


def va_filter(name: str, file: str, *functions: tuple[str, str]) -> list[Way]:
    path = f"{VA}/{file}"
    return [
        Way(
            (path, f'"{name}"'),
            (*functions, (f"{VA}/gstvabasetransform.c", "gst_va_base_transform_class_init")),
            sink=(path, "caps_str"),
            src=(path, "caps_str"),
        )
    ]


ELEMENTS: dict[str, list[Way]] = {
    "vah264enc": va_encoder("vah264enc"),
    "vah264lpenc": va_encoder("vah264lpenc"),
    "vapostproc": va_filter(
        "vapostproc",
        "gstvavpp.c",
        (f"{VA}/gstvavpp.c", "_install_static_properties"),
        (f"{VA}/gstvafilter.c", "gst_va_filter_install_properties"),
    ),
    "vadeinterlace": va_filter(
        "vadeinterlace",
        "gstvadeinterlace.c",
        (f"{VA}/gstvafilter.c", "gst_va_filter_install_deinterlace_properties"),
    ),
    "vah264dec": va_decoder("h264", "gst_va_h264_dec_class_init", "gstvah264dec.c"),
    "vah265dec": va_decoder("h265", "gst_va_h265_dec_class_init", "gstvah265dec.c"),
    "vavp8dec": va_decoder("vp8", "gst_va_vp8_dec_class_init", "gstvavp8dec.c"),
    "vavp9dec": va_decoder("vp9", "gst_va_vp9_dec_class_init", "gstvavp9dec.c"),
    "vaav1dec": va_decoder("av1", "gst_va_av1_dec_class_init", "gstvaav1dec.c"),
    "vampeg2dec": va_decoder("mpeg2", "gst_va_mpeg2_dec_class_init", "gstvampeg2dec.c"),
    "vajpegdec": va_decoder("jpeg", "gst_va_jpeg_dec_class_init", "gstvajpegdec.c"),
    "nvh264enc": [
        nv_encoder("nvh264enc", "DOC_SINK_CAPS"),
        Way(
            (f"{NV}/gstnvh264enc.c", '"nvh264enc"'),
            (
                (f"{NV}/gstnvh264enc.c", "gst_nv_h264_enc_class_init"),
                (f"{NV}/gstnvbaseenc.c", "gst_nv_base_enc_class_init"),
            ),
            sink=(f"{NV}/gstnvh264enc.c", "DOCUMENTATION_SINK_CAPS"),
            src=(f"{NV}/gstnvh264enc.c", "DOCUMENTATION_SRC_CAPS"),
        ),
    ],
    "nvcudah264enc": [nv_encoder("nvcudah264enc", "DOC_SINK_CAPS")],
    "nvautogpuh264enc": [nv_encoder("nvautogpuh264enc", "DOC_SINK_CAPS_AUTOGPU", last=True)],
    "nvh264dec": nv_decoder("h264"),
    "nvh264sldec": nv_stateless("h264"),
    "nvh265dec": nv_decoder("h265"),
    "nvh265sldec": nv_stateless("h265"),
    "nvvp8dec": nv_decoder("vp8"),
    "nvvp8sldec": nv_stateless("vp8"),
    "nvvp9dec": nv_decoder("vp9"),
    "nvvp9sldec": nv_stateless("vp9"),
    "nvav1dec": [nv_decoder("av1")[1]],
    "nvmpeg2videodec": nv_parser("mpeg2video"),
    "nvmpeg4videodec": nv_parser("mpeg4video"),
    "nvjpegdec": nv_parser("jpeg"),
    "cudaupload": cuda_copy("cudaupload"),
    "cudadownload": cuda_copy("cudadownload"),
    "cudaconvert": cuda("cudaconvert", "gst_cuda_convert_class_init"),
    "cudascale": cuda("cudascale", "gst_cuda_scale_class_init"),
    "cudaconvertscale": cuda("cudaconvertscale", "gst_cuda_convert_scale_class_init"),
    "openh264enc": [
        Way(
            (f"{BAD}/ext/openh264/gstopenh264enc.cpp", "(openh264enc,"),
            ((f"{BAD}/ext/openh264/gstopenh264enc.cpp", "gst_openh264enc_class_init"),),
            sink=(f"{BAD}/ext/openh264/gstopenh264enc.cpp", "gst_openh264enc_sink_template"),
            src=(f"{BAD}/ext/openh264/gstopenh264enc.cpp", "gst_openh264enc_src_template"),
        )
    ],
    "voaacenc": [
        Way(
            (f"{BAD}/ext/voaacenc/gstvoaacenc.c", '"voaacenc"'),
            ((f"{BAD}/ext/voaacenc/gstvoaacenc.c", "gst_voaacenc_class_init"),),
            sink=(f"{BAD}/ext/voaacenc/gstvoaacenc.c", "sink_template"),
            src=(f"{BAD}/ext/voaacenc/gstvoaacenc.c", "src_template"),
        )
    ],
    "fdkaacenc": [
        Way(
            (f"{BAD}/ext/fdkaac/gstfdkaacenc.c", '"fdkaacenc"'),
            ((f"{BAD}/ext/fdkaac/gstfdkaacenc.c", "gst_fdkaacenc_class_init"),),
            sink=(f"{BAD}/ext/fdkaac/gstfdkaacenc.c", "sink_template"),
            src=(f"{BAD}/ext/fdkaac/gstfdkaacenc.c", "src_template"),
        )
    ],
}

# Enumerations that glib-mkenums writes when GStreamer is built.
OTHER_ENUMS: dict[str, tuple[str, list[tuple[str, str]]]] = {
    # subprojects/gst-plugins-base/gst-libs/gst/video/video-enumtypes.c, from gstvideodirection.h
    "GST_TYPE_VIDEO_ORIENTATION_METHOD": (
        "GstVideoOrientationMethod",
        [
            ("GST_VIDEO_ORIENTATION_IDENTITY", "identity"),
            ("GST_VIDEO_ORIENTATION_90R", "90r"),
            ("GST_VIDEO_ORIENTATION_180", "180"),
            ("GST_VIDEO_ORIENTATION_90L", "90l"),
            ("GST_VIDEO_ORIENTATION_HORIZ", "horiz"),
            ("GST_VIDEO_ORIENTATION_VERT", "vert"),
            ("GST_VIDEO_ORIENTATION_UL_LR", "ul-lr"),
            ("GST_VIDEO_ORIENTATION_UR_LL", "ur-ll"),
            ("GST_VIDEO_ORIENTATION_AUTO", "auto"),
            ("GST_VIDEO_ORIENTATION_CUSTOM", "custom"),
        ],
    ),
    # gst-libs/gst/va/gstva.h
    "GST_TYPE_VA_FEATURE": (
        "GstVaFeature",
        [
            ("GST_VA_FEATURE_DISABLED", "disabled"),
            ("GST_VA_FEATURE_ENABLED", "enabled"),
            ("GST_VA_FEATURE_AUTO", "auto"),
        ],
    ),
}
# Enumerations that the driver chooses from: the file and the array of all that can be in them.
DRIVER_ENUMS = {
    "vah264enc_class->rate_control_type": ("GstVaEncoderRateControl", f"{VA}/gstvaencoder.c", "rate_control_map"),
    "type": ("GstVaDeinterlaceMethods", f"{VA}/gstvafilter.c", "di_desc"),
}
NUMBERS = {
    "G_MAXINT": 2**31 - 1,
    "G_MAXINT32": 2**31 - 1,
    "G_MININT": -(2**31),
    "G_MAXUINT": 2**32 - 1,
    "G_MAXUINT32": 2**32 - 1,
    "G_MAXINT64": 2**63 - 1,
    "G_MININT64": -(2**63),
    "G_MAXUINT64": 2**64 - 1,
    "UNSPECIFIED_BIT_RATE": 0,  # OpenH264
}
TYPES = {
    "boolean": "gboolean",
    "int": "gint",
    "uint": "guint",
    "int64": "gint64",
    "uint64": "guint64",
    "float": "gfloat",
    "double": "gdouble",
    "string": "gchararray",
}
RANGED = {"int", "uint", "int64", "uint64", "float", "double"}
CAPS_FEATURES = {
    "GST_CAPS_FEATURE_MEMORY_VA": "memory:VAMemory",
    "GST_CAPS_FEATURE_MEMORY_CUDA_MEMORY": "memory:CUDAMemory",
    "GST_CAPS_FEATURE_MEMORY_DMABUF": "memory:DMABuf",
}
# What is kept of caps; the rest is the same for all elements or of no use here.
FIELDS = ("format", "interlace-mode", "profile", "stream-format", "alignment", "width", "height", "channels", "layout")


def fail(message: str) -> NoReturn:
    sys.exit(f"element-facts: {message}")


class Source:
    """The tree of one tag."""

    def __init__(self, repository: Path, tag: str) -> None:
        self.repository, self.tag = repository, tag
        if self.git("rev-parse", "--verify", "--quiet", f"{tag}^{{commit}}") is None:
            fail(f"{repository} has no tag {tag}")

    def git(self, *arguments: str) -> str | None:
        done = subprocess.run(["git", "-C", str(self.repository), *arguments], capture_output=True)
        return done.stdout.decode(errors="replace") if done.returncode == 0 else None

    @cache
    def raw(self, path: str) -> str | None:
        return self.git("show", f"{self.tag}:{path}")

    @cache
    def path(self, path: str) -> str | None:
        """The file of that name; a name without an ending stands for C or C++."""
        candidates = [path] if path.rpartition("/")[2].count(".") else [f"{path}.c", f"{path}.cpp"]
        if path.endswith(".c"):
            candidates.append(f"{path}pp")
        return next((c for c in candidates if self.raw(c) is not None), None)

    @cache
    def code(self, path: str) -> str:
        """The file without comments and without what is not built on Linux. Lines keep their numbers."""
        found = self.path(path)
        text = self.raw(found) if found else None
        return "" if text is None else without_other_systems(without_comments(text))

    @cache
    def folder(self, path: str) -> list[str]:
        """All C files and headers beside this one."""
        folder = path.rpartition("/")[0]
        names = self.git("ls-tree", "--name-only", self.tag, f"{folder}/") or ""
        return [n for n in names.split("\n") if n.endswith((".c", ".cpp", ".h"))]

    @cache
    def macros(self, path: str) -> dict[str, str]:
        """#define NAME VALUE and constants of the file."""
        code = re.sub(r"\\\n", "  ", self.code(path))
        found = dict(re.findall(r"^#\s*define[ \t]+(\w+)[ \t]+(\S.*)$", code, re.M))
        for match in re.finditer(r"^static const gchar \*\s*(\w+)\s*=", code, re.M):
            found[match[1]] = code[match.end() : end_of_statement(code, match.end())].strip()
        return found

    @cache
    def function(self, path: str, name: str) -> tuple[str, int] | None:
        """The body of a function and the line it begins at."""
        code = self.code(path)
        match = re.search(rf"^(?:static \w+\s+)?{re.escape(name)} ?\([^;{{]*\)\s*\n\{{\n(.*?)^\}}", code, re.M | re.S)
        return (match[1], code.count("\n", 0, match.start(1)) + 1) if match else None

    @cache
    def enumeration(self, path: str, expression: str) -> tuple[str, list[tuple[str, str]], bool] | None:
        """Name, values (constant and nick) of an enumeration, and whether the driver chooses from them."""
        if expression in OTHER_ENUMS:
            return *OTHER_ENUMS[expression], False
        if expression in DRIVER_ENUMS:
            name, file, array = DRIVER_ENUMS[expression]
            values = enum_values(self.code(file), array)
            return (name, values, True) if values else None
        for file in (path, *self.folder(path)):
            expanded = self.macros(file).get(expression)
            getter = re.match(r"\(?\s*(\w+)\s*\(\s*\)", expanded) if expanded else None
            if getter:
                function = getter[1]
                break
        else:
            words = re.sub(r"^GST_TYPE_", "GST_", expression).lower()
            function = f"{words}_get_type"
        for file in (path, *self.folder(path)):
            body = self.function(file, function)
            if body is None:
                continue
            name = re.search(r'g_(?:enum|flags)_register_static \(\s*"(\w+)"', body[0])
            if name:
                return name[1], entries(body[0]), False
        return None


def without_comments(text: str) -> str:
    pattern = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*', re.S)

    def blank(match: re.Match[str]) -> str:
        return match[0] if match[0][0] in "\"'" else " " + "\n" * match[0].count("\n")

    return pattern.sub(blank, text)


def without_other_systems(text: str) -> str:
    lines, stack = [], [True]
    for line in text.split("\n"):
        directive = re.match(r"\s*#\s*(if|ifdef|ifndef|elif|else|endif)\b\s*(.*)", line)
        if directive:
            word, condition = directive[1], directive[2].strip()
            condition = re.sub(r"^defined\s*\(?\s*(\w+)\s*\)?$", r"\1", condition)
            if word in ("if", "ifdef"):
                stack.append(stack[-1] and condition not in UNDEFINED)
            elif word == "ifndef":
                stack.append(stack[-1])
            elif word == "endif" and len(stack) > 1:
                stack.pop()
            elif word == "else" and len(stack) > 1 and not stack[-1]:
                stack[-1] = stack[-2]
            line = ""
        lines.append(line if stack[-1] else "")
    return "\n".join(lines)


def end_of_statement(text: str, at: int) -> int:
    for match in re.finditer(r'"(?:\\.|[^"\\\n])*"|;', text[at:]):
        if match[0] == ";":
            return at + match.start()
    return len(text)


def arguments(text: str, at: int) -> tuple[list[str], int]:
    """The arguments of a call whose opening bracket is at `at`, and where it ends."""
    parts, depth, begin = [], 0, at + 1
    for match in re.finditer(r'"(?:\\.|[^"\\\n])*"|[(){}\[\],]', text[at:]):
        where, what = at + match.start(), match[0]
        if what in "({[":
            depth += 1
        elif what in ")}]":
            depth -= 1
            if depth == 0:
                parts.append(text[begin:where].strip())
                return parts, where + 1
        elif what == "," and depth == 1:
            parts.append(text[begin:where].strip())
            begin = where + 1
    fail(f"a call does not end: {text[at : at + 80]!r}")


def entries(text: str) -> list[tuple[str, str]]:
    """The constants and nicks of a GEnumValue or GFlagsValue array."""
    found = []
    for match in re.finditer(r"\{", text):
        inner = re.match(r"\{\s*(?:C_ENUM \()?(\w+)\)?\s*,", text[match.start() :])
        if not inner:
            continue
        parts, _ = arguments(text, match.start())
        nick = literal(parts[-1]) if len(parts) == 3 else None
        if nick:
            found.append((inner[1], nick))
    return found


def enum_values(code: str, array: str) -> list[tuple[str, str]]:
    match = re.search(rf"\b{array}\[\w*\]\s*=\s*\{{", code)
    if not match:
        return []
    _, end = arguments(code, match.end() - 1)
    body = code[match.end() : end]
    found = entries(body)
    if found:
        return found
    # [VAProcDeinterlacingBob] = { VAProc..., GST_VA_..., "nick", "Name" }, or with the constant first
    return [(c, n) for c, n in re.findall(r'\{\s*(\w+),[^{}"]*"[^"]*",\s*"([^"]+)"', body)]


def literal(text: str) -> str | None:
    """The value of string literals that stand side by side."""
    parts = re.findall(r'"((?:\\.|[^"\\\n])*)"', text)
    return "".join(parts) if parts and not re.sub(r'"(?:\\.|[^"\\\n])*"|\s', "", text) else None


def number(text: str, macros: dict[str, str]) -> int | float | None:
    """The value of a constant expression, or None if the driver decides."""
    for _ in range(5):
        text = re.sub(r"\(\s*g?(?:int|uint|int64|uint64|double|float)\s*\)", "", text)
        text = re.sub(r"[A-Za-z_]\w*", lambda m: str(NUMBERS.get(m[0], macros.get(m[0], m[0]))), text)
    text = {"TRUE": "1", "FALSE": "0"}.get(text.strip(), text)
    text = re.sub(r"\b(\d+(?:\.\d+)?)[fFuUlL]+\b", r"\1", text)
    if not re.fullmatch(r"[\d\s.()*+/-]+", text):
        return None
    value = eval(text, {"__builtins__": {}})  # noqa: S307 - digits and signs only
    return value


def flags_of(expression: str, body: str, macros: dict[str, str]) -> str:
    """The flags of a property with the variables that stand in them."""
    for _ in range(3):
        for word in set(re.findall(r"\b[A-Za-z_]\w*\b", expression)):
            assigned = re.search(rf"\b{word}\s*=\s*([^;]*G_PARAM_[^;]*);", body)
            if assigned and word not in ("G_PARAM_READWRITE",):
                expression = re.sub(rf"\b{word}\b", f"({assigned[1]})", expression)
            elif word in macros and "G_PARAM_" in macros[word]:
                expression = re.sub(rf"\b{word}\b", f"({macros[word]})", expression)
    return expression


def properties_of(source: Source, path: str, function: str) -> Iterator[tuple[str, dict[str, Any]]]:
    found = source.function(path, function)
    if found is None:
        return
    body, _ = found
    file = source.path(path) or path
    macros = source.macros(path)
    for match in re.finditer(r"\b(?:g|gst)_param_spec_(\w+)\s*\(", body):
        kind = match[1]
        if kind.startswith("get_"):
            continue
        parts, _ = arguments(body, match.end() - 1)
        name = literal(parts[0])
        if name is None:
            continue  # a table gives the names: PATCHES
        fact: dict[str, Any] = {}
        flags = flags_of(parts[-1], body, macros)
        if kind in ("enum", "flags"):
            known = source.enumeration(file, parts[3])
            if known is None:
                fail(f"{source.tag}: {file}: {name}: no enumeration {parts[3]}")
            fact["type"], values, driver = known
            fact["nicks"] = [nick for _, nick in values]
            default = macros.get(parts[4], parts[4]).strip("()")
            fact["default"] = dict(values).get(default)
            if driver:
                fact["driver"] = True
        elif kind in TYPES:
            fact["type"] = TYPES[kind]
            if kind in RANGED:
                low, high, default = (number(p, macros) for p in parts[3:6])
                fact.update(min=low, max=high, default=default)
            elif kind == "boolean":
                value = number(parts[3], macros)
                fact["default"] = None if value is None else bool(value)
            else:
                fact["default"] = literal(macros.get(parts[3], parts[3]))
        elif kind in ("object", "boxed"):
            fact["type"] = parts[3]
            fact["default"] = None
        elif kind == "fraction":
            fact["type"] = "GstFraction"
            fact["default"] = None
        else:
            fail(f"{source.tag}: {file}: {name}: g_param_spec_{kind} is not known here")
        fact["writable"] = bool(re.search(r"G_PARAM_(READWRITE|WRITABLE)", flags))
        if "GST_PARAM_CONDITIONALLY_AVAILABLE" in flags:
            fact["conditional"] = True
        yield name, fact
    for name in re.findall(r'\bg_object_class_override_property \([^,]*,[^,]*,\s*"([^"]+)"\)', body):
        if name != "video-direction":
            fail(f"{source.tag}: {file}: {name}: this property of an interface is not known here")
        kind, values = OTHER_ENUMS["GST_TYPE_VIDEO_ORIENTATION_METHOD"]
        yield name, {"type": kind, "nicks": [n for _, n in values], "default": "identity", "writable": True}


def text_of(source: Source, path: str, expression: str, depth: int = 0) -> str | None:
    """The string that a C expression of literals and macros makes."""
    macros, text, at = source.macros(path), "", 0
    for match in re.finditer(r'"((?:\\.|[^"\\\n])*)"|(\w+)(\s*\()?|\S', expression):
        if match.start() < at:
            continue
        if match[1] is not None:
            text += match[1].replace('\\"', '"')
            continue
        name = match[2]
        if name is None:
            if match[0] in "()":
                continue
            return None
        if match[3]:
            parts, at = arguments(expression, match.end() - 1)
            if name == "GST_STATIC_CAPS":
                inner = text_of(source, path, parts[0], depth + 1)
            elif name == "GST_VIDEO_CAPS_MAKE":
                inner = caps_make("", text_of(source, path, parts[0], depth + 1))
            elif name == "GST_VIDEO_CAPS_MAKE_WITH_FEATURES":
                feature = CAPS_FEATURES.get(parts[0]) or text_of(source, path, parts[0], depth + 1)
                inner = caps_make(f"({feature})", text_of(source, path, parts[1], depth + 1))
            elif name == "GST_AUDIO_NE":
                inner = f"{parts[0]}LE"
            else:
                return None
        elif name in macros and depth < 8:
            inner = text_of(source, path, macros[name], depth + 1)
        elif name == "GST_VIDEO_FPS_RANGE":
            inner = "(fraction) [ 0, max ]"
        else:
            inner = name if name.startswith("GST_VIDEO_FORMATS") else None
        if inner is None:
            return None
        text += inner
    return text


def caps_make(feature: str, formats: str | None) -> str | None:
    return None if formats is None else f"video/x-raw{feature}, format = (string) {formats}"


def caps_of(source: Source, place: tuple[str, str] | None) -> list[dict[str, Any]] | None:
    if place is None:
        return None
    path, name = place
    code = source.code(path)
    static = re.search(rf"\b{name}\s*=\s*GST_STATIC_PAD_TEMPLATE\s*\(", code)
    if static:
        parts, _ = arguments(code, static.end() - 1)
        expression = parts[3]
    elif name in source.macros(path):
        expression = source.macros(path)[name]
    else:
        return None
    text = text_of(source, path, expression)
    if text is None:
        fail(f"{source.tag}: {path}: the caps {name} cannot be read")
    return caps(text)


def caps(text: str) -> list[dict[str, Any]]:
    """Structures of caps: media type, features, and the fields that are kept."""
    found = []
    for structure in re.split(r";|(?<=\})\s+(?=video/|audio/)", text):
        fields = re.split(r",(?![^{\[(]*[}\])])", structure.strip())
        head = re.fullmatch(r"\s*([\w/+-]+)\s*(?:\(([^)]*)\))?\s*", fields[0])
        if not head:
            continue
        if "D3D" in (head[2] or ""):
            continue  # Windows
        fact: dict[str, Any] = {"media": head[1]}
        if head[2]:
            fact["features"] = [f.strip() for f in head[2].split(",")]
        for field in fields[1:]:
            key, _, value = field.partition("=")
            key, value = key.strip(), re.sub(r"^\s*\(\w+\)", "", value).strip()
            if key in FIELDS:
                items = [v.strip().strip('"') for v in value.strip("{}[] ").split(",")]
                if value.startswith("["):
                    fact[key] = {"min": int(items[0]), "max": int(items[1])}
                elif items != ["ANY"]:
                    fact[key] = [int(i) if i.isdigit() else i for i in items]
        found.append(fact)
    return found


def way_of(source: Source, ways: list[Way]) -> Way | None:
    for way in ways:
        path, text = way.registered
        if text not in source.code(path):
            continue
        if way.unless:
            codec = re.sub(r".*gstnv(\w+)dec$", r"\1", way.unless[0])
            # Only a tag that still has nv*sldec has the old decoder as nv*dec.
            if f'"nv{codec}{way.unless[1][1:]}"' not in source.code(way.unless[0]):
                continue
        return way
    return None


def facts_of(source: Source, name: str, ways: list[Way]) -> dict[str, Any] | None:
    way = way_of(source, ways)
    if way is None:
        return None
    properties: dict[str, Any] = {}
    for path, function in way.classes:
        for key, fact in properties_of(source, path, function):
            if key in NOT_HERE:
                continue
            if way.last:
                properties[key] = fact
            else:
                properties.setdefault(key, fact)
    file = source.path(way.registered[0]) or way.registered[0]
    facts: dict[str, Any] = {"source": file.removeprefix("subprojects/"), "properties": properties}
    if way.condition:
        facts["needs"] = way.condition
    for pad, place in (("sink", way.sink), ("src", way.src)):
        found = caps_of(source, place)
        if found:
            facts.setdefault("pads", {})[pad] = found
    return facts


def from_cache(entry: dict[str, Any], types: dict[str, Any], file: str) -> dict[str, Any]:
    """The facts of an element in a documentation cache."""
    facts: dict[str, Any] = {"source": file, "properties": {}}
    for name, said in entry.get("properties", {}).items():
        fact: dict[str, Any] = {"type": said["type"], "writable": said["writable"]}
        kind, default = said["type"], said["default"]
        values = types.get(kind, {}).get("values")
        if values is not None:
            fact["nicks"] = [v["name"] for v in values]
            fact["default"] = default.rpartition(" (")[0]
        elif kind == "gboolean":
            fact["default"] = default == "true"
        elif kind in ("gint", "guint", "gint64", "guint64", "gfloat", "gdouble"):
            convert = float if kind in ("gfloat", "gdouble") else int
            fact.update({k: convert(said[v]) for k, v in (("min", "min"), ("max", "max"), ("default", "default"))})
        else:
            fact["default"] = None if default == "NULL" else default.strip('"')
        if said.get("conditionally-available"):
            fact["conditional"] = True
        facts["properties"][name] = fact
    for pad, template in entry.get("pad-templates", {}).items():
        text = re.sub(r":\n", ", ", template["caps"].replace("(string)", "").replace("(int)", ""))
        text = re.sub(r"\n +", ", ", re.sub(r", +(?=\w)", ", ", text)).replace("\n", ";")
        text = re.sub(r"([\w-]+): ", r"\1 = ", text)
        facts.setdefault("pads", {})[pad] = caps(text)
    return facts


class Patch(NamedTuple):
    """Facts that a program cannot read: added to an element where the reading found none."""

    elements: tuple[str, ...]
    tags: tuple[str, ...]  # beginnings of version numbers
    evidence: str
    properties: dict[str, dict[str, Any]] = {}
    pads: dict[str, list[dict[str, Any]]] = {}
    # The element itself was not found, and this makes it.
    source: str = ""


ALL = ("1.",)
OLD = ("1.22.", "1.24.")


def raw(formats: str, memory: str = "", **fields: Any) -> dict[str, Any]:
    features = {"features": [f"memory:{memory}"]} if memory else {}
    return {"media": "video/x-raw", **features, "format": formats.split(), **fields}


def both(formats: str, memory: str, **fields: Any) -> list[dict[str, Any]]:
    return [raw(formats, memory, **fields), raw(formats, **fields)]


def by_driver(kind: str) -> dict[str, Any]:
    fact = {"type": kind, "writable": True, "conditional": True, "default": False if kind == "gboolean" else None}
    return fact if kind == "gboolean" else {**fact, "min": None, "max": None}


NV_FORMATS = "NV12 P010_10LE P016_LE Y444 Y444_16LE"
NV_FORMATS_124 = "NV12 P010_10LE P012_LE Y444 Y444_16LE GBR GBR_16LE"
H264_SRC = {
    "media": "video/x-h264",
    "profile": "main high progressive-high constrained-high constrained-baseline baseline high-4:4:4".split(),
    "stream-format": ["avc", "byte-stream"],
    "alignment": ["au"],
}
DECODER_SINKS: dict[str, dict[str, Any]] = {
    "h264": {"media": "video/x-h264", "stream-format": ["byte-stream"], "alignment": ["au"]},
    "h265": {"media": "video/x-h265", "stream-format": ["byte-stream"], "alignment": ["au"]},
    "vp8": {"media": "video/x-vp8"},
    "vp9": {"media": "video/x-vp9"},
    "av1": {"media": "video/x-av1", "alignment": ["frame"]},
    "mpeg2video": {"media": "video/mpeg"},
    "mpeg4video": {"media": "video/mpeg"},
    "jpeg": {"media": "image/jpeg"},
}

# Templates that depend on the device hold all that the source can put into them.
PATCHES = [
    Patch(
        ("vapostproc",),
        ALL,
        "sys/va/gstvafilter.c: cb_desc gives the names, the driver which of them there are and their ranges",
        properties={
            **{n: by_driver("gfloat") for n in ("hue", "saturation", "brightness", "contrast")},
            **{n: by_driver("gboolean") for n in ("auto-saturation", "auto-brightness", "auto-contrast")},
        },
    ),
    Patch(
        ("nvcudah264enc", "nvautogpuh264enc"),
        ("1.22.0", "1.22.1"),
        "1.22.0 sys/nvcodec/gstnvh264encoder.cpp:1865: no `progressive` where the device encodes fields",
        pads={
            "sink": both("NV12 Y444", "CUDAMemory", **{"interlace-mode": ["interleaved", "mixed"]})
            + both("NV12 Y444", "CUDAMemory", **{"interlace-mode": ["progressive"]}),
            "src": [H264_SRC],
        },
    ),
    Patch(
        ("nvcudah264enc", "nvautogpuh264enc"),
        OLD,
        "1.22.12 sys/nvcodec/gstnvh264encoder.cpp:1887, 1.24.0 :2079",
        pads={
            "sink": both("NV12 Y444", "CUDAMemory", **{"interlace-mode": ["progressive", "interleaved", "mixed"]}),
            "src": [H264_SRC],
        },
    ),
    *(
        Patch(
            (f"nv{codec}dec", f"nv{codec}sldec"),
            tags,
            f"sys/nvcodec/{file}: codec_map_list, gst_nv_decoder_check_device_caps",
            pads={"sink": [sink], "src": both(formats, "CUDAMemory")},
        )
        for codec, sink in DECODER_SINKS.items()
        for tags, file, formats in (
            (("1.22.",), "gstnvdecoder.c", NV_FORMATS),
            (("1.24.", "1.26."), "gstnvdecoder.cpp", NV_FORMATS_124),
        )
    ),
    Patch(
        ("avenc_aac",),
        ALL,
        "gst-libav ext/libav/gstavcfg.c makes properties of FFmpeg's options, so they depend on FFmpeg: these as "
        "gst-inspect-1.0 shows them in 1.22.0 with FFmpeg 5.1",
        source="gst-libav/ext/libav/gstavaudenc.c (only what is used here)",
        properties={
            "bitrate": {"type": "gint", "writable": True, "default": 0, "min": 0, "max": 2147483647},
            "aac-ms": {"type": "gboolean", "writable": True, "default": True},
            "aac-is": {"type": "gboolean", "writable": True, "default": True},
        },
        pads={
            "sink": [{"media": "audio/x-raw", "format": ["F32LE"]}],
            "src": [{"media": "audio/mpeg"}],
        },
    ),
]

REMARKS: list[dict[str, Any]] = [
    {
        "id": "forced-keyframe-is-no-idr",
        "elements": ["vah264enc", "vah264lpenc"],
        "before": "1.24.4",
        "says": "A forced key unit inside a GOP becomes an I slice, not an IDR picture, and its buffer is not marked "
        "as a keyframe: only the first picture of each key-int-max is.",
        "evidence": "1.22.0 sys/va/gstvah264enc.c:1720-1726 and :1708; mended by 5e24324f4f (1.24.4)",
    },
    {
        "id": "times-counted-not-kept",
        "elements": ["vah264enc", "vah264lpenc"],
        "before": "1.24.4",
        "says": "Presentation times are the first one plus the number of the picture times its duration at the rate "
        "in the caps: gaps are closed, and without a rate 30 is assumed.",
        "evidence": "1.22.0 sys/va/gstvah264enc.c:3045 and :1575",
    },
    {
        "id": "key-int-max-1024",
        "elements": ["vah264enc", "vah264lpenc"],
        "says": "key-int-max ends at 1024; a larger value is refused when it is set.",
        "evidence": "MAX_GOP_SIZE: 1.22.0 sys/va/gstvah264enc.c:124, 1.26.2 :146",
    },
    {
        "id": "rate-control-by-driver",
        "elements": ["vah264enc", "vah264lpenc"],
        "says": "The driver says which nicks rate-control has, and the default is the first of them; with none of "
        "them the property is not there.",
        "evidence": "1.22.0 sys/va/gstvaencoder.c:1231 and gstvah264enc.c:3755, 1.26.2 gstvaencoder.c:1285",
    },
    {
        "id": "va-cap",
        "elements": ["vah264enc", "vah264lpenc"],
        "says": "With vbr, and from 1.26 with qvbr, bitrate is the target and bitrate * 100 / target-percentage the cap, in "
        "1000 bit/s. A cpb-size under half a second of the cap is replaced by two seconds of it.",
        "evidence": "1.22.0 sys/va/gstvah264enc.c:623, 1.26.2 :643-652 and _calculate_bitrate_hrd",
    },
    {
        "id": "va-quality",
        "elements": ["vah264enc", "vah264lpenc"],
        "from": "1.26.0",
        "says": "icq and qvbr take a quality from qpi. With vbr and cbr qpi is not used.",
        "evidence": "1.26.2 sys/va/gstvah264enc.c:3832 and :643-652",
    },
    {
        "id": "nv-kilo",
        "elements": ["nvh264enc", "nvcudah264enc", "nvautogpuh264enc"],
        "says": "bitrate, max-bitrate and vbv-buffer-size count in 1024 bit, so a cap of N thousand bit/s is passed by "
        "2.4 percent.",
        "evidence": "1.22.0 sys/nvcodec/gstnvh264encoder.cpp:1239-1243, 1.26.2 :1514-1518, 1.22.0 gstnvbaseenc.c alike",
    },
    {
        "id": "progressive-missing",
        "elements": ["nvcudah264enc", "nvautogpuh264enc"],
        "before": "1.22.2",
        "says": "Where the device encodes fields (before Turing) the sink template has interlace-mode "
        "{ interleaved, mixed } only, and progressive video does not link.",
        "evidence": "1.22.0 sys/nvcodec/gstnvh264encoder.cpp:1865; mended by df6a3d091f (1.22.2)",
    },
    {
        "id": "interlace-mode-must-be-there",
        "elements": ["nvcudah264enc", "nvautogpuh264enc"],
        "before": "1.22.6",
        "says": "Caps without interlace-mode are refused.",
        "evidence": "mended by 5f433d7ff2 (1.22.6)",
    },
    {
        "id": "b-frames-broken",
        "elements": ["nvcudah264enc", "nvautogpuh264enc"],
        "before": "1.22.1",
        "says": "B-frames end in an error on Linux.",
        "evidence": "mended by 359e5fd327 (1.22.1)",
    },
    {
        "id": "new-presets",
        "elements": ["nvcudah264enc", "nvautogpuh264enc"],
        "before": "1.24.0",
        "says": "preset has no p1 to p7, and there is no tune and no multi-pass: they come with 1.24.0.",
        "evidence": "1.22.0 sys/nvcodec/gstnvencoder.cpp:2026, 1.24.0 :2065; 0a05ba3f62 (1.23.1)",
    },
    {
        "id": "name-moved",
        "elements": ["nvh264enc"],
        "before": "1.26.0",
        "says": "This is the older element with the presets default, hp, hq and so on; the newer one is called "
        "nvcudah264enc. From 1.26 on the newer one has this name, with the older one's property names, and "
        "nvcudah264enc is gone.",
        "evidence": "1.24.0 sys/nvcodec/gstnvh264enc.c:726; da019bf137 (1.25.1)",
    },
    {
        "id": "sizes",
        "elements": ["nvh264enc", "nvcudah264enc", "nvautogpuh264enc"],
        "says": "The least size is the device's, in the newer element rounded up to 16 (160x64 on current ones, 145x49 "
        "unrounded): smaller pictures do not link. The template's numbers are one device's.",
        "evidence": "1.26.2 sys/nvcodec/gstnvh264encoder.cpp:2301 and :53, 1.24.0 gstnvh264enc.c:65",
    },
    {
        "id": "parser-decoders",
        "elements": ["nvh264dec", "nvh265dec", "nvvp8dec", "nvvp9dec"],
        "before": "1.24.0",
        "says": "NVIDIA's parser decodes here, and nv*sldec is GStreamer's own. With GST_USE_NV_STATELESS_CODEC the "
        "latter takes this name. From 1.24 on there is only the latter, under this name.",
        "evidence": "1.22.0 sys/nvcodec/plugin.c:124 and gstnvdec.c:2088; \"Remove stateful decoders\" (1.23.1)",
    },
    {
        "id": "nvrtc",
        "elements": ["cudaconvert", "cudascale", "cudaconvertscale"],
        "says": "Registered only if libnvrtc.so (the name without a version, or what GST_CUDA_NVRTC_LIBNAME names) loads "
        "and compiles a test kernel. From 1.26 on a build with -Dnvcodec-cuda-precompile registers them always; the "
        "default is without.",
        "evidence": "1.22.0 sys/nvcodec/gstcudafilter.c:41 and gst-libs/gst/cuda/gstcudanvrtc.c:34, 1.24.0 plugin.c:327, "
        "1.26.2 plugin.c:196-203",
    },
    {
        "id": "borders-differ",
        "elements": ["cudaconvertscale", "cudascale", "vapostproc"],
        "says": "add-borders is true by default in cudaconvertscale and cudascale, and false in vapostproc, which then "
        "stretches a picture of another shape.",
        "evidence": "1.22.0 sys/nvcodec/gstcudaconvertscale.c:51, sys/va/gstvavpp.c:2065; 1.26.2 :52, :2168",
    },
]


def release(tag: str) -> tuple[int, ...]:
    return tuple(int(p) for p in tag.split("."))


def patched(name: str, tag: str, facts: dict[str, Any] | None) -> dict[str, Any] | None:
    for patch in PATCHES:
        if name not in patch.elements or not any(tag == t or (t.endswith(".") and tag.startswith(t)) for t in patch.tags):
            continue
        if facts is None and patch.source:
            facts = {"source": patch.source, "properties": {}}
        if facts is None:
            continue
        before = json.dumps(facts)
        for key, fact in patch.properties.items():
            facts["properties"].setdefault(key, fact)
        for pad, found in patch.pads.items():
            facts.setdefault("pads", {}).setdefault(pad, found)
        if json.dumps(facts) != before:
            facts.setdefault("by_hand", []).append(patch.evidence)
    return facts


def all_facts(source: Source) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, ways in ELEMENTS.items():
        facts = facts_of(source, name, ways)
        if facts is not None and not facts["properties"]:
            fail(f"{source.tag}: {name} is there, but no properties of it can be read")
        facts = patched(name, source.tag, facts)
        if facts is not None:
            found[name] = facts
    text = source.raw(UGLY_CACHE)
    if text is None:
        fail(f"{source.tag} has no {UGLY_CACHE}")
    plugin = json.loads(text)["x264"]
    found["x264enc"] = from_cache(
        plugin["elements"]["x264enc"], plugin["other-types"], UGLY_CACHE.removeprefix("subprojects/")
    )
    aac = patched("avenc_aac", source.tag, None)
    if aac:
        found["avenc_aac"] = aac
    return found


def document(sources: list[Source]) -> dict[str, Any]:
    elements: dict[str, list[dict[str, Any]]] = {}
    for source in sources:
        for name, facts in all_facts(source).items():
            groups = elements.setdefault(name, [])
            same = next((g for g in groups if {k: v for k, v in g.items() if k != "tags"} == facts), None)
            if same:
                same["tags"].append(source.tag)
            else:
                groups.append({"tags": [source.tag], **facts})
    tags = [s.tag for s in sources]
    remarks = []
    for remark in REMARKS:
        said = dict(remark)
        since, before = (said.pop(k, None) for k in ("from", "before"))
        said["tags"] = [
            t
            for t in tags
            if (before is None or release(t) < release(before)) and (since is None or release(t) >= release(since))
        ]
        remarks.append(said)
    return {"tags": tags, "elements": elements, "remarks": remarks}


def written(value: Any, indent: int = 0, key: str = "") -> str:
    """JSON with sorted keys: a property, a structure of caps and a remark have one line each."""
    pad = " " * (indent + 1)
    if isinstance(value, dict) and value and key != "line":
        below = "line" if key == "properties" else ""
        inner = [f"{pad}{json.dumps(k)}: {written(v, indent + 1, below or k)}" for k, v in sorted(value.items())]
        return "{\n" + ",\n".join(inner) + "\n" + " " * indent + "}"
    if isinstance(value, list) and value and isinstance(value[0], dict) and key != "line":
        below = "line" if key in ("sink", "src", "remarks") else ""
        inner = [pad + written(v, indent + 1, below) for v in value]
        return "[\n" + ",\n".join(inner) + "\n" + " " * indent + "]"
    return json.dumps(value, sort_keys=True)


def compare(source: Source, file: Path) -> int:
    """Prints what differs from a documentation cache; the number of differences."""
    try:
        plugins = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        fail(f"{file}: {error}")
    said = {n: (e, p.get("other-types", {})) for p in plugins.values() for n, e in p.get("elements", {}).items()}
    types = {n: t for p in plugins.values() for n, t in p.get("other-types", {}).items()}
    differ = 0

    def tell(text: str) -> None:
        nonlocal differ
        differ += 1
        print(text)

    for name, read in sorted(all_facts(source).items()):
        if name not in said:
            if name not in ("x264enc", "avenc_aac"):
                tell(f"{name}: not in the cache")
            continue
        entry = dict(said[name][0])
        for parent in entry["hierarchy"][1:]:
            entry["properties"] = {**types.get(parent, {}).get("properties", {}), **entry.get("properties", {})}
        cached = from_cache(entry, types, "")
        for key in sorted(read["properties"].keys() | cached["properties"].keys()):
            ours, theirs = read["properties"].get(key), cached["properties"].get(key)
            if ours is None or theirs is None:
                tell(f"{name}.{key}: only in the {'cache' if ours is None else 'source'}")
                continue
            for field in ("type", "writable", "nicks", "min", "max", "default"):
                one, other = ours.get(field), theirs.get(field)
                if other == -1 and one == 2**32 - 1:
                    continue  # the cache's own mistake
                if one != other and not (isinstance(one, float) and abs(one - (other or 0)) < 1e-5):
                    tell(f"{name}.{key}.{field}: source {one}, cache {other}")
    return differ


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Reads what GStreamer's elements offer from its source.",
        epilog="Writes crates/pipeline/tests/pipeline/facts/elements.json to the standard output.",
    )
    parser.add_argument("--source", type=Path, required=True, metavar="GSTREAMER_GIT", help="clone of GStreamer")
    parser.add_argument("--tags", required=True, help="versions, with commas between them, oldest first")
    parser.add_argument("--compare", type=Path, metavar="CACHE", help="compare with this gst_plugins_cache.json")
    chosen = parser.parse_args()
    tags = [t.strip() for t in chosen.tags.split(",") if t.strip()]
    if not tags:
        fail("--tags names no version")
    if not chosen.source.is_dir():
        fail(f"no folder {chosen.source}")
    for tag in tags:
        if not re.fullmatch(r"\d+\.\d+\.\d+", tag):
            fail(f"{tag} is no version such as 1.24.0")
    sources = [Source(chosen.source, tag) for tag in tags]
    if chosen.compare:
        if len(sources) != 1:
            fail("--compare takes one tag")
        sys.exit(1 if compare(sources[0], chosen.compare) else 0)
    print(written(document(sources)))


if __name__ == "__main__":
    main()
