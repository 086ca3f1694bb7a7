#!/bin/bash
# Takes out of the image what `clipsy` never uses: plugins that neither demux, decode, scale, encode nor mux
# what it makes, the libraries that only those need, and what belongs to desktops. Run while the image is
# made, in the layer that installs packages. The rest of each package stays, so that `apt` goes on working.
#
#   slim.sh PROGRAM...    programs that have to go on working besides those of Debian
set -euo pipefail
libraries=/usr/lib/$(uname -m)-linux-gnu
plugins=$libraries/gstreamer-1.0

# Networks, cameras, screens, sound cards, speech, fonts, effects, neural networks, telephony; encoders that
# the catalog does not have.
cd "$plugins"
for name in \
    aasink adaptivedemux2 aes alsa assrender bluez bs2b cacasink cairo camerabin chromaprint codec2json \
    colormanagement curl dash dc1394 decklink directfb dtls dv1394 dvb dvbsubenc faceoverlay fbdevsink \
    festival flite fluidsynthmidi gdkpixbuf goom goom2k1 gtk gtkwayland insertbin ipcpipeline iqa \
    jack kms ladspa ldac libcamera lv2 midi modplug monoscope msdk neonhttpsrc netsim nice onnx openal \
    openaptx openexr openmpt openni2 opengl oss4 ossaudio pango pulseaudio qmlgl qroverlay qsv qt6 removesilence \
    resindvd rfbsrc rsvg rtmp rtmp2 rtp rtpmanager rtpmanagerbad rtponvif rtsp rtspclientsink sctp sdpelem \
    shm shout2 smoothstreaming soup spandsp srt srtp svtav1 taglib tcp teletext ttmlsubs twolame udp uvch264 \
    uvcgadget v4l2codecs video4linux2 vulkan waylandsink webp webrtc webrtcdsp wildmidi winks wpe x265 \
    ximagesink ximagesrc xvimagesink zbar zxing; do
    rm -f "libgst$name.so"
done
cd /

# Of desktops, and texts.
rm -rf /usr/share/{doc,icons,sounds,mime,fonts,X11,gtk-3.0,themes,iso-codes,xml/iso-codes,zsh,polkit-1,alsa} \
    /usr/share/glib-2.0/schemas /usr/share/{bash-completion,man,info,lintian} /usr/lib/systemd /usr/lib/udev \
    "$libraries"/{systemd,gtk-3.0,gdk-pixbuf-2.0,spa-0.2,pipewire-0.3,gconv}
# Nothing runs but one program: no services, no devices that come and go.
{ dpkg -L systemd udev 2>/dev/null || true; } | grep -E '^/usr/s?bin/' | xargs -r rm -f

# Everything that is left to run, and what each of it needs. Drivers are opened by name.
mapfile -t roots < <(find -L /usr/bin /usr/sbin /usr/libexec "$plugins" "$libraries"/{dri,gstreamer1.0,gio,vdpau} \
    -type f 2>/dev/null; printf '%s\n' "$@")
needed=$(for root in "${roots[@]}"; do ldd "$root" 2>/dev/null || true; done |
    sed -nE 's/.*(=> |^\t)(\/[^ ]+) \(.*/\2/p' | sort -u | xargs -r readlink -f | sort -u)
# What the C library opens itself, what names of drivers lead to, and what a card's toolkit comes with.
kept='lib(c|m|mvec|dl|rt|pthread|resolv|util|anl|nss_.*|nsl|thread_db|gcc_s|va.*|drm.*|nvrtc.*|cuda.*|nvidia.*|gst.*|BrokenLocale|c_malloc_debug|memusage|pcprofile)[-.]'
find "$libraries" -maxdepth 1 -name '*.so*' | while read -r library; do
    real=$(readlink -f "$library") || continue
    [[ ${library##*/} =~ ^$kept || ${library##*/} == ld-* ]] && continue
    grep -qxF "$real" <<<"$needed" || printf '%s\n' "$library"
done | xargs -r rm -f
# Nothing that is left may miss a library.
missing=$(for root in "${roots[@]}"; do ldd "$root" 2>/dev/null | sed -n "s,^\t\(.*\) => not found,$root: \1,p"; done)
[[ -z $missing ]] || { printf 'libraries are missing:\n%s\n' "$missing" >&2; exit 1; }
