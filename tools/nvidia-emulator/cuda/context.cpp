// Contexts with a stack for each thread, streams and events. All work is done
// at once, so a stream is only a name that must fit its context.
#include "state.h"

static thread_local std::vector<CUcontext> stack;
static std::set<CUcontext> &contexts = *new std::set<CUcontext>;
static std::set<CUstream> &streams = *new std::set<CUstream>;
static std::set<CUevent> &events = *new std::set<CUevent>;
static CUcontext primaries[16];

CUcontext current() { return stack.empty() ? nullptr : stack.back(); }

static bool known(CUcontext context)
{
    std::lock_guard<std::mutex> hold(g_lock);
    return contexts.count(context) && context->alive;
}

CUresult need_context(const char *who, CUcontext *out)
{
    CUcontext now = current();
    if (!now)
        return misuse(INVALID_CONTEXT, "%s without a current context", who);
    if (!known(now))
        return misuse(CONTEXT_DESTROYED, "%s in a destroyed context", who);
    if (out)
        *out = now;
    return R(OK);
}

bool may_reach(CUcontext from, CUcontext to)
{
    std::lock_guard<std::mutex> hold(g_lock);
    return from == to || from->peers.count(to);
}

// Legacy and per-thread default streams are the numbers 0, 1 and 2.
CUresult check_stream(const char *who, CUcontext context, CUstream stream)
{
    if ((uintptr_t)stream <= 2)
        return R(OK);
    std::lock_guard<std::mutex> hold(g_lock);
    if (!streams.count(stream))
        return misuse(INVALID_HANDLE, "%s with a stream that is not there", who);
    if (stream->context != context)
        return misuse(INVALID_HANDLE, "%s with a stream of another context", who);
    return R(OK);
}

static CUcontext make(int card)
{
    CUcontext context = new CUctx_st;
    context->card = card;
    std::lock_guard<std::mutex> hold(g_lock);
    contexts.insert(context);
    count(card, "contexts_created", 1);
    count(card, "open_contexts", 1);
    return context;
}

// The object itself stays, so that a late use is told from a wild pointer.
static void end(CUcontext context)
{
    {
        std::lock_guard<std::mutex> hold(g_lock);
        context->alive = false;
    }
    free_blocks_of(context);
    count(context->card, "open_contexts", -1);
}

EXPORT CUresult cuCtxCreate_v2(CUcontext *out, unsigned int, CUdevice device)
{
    if (!g_ready)
        return misuse(NOT_INITIALIZED, "cuCtxCreate before cuInit");
    int card = physical_card(device);
    if (card < 0)
        return misuse(INVALID_DEVICE, "cuCtxCreate for device %d", device);
    if (nv_on("NO_CONTEXT", card))
        return R(OUT_OF_MEMORY);
    *out = make(card);
    stack.push_back(*out);
    return R(OK);
}
EXPORT CUresult cuCtxCreate(CUcontext *out, unsigned int flags, CUdevice device) { return cuCtxCreate_v2(out, flags, device); }

EXPORT CUresult cuCtxDestroy_v2(CUcontext context)
{
    if (!known(context))
        return misuse(INVALID_CONTEXT, "cuCtxDestroy of a context that is not there");
    if (current() == context)
        stack.pop_back();
    end(context);
    return R(OK);
}
EXPORT CUresult cuCtxDestroy(CUcontext context) { return cuCtxDestroy_v2(context); }

EXPORT CUresult cuCtxPushCurrent_v2(CUcontext context)
{
    if (!known(context))
        return misuse(INVALID_CONTEXT, "cuCtxPushCurrent of a context that is not there");
    stack.push_back(context);
    return R(OK);
}
EXPORT CUresult cuCtxPushCurrent(CUcontext context) { return cuCtxPushCurrent_v2(context); }

EXPORT CUresult cuCtxPopCurrent_v2(CUcontext *out)
{
    if (stack.empty())
        return misuse(INVALID_CONTEXT, "cuCtxPopCurrent with an empty stack");
    if (out)
        *out = stack.back();
    stack.pop_back();
    return R(OK);
}
EXPORT CUresult cuCtxPopCurrent(CUcontext *out) { return cuCtxPopCurrent_v2(out); }

EXPORT CUresult cuCtxSetCurrent(CUcontext context)
{
    if (context && !known(context))
        return misuse(INVALID_CONTEXT, "cuCtxSetCurrent of a context that is not there");
    if (!stack.empty())
        stack.pop_back();
    if (context)
        stack.push_back(context);
    return R(OK);
}

EXPORT CUresult cuCtxGetCurrent(CUcontext *out)
{
    *out = current();
    return R(OK);
}

EXPORT CUresult cuCtxGetDevice(CUdevice *out)
{
    CUcontext context;
    if (CUresult r = need_context("cuCtxGetDevice", &context))
        return r;
    for (int i = 0; i < visible_cards(); i++)
        if (physical_card(i) == context->card)
            *out = i;
    return R(OK);
}

EXPORT CUresult cuCtxGetApiVersion(CUcontext context, unsigned int *version)
{
    if (!known(context ? context : current()))
        return R(INVALID_CONTEXT);
    *version = 3020;
    return R(OK);
}

EXPORT CUresult cuCtxSynchronize() { return need_context("cuCtxSynchronize", nullptr); }
EXPORT CUresult cuCtxSetLimit(CUlimit, size_t) { return need_context("cuCtxSetLimit", nullptr); }
EXPORT CUresult cuCtxGetLimit(size_t *value, CUlimit)
{
    *value = 1024;
    return need_context("cuCtxGetLimit", nullptr);
}

EXPORT CUresult cuCtxEnablePeerAccess(CUcontext peer, unsigned int)
{
    CUcontext context;
    if (CUresult r = need_context("cuCtxEnablePeerAccess", &context))
        return r;
    if (!known(peer))
        return misuse(INVALID_CONTEXT, "cuCtxEnablePeerAccess to a context that is not there");
    std::lock_guard<std::mutex> hold(g_lock);
    return R(context->peers.insert(peer).second ? OK : PEER_ALREADY);
}

EXPORT CUresult cuCtxDisablePeerAccess(CUcontext peer)
{
    CUcontext context;
    if (CUresult r = need_context("cuCtxDisablePeerAccess", &context))
        return r;
    std::lock_guard<std::mutex> hold(g_lock);
    return R(context->peers.erase(peer) ? OK : PEER_NOT_ENABLED);
}

EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext *out, CUdevice device)
{
    int card = physical_card(device);
    if (card < 0)
        return R(INVALID_DEVICE);
    if (!primaries[card] || !primaries[card]->alive)
        primaries[card] = make(card);
    primaries[card]->primary++;
    *out = primaries[card];
    return R(OK);
}

EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device)
{
    int card = physical_card(device);
    if (card < 0 || !primaries[card] || primaries[card]->primary == 0)
        return misuse(INVALID_CONTEXT, "cuDevicePrimaryCtxRelease without retain");
    if (--primaries[card]->primary == 0)
        end(primaries[card]);
    return R(OK);
}
EXPORT CUresult cuDevicePrimaryCtxRelease(CUdevice device) { return cuDevicePrimaryCtxRelease_v2(device); }
EXPORT CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice, unsigned int) { return R(OK); }
EXPORT CUresult cuDevicePrimaryCtxSetFlags(CUdevice, unsigned int) { return R(OK); }
EXPORT CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned int *flags, int *active)
{
    int card = physical_card(device);
    *flags = 0;
    *active = card >= 0 && primaries[card] && primaries[card]->alive;
    return R(OK);
}

EXPORT int nv_emulator_card_of_context(void *context)
{
    return known((CUcontext)context) ? ((CUcontext)context)->card : -1;
}

EXPORT CUresult cuStreamCreate(CUstream *out, unsigned int)
{
    CUcontext context;
    if (CUresult r = need_context("cuStreamCreate", &context))
        return r;
    mark_busy();
    *out = new CUstream_st;
    (*out)->context = context;
    std::lock_guard<std::mutex> hold(g_lock);
    streams.insert(*out);
    count(context->card, "open_streams", 1);
    return R(OK);
}
EXPORT CUresult cuStreamCreateWithPriority(CUstream *out, unsigned int flags, int) { return cuStreamCreate(out, flags); }

EXPORT CUresult cuStreamDestroy_v2(CUstream stream)
{
    std::lock_guard<std::mutex> hold(g_lock);
    if (!streams.erase(stream))
        return misuse(INVALID_HANDLE, "cuStreamDestroy of a stream that is not there");
    count(stream->context->card, "open_streams", -1);
    return R(OK);
}
EXPORT CUresult cuStreamDestroy(CUstream stream) { return cuStreamDestroy_v2(stream); }

static CUresult stream_call(const char *who, CUstream stream)
{
    CUcontext context;
    if (CUresult r = need_context(who, &context))
        return r;
    return check_stream(who, context, stream);
}
EXPORT CUresult cuStreamSynchronize(CUstream stream) { return stream_call("cuStreamSynchronize", stream); }
EXPORT CUresult cuStreamQuery(CUstream stream) { return stream_call("cuStreamQuery", stream); }
EXPORT CUresult cuStreamWaitEvent(CUstream stream, CUevent, unsigned int) { return stream_call("cuStreamWaitEvent", stream); }
EXPORT CUresult cuStreamAddCallback(CUstream stream, CUstreamCallback *callback, void *data, unsigned int)
{
    CUresult r = stream_call("cuStreamAddCallback", stream);
    if (r == R(OK))
        callback(stream, R(OK), data);
    return r;
}
EXPORT CUresult cuLaunchHostFunc(CUstream stream, void (*function)(void *), void *data)
{
    CUresult r = stream_call("cuLaunchHostFunc", stream);
    if (r == R(OK))
        function(data);
    return r;
}

EXPORT CUresult cuEventCreate(CUevent *out, unsigned int)
{
    CUcontext context;
    if (CUresult r = need_context("cuEventCreate", &context))
        return r;
    *out = new CUevent_st;
    (*out)->context = context;
    std::lock_guard<std::mutex> hold(g_lock);
    events.insert(*out);
    return R(OK);
}

static CUresult event_call(const char *who, CUevent event, bool gone = false)
{
    std::lock_guard<std::mutex> hold(g_lock);
    if (gone ? !events.erase(event) : !events.count(event))
        return misuse(INVALID_HANDLE, "%s of an event that is not there", who);
    return R(OK);
}
EXPORT CUresult cuEventDestroy_v2(CUevent event) { return event_call("cuEventDestroy", event, true); }
EXPORT CUresult cuEventDestroy(CUevent event) { return event_call("cuEventDestroy", event, true); }
EXPORT CUresult cuEventSynchronize(CUevent event) { return event_call("cuEventSynchronize", event); }
EXPORT CUresult cuEventQuery(CUevent event) { return event_call("cuEventQuery", event); }
EXPORT CUresult cuEventRecord(CUevent event, CUstream stream)
{
    CUresult r = stream_call("cuEventRecord", stream);
    return r ? r : event_call("cuEventRecord", event);
}
