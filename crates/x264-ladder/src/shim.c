/* What has to be written against x264.h: its structures differ from one version to the next.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The look-ahead's findings leave x264 in one way only, the file that a first pass writes for a second
 * one. The linker puts the functions named __wrap_* in place of those of the C library, so the encoder
 * that is being opened by this file writes to memory instead. Nothing touches the disk, and none of it
 * works by the state of other encoders in this process: those live in another object.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x264.h>

struct ladder_picture {
    const uint8_t *planes[3];
    int32_t strides[3];
    int32_t type;
    int64_t number;
    /* One per macroblock, or null. Read before the call returns. */
    float *offsets;
};

struct ladder_unit {
    const uint8_t *data;
    int64_t size;
    int64_t pts;
    int64_t dts;
    int32_t type;
    int32_t keyframe;
    /* By how much the rate control raised the quantiser above what the quality asks for. */
    float raised;
};

struct ladder_encoder {
    x264_param_t param;
    x264_t *x264;
    uint8_t *found;
    size_t found_bytes, found_room;
    char error[256];
};

static __thread struct ladder_encoder *opening;

static ssize_t keep(void *to, const char *data, size_t bytes)
{
    struct ladder_encoder *e = to;
    if (e->found_bytes + bytes > e->found_room) {
        size_t room = 2 * (e->found_bytes + bytes);
        uint8_t *found = realloc(e->found, room);
        if (!found)
            return 0;
        e->found = found;
        e->found_room = room;
    }
    memcpy(e->found + e->found_bytes, data, bytes);
    e->found_bytes += bytes;
    return (ssize_t)bytes;
}

static ssize_t drop(void *to, const char *data, size_t bytes)
{
    (void)to;
    (void)data;
    return (ssize_t)bytes;
}

static int ends_with(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);
    return a >= b && !strcmp(text + a - b, end);
}

static FILE *open_in_memory(const char *path)
{
    int is_tree = ends_with(path, ".mbtree.temp");
    cookie_io_functions_t functions = { .write = is_tree ? keep : drop };
    FILE *file = fopencookie(opening, "wb", functions);
    /* Whatever is written has to be here at once. */
    if (file)
        setvbuf(file, NULL, _IONBF, 0);
    return file;
}

FILE *__real_fopen64(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);
FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);

#define PREFIX "clipsy-look-ahead"

FILE *__wrap_fopen64(const char *path, const char *mode)
{
    return opening && !strncmp(path, PREFIX, strlen(PREFIX)) ? open_in_memory(path) : __real_fopen64(path, mode);
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
    return opening && !strncmp(path, PREFIX, strlen(PREFIX)) ? open_in_memory(path) : __real_fopen(path, mode);
}

/* Debian's archive is for programs, which may find the variables of other objects without a table: the C
 * library's `stderr` is given to it as a variable of this object. */
extern FILE *__real_stderr;
__attribute__((visibility("hidden"))) FILE *__wrap_stderr;

__attribute__((constructor)) static void find_stderr(void)
{
    __wrap_stderr = __real_stderr;
}

int __wrap_rename(const char *from, const char *to)
{
    return !strncmp(from, PREFIX, strlen(PREFIX)) ? 0 : __real_rename(from, to);
}

static void note(void *to, int level, const char *format, va_list arguments)
{
    struct ladder_encoder *e = to;
    if (level <= X264_LOG_ERROR)
        vsnprintf(e->error, sizeof e->error, format, arguments);
}

struct ladder_encoder *ladder_new(const char *preset, int32_t width, int32_t height, int32_t fps_n, int32_t fps_d)
{
    struct ladder_encoder *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    x264_param_t *p = &e->param;
    if (x264_param_default_preset(p, preset, NULL) < 0) {
        free(e);
        return NULL;
    }
    p->pf_log = note;
    p->p_log_private = e;
    p->i_log_level = X264_LOG_ERROR;
    p->i_csp = X264_CSP_I420;
    p->i_width = width;
    p->i_height = height;
    p->i_fps_num = (uint32_t)fps_n;
    p->i_fps_den = (uint32_t)fps_d;
    /* Pictures are counted: one tick each. */
    p->i_timebase_num = (uint32_t)fps_d;
    p->i_timebase_den = (uint32_t)fps_n;
    p->b_vfr_input = 0;
    p->b_annexb = 1;
    p->b_repeat_headers = 1;
    p->b_aud = 1;
    return e;
}

int32_t ladder_option(struct ladder_encoder *e, const char *key, const char *value)
{
    return x264_param_parse(&e->param, key, value);
}

void ladder_colour(struct ladder_encoder *e, int32_t full, int32_t matrix, int32_t primaries, int32_t transfer)
{
    e->param.vui.b_fullrange = full;
    e->param.vui.i_colmatrix = matrix;
    e->param.vui.i_colorprim = primaries;
    e->param.vui.i_transfer = transfer;
}

/* Settings as x264 read them, which the rest is computed from. */
void ladder_settings(const struct ladder_encoder *e, float *crf, float *qcomp, int32_t *aq_mode, float *aq_strength)
{
    *crf = e->param.rc.f_rf_constant;
    *qcomp = e->param.rc.f_qcompress;
    *aq_mode = e->param.rc.i_aq_mode;
    *aq_strength = e->param.rc.f_aq_strength;
}

int32_t ladder_open(struct ladder_encoder *e, const char *profile, int32_t analyses)
{
    if (x264_param_apply_profile(&e->param, profile) < 0)
        return -1;
    if (analyses) {
        static char name[] = PREFIX;
        e->param.rc.b_stat_write = 1;
        e->param.rc.psz_stat_out = name;
    }
    opening = e;
    e->x264 = x264_encoder_open(&e->param);
    opening = NULL;
    return e->x264 ? 0 : -1;
}

int32_t ladder_profile(struct ladder_encoder *e)
{
    x264_nal_t *nals;
    int count;
    if (x264_encoder_headers(e->x264, &nals, &count) < 0)
        return -1;
    for (int i = 0; i < count; i++)
        if (nals[i].i_type == NAL_SPS)
            return nals[i].p_payload[nals[i].b_long_startcode ? 5 : 4];
    return -1;
}

/* Encodes a picture, or with null what is left. Below zero is an error, zero says that nothing came out. */
int32_t ladder_encode(struct ladder_encoder *e, const struct ladder_picture *in, struct ladder_unit *unit)
{
    x264_picture_t picture, out;
    x264_picture_init(&picture);
    x264_picture_init(&out);
    if (in) {
        picture.img.i_csp = X264_CSP_I420;
        picture.img.i_plane = 3;
        for (int i = 0; i < 3; i++) {
            picture.img.plane[i] = (uint8_t *)in->planes[i];
            picture.img.i_stride[i] = in->strides[i];
        }
        picture.i_type = in->type;
        picture.i_pts = in->number;
        picture.prop.quant_offsets = in->offsets;
    }
    x264_nal_t *nals = NULL;
    int count = 0;
    int size = x264_encoder_encode(e->x264, &nals, &count, in ? &picture : NULL, &out);
    if (size <= 0)
        return size;
    unit->data = nals[0].p_payload;
    unit->size = size;
    unit->pts = out.i_pts;
    unit->dts = out.i_dts;
    unit->type = out.i_type;
    unit->keyframe = out.b_keyframe;
    unit->raised = (float)out.prop.f_crf_avg - e->param.rc.f_rf_constant;
    return 1;
}

int32_t ladder_delayed(const struct ladder_encoder *e)
{
    return x264_encoder_delayed_frames(e->x264);
}

/* What the look-ahead found since the last call; it is forgotten with this. */
size_t ladder_found(struct ladder_encoder *e, const uint8_t **data)
{
    size_t bytes = e->found_bytes;
    *data = e->found;
    e->found_bytes = 0;
    return bytes;
}

const char *ladder_error(const struct ladder_encoder *e)
{
    return e->error;
}

void ladder_free(struct ladder_encoder *e)
{
    if (e->x264)
        x264_encoder_close(e->x264);
    x264_param_cleanup(&e->param);
    free(e->found);
    free(e);
}
