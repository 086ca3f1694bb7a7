// cuvidMapVideoFrame: a decoded picture as the card lays it out in its memory.
#include "decoder.h"

// NV12 or P016. The chroma begins at an even row, as the card does it;
// GStreamer looks for it at the odd one when the height is odd.
static void lay_out(const Decoder *d, const AVFrame *f, Bytes *out)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get((AVPixelFormat)f->format);
    int depth = format ? format->comp[0].depth : 8, shift = 16 - depth;
    bool wide = d->info.OutputFormat == cudaVideoSurfaceFormat_P016;
    auto sample = [&](int plane, int x, int y) -> int {
        const uint8_t *line = f->data[plane] + (ptrdiff_t)y * f->linesize[plane];
        return depth > 8 ? ((const uint16_t *)line)[x] << shift : line[x] << 8;
    };
    int left = d->info.display_area.left, top = d->info.display_area.top;
    int width = (int)d->info.ulTargetWidth, height = (int)d->info.ulTargetHeight;
    for (int row = 0; row < height + (height + 1) / 2; row++) {
        bool luma = row < height;
        int y = luma ? row + top : (row - height) + top / 2;
        uint8_t *line = out->data() + (luma ? row : d->rows + row - height) * d->pitch;
        if (y >= (luma ? f->height : (f->height + 1) / 2))
            continue;
        for (int x = 0; x < width; x++) {
            int column = luma ? x + left : x / 2 + left / 2;
            int plane = luma ? 0 : 1 + x % 2;
            if (column >= (luma ? f->width : (f->width + 1) / 2))
                break;
            int value = sample(plane, column, y);
            if (wide)
                ((uint16_t *)line)[x] = (uint16_t)value;
            else
                line[x] = (uint8_t)(value >> 8);
        }
    }
}

EXPORT CUresult cuvidMapVideoFrame64(CUvideodecoder decoder, int index, unsigned long long *address, unsigned int *pitch, CUVIDPROCPARAMS *)
{
    Decoder *d = (Decoder *)decoder;
    if (CUresult r = check("cuvidMapVideoFrame", d))
        return r;
    auto found = d->pictures.find(index);
    if (found == d->pictures.end() || !found->second)
        return misuse(INVALID_VALUE, "cuvidMapVideoFrame of surface %d, into which nothing was decoded", index);
    Surface *s = nullptr;
    for (auto &one : d->surfaces)
        if (!one.mapped)
            s = &one;
    if (!s)
        return misuse(INVALID_VALUE, "cuvidMapVideoFrame of more than %lu pictures at once", d->info.ulNumOutputSurfaces);
    size_t lines = d->rows + d->rows / 2;
    if (!s->address && cuda().alloc(&s->address, d->pitch * lines) != CUDA_SUCCESS)
        return R(2);
    Bytes host(d->pitch * lines, 0);
    lay_out(d, found->second, &host);
    CUDA_MEMCPY2D p;
    memset(&p, 0, sizeof(p));
    p.srcMemoryType = CU_MEMORYTYPE_HOST;
    p.srcHost = host.data();
    p.dstMemoryType = CU_MEMORYTYPE_DEVICE;
    p.dstDevice = s->address;
    p.srcPitch = p.dstPitch = p.WidthInBytes = d->pitch;
    p.Height = lines;
    // The card's decoder writes there itself: no copy of the product's.
    if (cuda().own.quiet)
        cuda().own.quiet(1);
    CUresult r = cuda().copy(&p);
    if (cuda().own.quiet)
        cuda().own.quiet(0);
    if (r)
        return r;
    s->mapped = true;
    *address = s->address;
    *pitch = (unsigned int)d->pitch;
    add(d, "pictures_mapped", 1);
    return R(0);
}

EXPORT CUresult cuvidUnmapVideoFrame64(CUvideodecoder decoder, unsigned long long address)
{
    Decoder *d = (Decoder *)decoder;
    if (CUresult r = check("cuvidUnmapVideoFrame", d))
        return r;
    for (auto &s : d->surfaces)
        if (s.mapped && s.address == address) {
            s.mapped = false;
            return R(0);
        }
    return misuse(INVALID_VALUE, "cuvidUnmapVideoFrame of what is not mapped");
}

#undef cuvidMapVideoFrame
#undef cuvidUnmapVideoFrame
EXPORT CUresult cuvidMapVideoFrame(CUvideodecoder d, int i, unsigned long long *a, unsigned int *p, CUVIDPROCPARAMS *q) { return cuvidMapVideoFrame64(d, i, a, p, q); }
EXPORT CUresult cuvidUnmapVideoFrame(CUvideodecoder d, unsigned long long a) { return cuvidUnmapVideoFrame64(d, a); }
