// A GStreamer tracer that traces nothing. Tracers are loaded by gst_init(),
// so this one loads the emulated libcuda before a program closes its sandbox:
// then the file of the counters is open already when writing is forbidden.
#include <dlfcn.h>
#include <gst/gst.h>
#include <stdio.h>

typedef struct { GstTracer parent; } NvEarly;
typedef struct { GstTracerClass parent; } NvEarlyClass;
GType nv_early_get_type(void);
G_DEFINE_TYPE(NvEarly, nv_early, GST_TYPE_TRACER)

static void nv_early_class_init(NvEarlyClass *klass) { (void)klass; }
static void nv_early_init(NvEarly *self) { (void)self; }

static gboolean plugin_init(GstPlugin *plugin)
{
    if (!dlopen("libcuda.so.1", RTLD_NOW | RTLD_NODELETE))
        fprintf(stderr, "nv-emulator: early: %s\n", dlerror());
    return gst_tracer_register(plugin, "nvearly", nv_early_get_type());
}

#define PACKAGE "nv-emulator"
GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, nvearly, "Loads the emulated libcuda early", plugin_init, "1", "unknown", PACKAGE, "none")
