// Put before every CUDA kernel, so that g++ compiles it as plain C++. The
// struct nv_texture stands above it (common/texture.h).
#include <math.h>

#define __device__
#define __host__
#define __global__ static
#define __forceinline__ inline
#define __restrict__ __restrict
#define __shared__ static thread_local
#define __launch_bounds__(...)

typedef unsigned long long cudaTextureObject_t;
typedef unsigned char uchar;
struct nv_point { unsigned int x, y, z; };
static thread_local nv_point blockIdx, threadIdx, blockDim, gridDim;

#define NV_VECTORS(type, name)                                                  \
    struct name##2 { type x, y; };                                              \
    struct name##3 { type x, y, z; };                                           \
    struct name##4 { type x, y, z, w; };                                        \
    static inline name##2 make_##name##2(type x, type y) { return { x, y }; }   \
    static inline name##3 make_##name##3(type x, type y, type z) { return { x, y, z }; } \
    static inline name##4 make_##name##4(type x, type y, type z, type w) { return { x, y, z, w }; }
NV_VECTORS(float, float)
NV_VECTORS(int, int)
NV_VECTORS(unsigned char, uchar)
NV_VECTORS(unsigned short, ushort)
NV_VECTORS(unsigned int, uint)

template <class A, class B> static inline auto max(A a, B b) { return a > b ? a : b; }
template <class A, class B> static inline auto min(A a, B b) { return a < b ? a : b; }
static inline int __float2int_rz(float v) { return (int)v; }
static inline int __float2int_rn(float v) { return (int)lrintf(v); }
static inline unsigned int __float2uint_rz(float v) { return v < 0 ? 0 : (unsigned int)v; }
static inline float __int2float_rz(int v) { return (float)v; }
static inline float __int2float_rn(int v) { return (float)v; }
static inline float __uint2float_rn(unsigned int v) { return (float)v; }
static inline float __saturatef(float v) { return v < 0 ? 0 : v > 1 ? 1 : v; }
static inline float __fdividef(float a, float b) { return a / b; }
static inline void __syncthreads() {}

namespace nv_emulator {
// One channel of one texel, as the card's texture unit gives it.
static inline float texel(const nv_texture *t, int x, int y, int channel)
{
    x = x < 0 ? 0 : x >= t->width ? t->width - 1 : x; // always clamped, the only way GStreamer asks for
    y = y < 0 ? 0 : y >= t->height ? t->height - 1 : y;
    const unsigned char *p = t->data + y * t->pitch + (unsigned long)(x * t->channels + channel) * t->bytes;
    if (t->bytes == 1)
        return t->as_integer ? (float)*p : *p / 255.0f;
    if (t->bytes == 2)
        return t->as_integer ? (float)*(const unsigned short *)p : *(const unsigned short *)p / 65535.0f;
    return *(const float *)p;
}

// The weights have 8 bits after the point, as on the card.
static inline float sample(const nv_texture *t, float x, float y, int channel)
{
    if (t->magic != NV_TEXTURE_MAGIC || channel >= t->channels)
        return 0; // the texture was destroyed: green pictures show it
    if (t->normalized) {
        x *= t->width;
        y *= t->height;
    }
    if (!t->linear)
        return texel(t, (int)floorf(x), (int)floorf(y), channel);
    x -= 0.5f;
    y -= 0.5f;
    float fx = floorf(x), fy = floorf(y);
    float a = floorf((x - fx) * 256.0f + 0.5f) / 256.0f, b = floorf((y - fy) * 256.0f + 0.5f) / 256.0f;
    int i = (int)fx, j = (int)fy;
    float top = (1 - a) * texel(t, i, j, channel) + a * texel(t, i + 1, j, channel);
    float bottom = (1 - a) * texel(t, i, j + 1, channel) + a * texel(t, i + 1, j + 1, channel);
    return (1 - b) * top + b * bottom;
}

template <class T> struct fetch;
template <> struct fetch<float> {
    static float of(const nv_texture *t, float x, float y) { return sample(t, x, y, 0); }
};
template <> struct fetch<float2> {
    static float2 of(const nv_texture *t, float x, float y) { return { sample(t, x, y, 0), sample(t, x, y, 1) }; }
};
template <> struct fetch<float4> {
    static float4 of(const nv_texture *t, float x, float y)
    {
        return { sample(t, x, y, 0), sample(t, x, y, 1), sample(t, x, y, 2), sample(t, x, y, 3) };
    }
};

// Calls a kernel for every thread of the grid, one after another.
template <int... N> struct numbers {};
template <int C, int... N> struct count_up : count_up<C - 1, C - 1, N...> {};
template <int... N> struct count_up<0, N...> { typedef numbers<N...> type; };

template <class... A, int... N> static void run(void (*kernel)(A...), void **a, const unsigned int *grid, numbers<N...>)
{
    gridDim = { grid[0], grid[1], grid[2] };
    blockDim = { grid[3], grid[4], grid[5] };
    for (blockIdx.z = 0; blockIdx.z < gridDim.z; blockIdx.z++)
        for (blockIdx.y = 0; blockIdx.y < gridDim.y; blockIdx.y++)
            for (blockIdx.x = 0; blockIdx.x < gridDim.x; blockIdx.x++)
                for (threadIdx.z = 0; threadIdx.z < blockDim.z; threadIdx.z++)
                    for (threadIdx.y = 0; threadIdx.y < blockDim.y; threadIdx.y++)
                        for (threadIdx.x = 0; threadIdx.x < blockDim.x; threadIdx.x++)
                            kernel(*(A *)a[N]...);
}
template <class... A> static inline void launch(void (*kernel)(A...), void **a, const unsigned int *grid)
{
    run(kernel, a, grid, typename count_up<sizeof...(A)>::type());
}
} // namespace nv_emulator

template <class T> static inline T tex2D(cudaTextureObject_t texture, float x, float y)
{
    return nv_emulator::fetch<T>::of((const nv_texture *)texture, x, y);
}
