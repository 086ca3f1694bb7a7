// The functions that NvEncodeAPICreateInstance hands out.
#include "session.h"
#include <unistd.h>

static std::mutex &g_sessions_lock = *new std::mutex;
static std::set<Session *> &g_sessions = *new std::set<Session *>;
static long g_opened[16]; // sessions of this process that are open, per card
static long g_opens[16];  // opens of this process that were meant for encoding

Session *session(void *p)
{
    std::lock_guard<std::mutex> hold(g_sessions_lock);
    if (g_sessions.count((Session *)p))
        return (Session *)p;
    Session wild;
    wild.misuse(NV_ENC_ERR_INVALID_ENCODERDEVICE, "NVENC call with a session that is not there");
    return nullptr;
}

static NVENCSTATUS refuse(Session *s, NVENCSTATUS status, const char *why)
{
    s->count("encode_sessions_refused", 1);
    if (cuda().own.flush)
        cuda().own.flush();
    fprintf(stderr, "nv-emulator: encode session refused: %s\n", why);
    delete s;
    return status;
}

static NVENCSTATUS NVENCAPI open_session(NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS *p, void **out)
{
    *out = nullptr;
    if (!p || !marked(p->version))
        return NV_ENC_ERR_INVALID_VERSION;
    if (p->deviceType != NV_ENC_DEVICE_TYPE_CUDA || !p->device || !cuda().loaded)
        return NV_ENC_ERR_INVALID_DEVICE;
    Session *s = new Session;
    s->context = (CUcontext)p->device;
    CUdevice device = 0;
    CUcontext old;
    if (cuda().push(s->context) != CUDA_SUCCESS) {
        delete s;
        return NV_ENC_ERR_INVALID_DEVICE;
    }
    cuda().device(&device);
    cuda().pop(&old);
    s->card = cuda().own.card_of_context ? cuda().own.card_of_context(s->context) : device;
    s->card = s->card < 0 || s->card > 15 ? 0 : s->card;
    int card = s->card;
    if (nv_on("NO_ENCODER", card))
        return refuse(s, NV_ENC_ERR_UNSUPPORTED_DEVICE, "the card has no encoder");
    // The plug-in opens sessions only to look when it is loaded; those are not
    // counted here. A process that has used the card's memory means it.
    bool meant = !cuda().own.busy || cuda().own.busy();
    if (meant) {
        std::lock_guard<std::mutex> hold(g_sessions_lock);
        long number = ++g_opens[card];
        if (nv_on("ABORT_ON_OPEN", card)) {
            fprintf(stderr, "nv-emulator: NV_EMULATOR_ABORT_ON_OPEN\n");
            abort();
        }
        const char *which = nv_text("FAIL_OPEN", card);
        if (which && (strcmp(which, "all") == 0 || atol(which) == number))
            return refuse(s, NV_ENC_ERR_OUT_OF_MEMORY, "NV_EMULATOR_FAIL_OPEN");
    }
    long limit = nv_number("SESSIONS", card, NV_SLOTS);
    bool free = !meant && nv_on("PROBES_FREE", card);
    s->slot = free ? -3 : nv_slot_take("enc", card, limit);
    std::lock_guard<std::mutex> hold(g_sessions_lock);
    if (s->slot == -1 || (s->slot == -2 && g_opened[card] >= limit))
        return refuse(s, NV_ENC_ERR_OUT_OF_MEMORY, "all sessions are taken");
    g_opened[card]++;
    g_sessions.insert(s);
    s->count("encode_sessions_opened", 1);
    s->count("open_encode_sessions", 1);
    *out = s;
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS NVENCAPI destroy(void *e)
{
    Session *s = session(e);
    if (!s)
        return NV_ENC_ERR_INVALID_ENCODERDEVICE;
    {
        std::lock_guard<std::mutex> hold(g_sessions_lock);
        g_sessions.erase(s);
        g_opened[s->card]--;
    }
    s->lock.lock(); // a session that hangs in the driver does not end either
    s->lock.unlock();
    s->count("open_encode_sessions", -1);
    s->end();
    if (cuda().own.flush)
        cuda().own.flush();
    delete s;
    return NV_ENC_SUCCESS;
}

static const char *NVENCAPI last_error(void *e)
{
    Session *s = session(e);
    return s ? s->error.c_str() : "no session";
}

static NVENCSTATUS NVENCAPI initialize(void *e, NV_ENC_INITIALIZE_PARAMS *p) { SESSION(e); MARKED(p); return s->begin(p); }
static NVENCSTATUS NVENCAPI reconfigure(void *e, NV_ENC_RECONFIGURE_PARAMS *p) { SESSION(e); MARKED(p); return s->change(&p->reInitEncodeParams, p->resetEncoder || p->forceIDR); }
static NVENCSTATUS NVENCAPI create_input(void *e, NV_ENC_CREATE_INPUT_BUFFER *p) { SESSION(e); MARKED(p); return s->create_input(p); }
static NVENCSTATUS NVENCAPI destroy_input(void *e, NV_ENC_INPUT_PTR p) { SESSION(e); return s->destroy_input(p); }
static NVENCSTATUS NVENCAPI lock_input(void *e, NV_ENC_LOCK_INPUT_BUFFER *p) { SESSION(e); MARKED(p); return s->lock_input(p); }
static NVENCSTATUS NVENCAPI unlock_input(void *e, NV_ENC_INPUT_PTR p) { SESSION(e); return s->unlock_input(p); }
static NVENCSTATUS NVENCAPI register_resource(void *e, NV_ENC_REGISTER_RESOURCE *p) { SESSION(e); MARKED(p); return s->register_resource(p); }
static NVENCSTATUS NVENCAPI unregister_resource(void *e, NV_ENC_REGISTERED_PTR p) { SESSION(e); return s->unregister_resource(p); }
static NVENCSTATUS NVENCAPI map(void *e, NV_ENC_MAP_INPUT_RESOURCE *p) { SESSION(e); MARKED(p); return s->map(p); }
static NVENCSTATUS NVENCAPI unmap(void *e, NV_ENC_INPUT_PTR p) { SESSION(e); return s->unmap(p); }
static NVENCSTATUS NVENCAPI encode_picture(void *e, NV_ENC_PIC_PARAMS *p)
{
    Session *early = session(e);
    if (early && p && !(p->encodePicFlags & NV_ENC_PIC_FLAG_EOS))
        early->hang();
    SESSION(e);
    MARKED(p);
    return s->encode(p);
}

static NVENCSTATUS NVENCAPI create_bitstream(void *e, NV_ENC_CREATE_BITSTREAM_BUFFER *p)
{
    SESSION(e);
    MARKED(p);
    if (!s->encoder)
        return s->misuse(NV_ENC_ERR_ENCODER_NOT_INITIALIZED, "NvEncCreateBitstreamBuffer before NvEncInitializeEncoder");
    Bitstream *b = new Bitstream;
    s->outputs.insert(b);
    p->bitstreamBuffer = b;
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS NVENCAPI destroy_bitstream(void *e, NV_ENC_OUTPUT_PTR p)
{
    SESSION(e);
    Bitstream *b = (Bitstream *)p;
    if (!s->outputs.erase(b))
        return s->misuse(NV_ENC_ERR_INVALID_PARAM, "NvEncDestroyBitstreamBuffer of a buffer that is not there");
    for (auto i = s->held.begin(); i != s->held.end();)
        i = i->out == b ? s->held.erase(i) : i + 1;
    delete b;
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS NVENCAPI lock_bitstream(void *e, NV_ENC_LOCK_BITSTREAM *p)
{
    SESSION(e);
    MARKED(p);
    Bitstream *b = (Bitstream *)p->outputBitstream;
    if (!s->outputs.count(b))
        return s->misuse(NV_ENC_ERR_INVALID_PARAM, "NvEncLockBitstream of a buffer that is not there");
    if (b->locked)
        return s->misuse(NV_ENC_ERR_LOCK_BUSY, "NvEncLockBitstream twice");
    if (!b->filled) // the B-frame fault of GStreamer 1.22.0 shows itself here
        return s->misuse(NV_ENC_ERR_INVALID_PARAM, "NvEncLockBitstream of a buffer that is not filled");
    b->locked = true;
    p->frameIdx = b->index;
    p->hwEncodeStatus = 2;
    p->numSlices = 1;
    p->bitstreamSizeInBytes = (uint32_t)b->data.size();
    p->bitstreamBufferPtr = b->data.data();
    p->outputTimeStamp = b->time;
    p->outputDuration = b->duration;
    p->pictureType = b->idr ? NV_ENC_PIC_TYPE_IDR : b->intra ? NV_ENC_PIC_TYPE_I : NV_ENC_PIC_TYPE_P;
    p->pictureStruct = NV_ENC_PIC_STRUCT_FRAME;
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS NVENCAPI unlock_bitstream(void *e, NV_ENC_OUTPUT_PTR p)
{
    SESSION(e);
    Bitstream *b = (Bitstream *)p;
    if (!s->outputs.count(b) || !b->locked)
        return s->misuse(NV_ENC_ERR_INVALID_PARAM, "NvEncUnlockBitstream of a buffer that is not locked");
    b->locked = b->filled = b->waiting = false;
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS NVENCAPI sequence(void *e, NV_ENC_SEQUENCE_PARAM_PAYLOAD *p)
{
    SESSION(e);
    MARKED(p);
    if (!s->encoder)
        return s->misuse(NV_ENC_ERR_ENCODER_NOT_INITIALIZED, "NvEncGetSequenceParams before NvEncInitializeEncoder");
    if (p->inBufferSize < s->headers.size())
        return s->fail(NV_ENC_ERR_NOT_ENOUGH_BUFFER, "the buffer is too small");
    memcpy(p->spsppsBuffer, s->headers.data(), s->headers.size());
    *p->outSPSPPSPayloadSize = (uint32_t)s->headers.size();
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS NVENCAPI set_streams(void *e, NV_ENC_CUSTREAM_PTR in, NV_ENC_CUSTREAM_PTR)
{
    SESSION(e);
    return in ? NV_ENC_SUCCESS : s->misuse(NV_ENC_ERR_INVALID_PTR, "NvEncSetIOCudaStreams without a stream");
}
static NVENCSTATUS NVENCAPI no_event(void *e, NV_ENC_EVENT_PARAMS *) { SESSION(e); return NV_ENC_ERR_UNIMPLEMENTED; }
static NVENCSTATUS NVENCAPI no_stats(void *e, NV_ENC_STAT *) { SESSION(e); return NV_ENC_ERR_UNIMPLEMENTED; }
static NVENCSTATUS NVENCAPI no_invalidate(void *e, uint64_t) { SESSION(e); return NV_ENC_ERR_UNIMPLEMENTED; }

EXPORT NVENCSTATUS NVENCAPI NvEncodeAPIGetMaxSupportedVersion(uint32_t *version)
{
    *version = NVENCAPI_MAJOR_VERSION << 4 | NVENCAPI_MINOR_VERSION;
    return NV_ENC_SUCCESS;
}

EXPORT NVENCSTATUS NVENCAPI NvEncodeAPICreateInstance(NV_ENCODE_API_FUNCTION_LIST *list)
{
    if (!list || !marked(list->version))
        return NV_ENC_ERR_INVALID_VERSION;
    list->nvEncOpenEncodeSessionEx = open_session;
    list->nvEncDestroyEncoder = destroy;
    list->nvEncGetLastErrorString = last_error;
    fill_queries(list);
    list->nvEncInitializeEncoder = initialize;
    list->nvEncReconfigureEncoder = reconfigure;
    list->nvEncCreateInputBuffer = create_input;
    list->nvEncDestroyInputBuffer = destroy_input;
    list->nvEncLockInputBuffer = lock_input;
    list->nvEncUnlockInputBuffer = unlock_input;
    list->nvEncRegisterResource = register_resource;
    list->nvEncUnregisterResource = unregister_resource;
    list->nvEncMapInputResource = map;
    list->nvEncUnmapInputResource = unmap;
    list->nvEncCreateBitstreamBuffer = create_bitstream;
    list->nvEncDestroyBitstreamBuffer = destroy_bitstream;
    list->nvEncEncodePicture = encode_picture;
    list->nvEncLockBitstream = lock_bitstream;
    list->nvEncUnlockBitstream = unlock_bitstream;
    list->nvEncGetSequenceParams = sequence;
    list->nvEncSetIOCudaStreams = set_streams;
    list->nvEncRegisterAsyncEvent = no_event;
    list->nvEncUnregisterAsyncEvent = no_event;
    list->nvEncGetEncodeStats = no_stats;
    list->nvEncInvalidateRefFrames = no_invalidate;
    return NV_ENC_SUCCESS;
}
