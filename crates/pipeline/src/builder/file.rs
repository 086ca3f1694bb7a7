//! `clipsyfile`: reads a file as the pieces say, see [`crate::front`].

use std::fs::File;
use std::sync::Arc;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::subclass::prelude::*;

use crate::front::Piece;

/// Factory name.
pub(crate) const NAME: &str = "clipsyfile";

glib::wrapper! {
    pub struct PiecedFile(ObjectSubclass<imp::PiecedFile>)
        @extends gstreamer_base::BaseSrc, gst::Element, gst::Object;
}

impl PiecedFile {
    /// To be called once, before the element runs.
    pub(crate) fn configure(&self, file: File, pieces: Arc<[Piece]>) {
        self.imp().configure(file, pieces);
    }
}

mod imp {
    use std::os::unix::fs::FileExt;
    use std::sync::{LazyLock, OnceLock};

    use gstreamer_base::prelude::*;
    use gstreamer_base::subclass::base_src::CreateSuccess;
    use gstreamer_base::subclass::prelude::*;

    use super::{Arc, File, Piece, glib, gst};

    #[derive(Default)]
    pub struct PiecedFile {
        content: OnceLock<(File, Arc<[Piece]>)>,
    }

    impl PiecedFile {
        pub(super) fn configure(&self, file: File, pieces: Arc<[Piece]>) {
            // A second call would come from a fault of the builder; the first one holds.
            let _ = self.content.set((file, pieces));
        }

        fn len(&self) -> Option<u64> {
            let (_, pieces) = self.content.get()?;
            Some(pieces.iter().map(Piece::len).sum())
        }

        /// Fills `out` with what lies at `offset`; the answer is how much there was.
        fn read(&self, mut offset: u64, out: &mut [u8]) -> std::io::Result<usize> {
            let Some((file, pieces)) = self.content.get() else {
                return Ok(0);
            };
            let mut filled = 0;
            for piece in pieces.iter() {
                let len = piece.len();
                if offset >= len {
                    offset -= len;
                    continue;
                }
                let room = &mut out[filled..];
                let take = usize::try_from(len - offset)
                    .unwrap_or(usize::MAX)
                    .min(room.len());
                let room = &mut room[..take];
                match piece {
                    Piece::Made(bytes) => {
                        let at = usize::try_from(offset).unwrap_or(usize::MAX);
                        room.copy_from_slice(&bytes[at..at + take]);
                    }
                    Piece::File { start, .. } => file.read_exact_at(room, start + offset)?,
                    Piece::Clock(stream) => stream.read(file, offset, room)?,
                    Piece::Jumps(stream) => stream.read(file, offset, room)?,
                }
                filled += take;
                offset = 0;
                if filled == out.len() {
                    break;
                }
            }
            Ok(filled)
        }
    }

    #[glib::object_subclass]
    impl ObjectSubclass for PiecedFile {
        const NAME: &'static str = "ClipsyFile";
        type Type = super::PiecedFile;
        type ParentType = gstreamer_base::BaseSrc;
    }

    impl ObjectImpl for PiecedFile {
        fn constructed(&self) {
            self.parent_constructed();
            self.obj().set_format(gst::Format::Bytes);
        }
    }

    impl GstObjectImpl for PiecedFile {}

    impl ElementImpl for PiecedFile {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                gst::subclass::ElementMetadata::new(
                    "Clipsy file",
                    "Source/File",
                    "Reads parts of a file and made bytes in between",
                    "The Clipsy developers",
                )
            });
            Some(&METADATA)
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                gst::PadTemplate::new(
                    "src",
                    gst::PadDirection::Src,
                    gst::PadPresence::Always,
                    &gst::Caps::new_any(),
                )
                .into_iter()
                .collect()
            });
            &TEMPLATES
        }
    }

    impl BaseSrcImpl for PiecedFile {
        fn is_seekable(&self) -> bool {
            true
        }

        fn size(&self) -> Option<u64> {
            self.len()
        }

        fn create(
            &self,
            offset: u64,
            _buffer: Option<&mut gst::BufferRef>,
            length: u32,
        ) -> Result<CreateSuccess, gst::FlowError> {
            let left = self.len().unwrap_or(0).saturating_sub(offset);
            let take = usize::try_from(left.min(length.into())).unwrap_or(0);
            if take == 0 {
                return Err(gst::FlowError::Eos);
            }
            let mut bytes = vec![0; take];
            let filled = self.read(offset, &mut bytes).map_err(|error| {
                gst::element_imp_error!(self, gst::ResourceError::Read, ["{error}"]);
                gst::FlowError::Error
            })?;
            bytes.truncate(filled);
            let mut buffer = gst::Buffer::from_mut_slice(bytes);
            if let Some(fields) = buffer.get_mut() {
                fields.set_offset(offset);
                fields.set_offset_end(offset + filled as u64);
            }
            Ok(CreateSuccess::NewBuffer(buffer))
        }
    }
}
