// A texture as both libcuda and the compiled kernels see it. The text of this
// file also goes into every kernel that NVRTC compiles, so it stays plain C.
struct nv_texture {
    unsigned int magic;
    int linear;     // filter mode
    int normalized; // coordinates from 0 to 1
    int as_integer; // values as they are, not from 0 to 1
    int bytes;      // of one channel: 1, 2 or 4
    int channels;
    int width, height;
    unsigned long pitch;
    const unsigned char *data;
};
#define NV_TEXTURE_MAGIC 0x7e87e87eu
