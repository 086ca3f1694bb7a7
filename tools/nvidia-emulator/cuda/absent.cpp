// Functions that must be there, since GStreamer does not load without them,
// but which this card does not have: OpenGL, EGL, sharing between processes,
// virtual memory, pools and foreign memory.
#include "state.h"

#define ABSENT(name) EXPORT CUresult name() { return R(NOT_SUPPORTED); }
ABSENT(cuGraphicsMapResources)
ABSENT(cuGraphicsUnmapResources)
ABSENT(cuGraphicsResourceSetMapFlags)
ABSENT(cuGraphicsResourceSetMapFlags_v2)
ABSENT(cuGraphicsSubResourceGetMappedArray)
ABSENT(cuGraphicsResourceGetMappedPointer)
ABSENT(cuGraphicsResourceGetMappedPointer_v2)
ABSENT(cuGraphicsUnregisterResource)
ABSENT(cuGraphicsGLRegisterImage)
ABSENT(cuGraphicsGLRegisterBuffer)
ABSENT(cuGraphicsEGLRegisterImage)
ABSENT(cuGraphicsResourceGetMappedEglFrame)
ABSENT(cuIpcGetEventHandle)
ABSENT(cuIpcOpenEventHandle)
ABSENT(cuIpcGetMemHandle)
ABSENT(cuIpcOpenMemHandle)
ABSENT(cuIpcOpenMemHandle_v2)
ABSENT(cuIpcCloseMemHandle)
ABSENT(cuMemAddressReserve)
ABSENT(cuMemAddressFree)
ABSENT(cuMemCreate)
ABSENT(cuMemRelease)
ABSENT(cuMemExportToShareableHandle)
ABSENT(cuMemImportFromShareableHandle)
ABSENT(cuMemSetAccess)
ABSENT(cuMemGetAccess)
ABSENT(cuMemGetAllocationGranularity)
ABSENT(cuMemGetAllocationPropertiesFromHandle)
ABSENT(cuMemMap)
ABSENT(cuMemUnmap)
ABSENT(cuMemRetainAllocationHandle)
ABSENT(cuMemAllocAsync)
ABSENT(cuMemAllocFromPoolAsync)
ABSENT(cuMemFreeAsync)
ABSENT(cuMemPoolCreate)
ABSENT(cuMemPoolDestroy)
ABSENT(cuMemPoolSetAttribute)
ABSENT(cuMemPoolGetAttribute)
ABSENT(cuDestroyExternalMemory)
ABSENT(cuDestroyExternalSemaphore)
ABSENT(cuExternalMemoryGetMappedBuffer)
ABSENT(cuExternalMemoryGetMappedMipmappedArray)
ABSENT(cuImportExternalMemory)
ABSENT(cuImportExternalSemaphore)
ABSENT(cuSignalExternalSemaphoresAsync)
ABSENT(cuWaitExternalSemaphoresAsync)
ABSENT(cuMipmappedArrayGetLevel)
ABSENT(cuMipmappedArrayDestroy)
ABSENT(cuLinkCreate_v2)
ABSENT(cuLinkAddData_v2)
ABSENT(cuLinkComplete)
ABSENT(cuLinkDestroy)

// No OpenGL screen belongs to this card.
EXPORT CUresult cuGLGetDevices_v2(unsigned int *n, CUdevice *, unsigned int, CUGLDeviceList)
{
    *n = 0;
    return R(NO_DEVICE);
}
EXPORT CUresult cuGLGetDevices(unsigned int *n, CUdevice *d, unsigned int size, CUGLDeviceList l) { return cuGLGetDevices_v2(n, d, size, l); }
